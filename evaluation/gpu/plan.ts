import { KIB, MIB } from "../format.ts";
import { shuffle } from "simple-statistics";
import { seededRandom, type Random } from "../random.ts";
import type { Transport } from "../transports.ts";

export const WORKLOADS = ["matmul", "stencil", "transfer"] as const;

export type Workload = (typeof WORKLOADS)[number];

/** Several domUs at once, each with products of its own. */
export const SHARING = "sharing";

/** Transfers to memory behind one plain socket of the same transport, to see beside a remote device's. */
export const SOCKET = "socket";

/** What a leg measures: a workload of gpu-bench's, the socket by itself, or products of several clients. */
export const LEGS = [...WORKLOADS, SOCKET, SHARING] as const;

export type LegKind = (typeof LEGS)[number];

/** A block's number as that of a repetition: these count from 1. */
export const repetitionOf = (block: number): number => block + 1;

/** What a profile measures of a GPU. */
export interface GpuPoints {
  /** How often each transport gets a fresh server and all of it is measured on it, in a new random order. */
  blocks: number;
  /** Runs in a block after the cold one; transfers: samples each way. */
  warm: number;
  /** Sides of the matrices; bytes of the transfers. */
  sizes: Record<Workload, readonly number[]>;
  /** A sample's transfers end after it. */
  transferBudgetMs: number;
  sharing: SharingPoints;
}

/** How several clients are measured together. */
export interface SharingPoints {
  /** How many domUs at once, at most as many as there are; 1 is what the others are compared with. */
  clients: readonly number[];
  /** Side of the matrices. */
  side: number;
  /** For so long each of them begins one product after the other. */
  durationS: number;
}

/** 4 KiB to 64 MiB. */
const SWEEP = Array.from({ length: 15 }, (_, index) => (4 * KIB) << index);

const smoke: GpuPoints = {
  blocks: 6,
  warm: 2,
  sizes: { matmul: [64, 128, 256], stencil: [128], transfer: [4 * KIB, 64 * KIB, MIB, 4 * MIB] },
  transferBudgetMs: 200,
  sharing: { clients: [1, 2, 4], side: 128, durationS: 3 },
};

const paper: GpuPoints = {
  blocks: 10,
  warm: 5,
  sizes: { matmul: [64, 128, 256, 512], stencil: [256, 512], transfer: SWEEP },
  transferBudgetMs: 1000,
  sharing: { clients: [1, 2, 3, 4], side: 256, durationS: 10 },
};

const POINTS: Record<string, GpuPoints> = {
  smoke,
  quick: { ...smoke, sizes: { ...smoke.sizes, transfer: SWEEP } },
  paper,
  full: { ...paper, blocks: 20 },
};

/** Undefined for a profile that measures nothing. */
export const gpuPointsOf = (profile: string): GpuPoints | undefined =>
  Object.hasOwn(POINTS, profile) ? POINTS[profile] : undefined;

/** How a leg's transport is reached. */
export interface GpuRoute {
  transport: Transport;
  /** Domain that runs gpu-bench; several clients are the others, too. */
  host: string;
  /** The server's unit in the GPU domU, and the port that it listens on; undefined for `native`. */
  server?: { unit: string; port: number };
  /** `gpu-bench serve` in the GPU domU, reached the same way: its unit, and where it listens. */
  socket?: { unit: string; address: string; port: number };
  /** Words in front of gpu-bench. */
  prefix: string;
  /** gpu-bench's, if not the one that it takes by itself. */
  backend?: "cuda";
}

/** gpu-bench's words for a route. */
const optionsOf = ({ transport, backend }: GpuRoute): string =>
  `--transport ${transport}${backend === undefined ? "" : ` --backend ${backend}`}`;

/** One run of gpu-bench. */
export interface GpuLeg {
  block: number;
  workload: LegKind;
  route: GpuRoute;
  /** Who is asked, and is fresh in each block: the route's server or its socket; undefined where nobody is. */
  server?: { unit: string; port: number };
  /** The domains that run it at once. */
  hosts: readonly string[];
  command: string;
}

/** The longest that one size may take, s. */
const SIZE_TIMEOUT_S = 240;

function commandOf(
  { sizes, warm, transferBudgetMs }: GpuPoints,
  workload: Workload,
  route: GpuRoute,
) {
  const budget = workload === "transfer" ? ` --budget-ms ${transferBudgetMs}` : "";
  return (
    `${route.prefix}gpu-bench ${workload} ${optionsOf(route)} --repetitions ${warm}` +
    `${budget} --timeout ${SIZE_TIMEOUT_S} ${sizes[workload].join(" ")}`
  );
}

/** The same transfers as those of the device. */
const socketCommandOf = (
  { sizes, warm, transferBudgetMs }: GpuPoints,
  { transport, prefix }: GpuRoute,
  { address, port }: NonNullable<GpuRoute["socket"]>,
) =>
  `${prefix}gpu-bench transfer --backend socket --server ${address}:${port} --transport ${transport} ` +
  `--repetitions ${warm} --budget-ms ${transferBudgetMs} --timeout ${SIZE_TIMEOUT_S} ${sizes.transfer.join(" ")}`;

/** What the plain socket gives; natively there is none. */
function socketLegs(points: GpuPoints, block: number, route: GpuRoute): GpuLeg[] {
  const { socket, host } = route;
  if (socket === undefined) return [];
  const command = socketCommandOf(points, route, socket);
  return [{ block, workload: SOCKET, route, server: socket, hosts: [host], command }];
}

/** The workloads of a route, its socket directly before or after the transfers: either is as often the later one. */
function ownLegs(points: GpuPoints, block: number, route: GpuRoute, random: Random): GpuLeg[] {
  const sockets = socketLegs(points, block, route);
  const before = sockets.length > 0 && random() < 0.5;
  return WORKLOADS.flatMap((workload): GpuLeg[] => {
    const leg: GpuLeg = {
      block,
      workload,
      route,
      ...(route.server !== undefined && { server: route.server }),
      hosts: [route.host],
      command: commandOf(points, workload, route),
    };
    if (workload !== "transfer") return [leg];
    return before ? [...sockets, leg] : [leg, ...sockets];
  });
}

/** More than it can run in its time: the time ends it. */
const MANY_RUNS = 100_000;

const sharingCommandOf = ({ side, durationS }: SharingPoints, route: GpuRoute) =>
  `${route.prefix}gpu-bench matmul ${optionsOf(route)} --repetitions ${MANY_RUNS} ` +
  `--duration ${durationS} --gate stdin --timeout ${SIZE_TIMEOUT_S} ${side}`;

/** A route with the domUs as its clients; natively there is one client. */
function sharingLegs(
  { sharing }: GpuPoints,
  block: number,
  route: GpuRoute,
  domUs: readonly string[],
): GpuLeg[] {
  const { server } = route;
  if (server === undefined) return [];
  return sharing.clients
    .filter((clients) => clients <= domUs.length)
    .map((clients) => ({
      block,
      workload: SHARING,
      route,
      server,
      hosts: domUs.slice(0, clients),
      command: sharingCommandOf(sharing, route),
    }));
}

/**
 * All legs in the order in which they are run: within a block the transports are shuffled.
 *
 * @param domUs names of those that can be clients
 */
export function gpuLegs(
  points: GpuPoints,
  routes: readonly GpuRoute[],
  domUs: readonly string[],
  seed: number,
): GpuLeg[] {
  const random = seededRandom(seed, "order of the GPU's legs");
  return Array.from({ length: points.blocks }, (_, block) =>
    shuffle([...routes], random).flatMap((route) => [
      ...ownLegs(points, block, route, random),
      ...sharingLegs(points, block, route, domUs),
    ]),
  ).flat();
}

/** The text that dom0/gpu-drive reads. */
export const renderGpuPlan = (legs: readonly GpuLeg[]): string =>
  legs
    .map(({ block, workload, route, server, hosts, command }, index) => {
      const { unit = "-", port = "-" } = server ?? {};
      return `leg ${index + 1} ${block} ${route.transport} ${workload} ${hosts.join(",")} ${unit} ${port} ${command}\n`;
    })
    .join("");
