import { KIB, MIB } from "../format.ts";
import { shuffle } from "simple-statistics";
import { seededRandom } from "../random.ts";
import type { Transport } from "../transports.ts";

export const WORKLOADS = ["matmul", "stencil", "transfer"] as const;

export type Workload = (typeof WORKLOADS)[number];

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
}

/** 4 KiB to 64 MiB. */
const SWEEP = Array.from({ length: 15 }, (_, index) => (4 * KIB) << index);

const smoke: GpuPoints = {
  blocks: 6,
  warm: 2,
  sizes: { matmul: [64, 128, 256], stencil: [128], transfer: [4 * KIB, 64 * KIB, MIB, 4 * MIB] },
  transferBudgetMs: 200,
};

const paper: GpuPoints = {
  blocks: 10,
  warm: 5,
  sizes: { matmul: [64, 128, 256, 512], stencil: [256, 512], transfer: SWEEP },
  transferBudgetMs: 1000,
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
  /** Domain that runs gpu-bench. */
  host: string;
  /** The server's unit in the GPU domU, and the port that it listens on; undefined for `native`. */
  server?: { unit: string; port: number };
  /** Words in front of gpu-bench. */
  prefix: string;
}

/** One run of gpu-bench. */
export interface GpuLeg {
  block: number;
  workload: Workload;
  route: GpuRoute;
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
    `${route.prefix}gpu-bench ${workload} --transport ${route.transport} --repetitions ${warm}` +
    `${budget} --timeout ${SIZE_TIMEOUT_S} ${sizes[workload].join(" ")}`
  );
}

/** All legs in the order in which they are run: within a block the transports are shuffled. */
export function gpuLegs(points: GpuPoints, routes: readonly GpuRoute[], seed: number): GpuLeg[] {
  const random = seededRandom(seed, "order of the GPU's legs");
  return Array.from({ length: points.blocks }, (_, block) => {
    return shuffle([...routes], random).flatMap((route) =>
      WORKLOADS.map((workload) => ({
        block,
        workload,
        route,
        command: commandOf(points, workload, route),
      })),
    );
  }).flat();
}

/** The text that dom0/gpu-drive reads. */
export const renderGpuPlan = (legs: readonly GpuLeg[]): string =>
  legs
    .map(({ block, workload, route, command }, index) => {
      const { unit = "-", port = "-" } = route.server ?? {};
      return `leg ${index + 1} ${block} ${route.transport} ${workload} ${route.host} ${unit} ${port} ${command}\n`;
    })
    .join("");
