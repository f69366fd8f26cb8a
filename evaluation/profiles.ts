import { KIB, MIB } from "./format.ts";
import { BASELINE, isSpecial, TRANSPORTS, UNPEERED, type Transport } from "./transports.ts";

/** Experiments that a plan can hold; `-a` and `-b` are the two sets of the A/A control. */
export const EXPERIMENTS = [
  "latency",
  "stream",
  "connect",
  "memcpy",
  "scaling",
  "neighbours",
  "cpu",
  "cpu-pingpong",
  "apps-iperf3",
  "apps-redis-get",
  "non-peer",
  "control-a",
  "control-b",
  "hosts",
  "hosts-stream",
] as const;

/** Measured between two hosts, wherever there are several; no profile's own, and not chosen by name. */
export const isBetweenHosts = (experiment: string): boolean => /^hosts\b/.test(experiment);

/** What v4v-bench can run: see `benchmarks/v4v-bench/plan.h`. */
export const KINDS = ["pingpong", "stream", "connect", "iperf3", "redis-get", "memcpy"] as const;

export type Experiment = (typeof EXPERIMENTS)[number];

/**
 * How many pairs of domUs exchange messages at the same time. `one`; `powers`: 1, 2, 4, ... and as many as there are
 * domUs for; `every`: 1, 2, 3, ... up to that; `ends`: one, and as many as there are domUs for.
 */
export type PairCounts = "one" | "powers" | "every" | "ends";

/** One point of a profile: what is measured at one size, once per transport and repetition. */
export interface ProfilePoint {
  experiment: Experiment;
  /**
   * `pingpong`: round trips; `stream`: one way; `connect`: connections, a byte each way; `iperf3`, `redis-get`: these
   * programs, unmodified; `memcpy`: inside one process.
   */
  kind: (typeof KINDS)[number];
  /** Payload of one message, bytes. */
  size: number;
  /** Untimed round trips or messages before the timed ones. */
  warmup: number;
  /** Timed round trips, connections or requests at most; 0 (stream, iperf3) leaves the end to the budget. */
  count: number;
  /** Length of the timed window, ms. */
  budgetMs: number;
  /** The only ones that it is measured on; all that are compared where absent (no special one is among those). */
  transports?: readonly Transport[];
  /** Measured in the first so many of the profile's repetitions; in all where absent. */
  repetitions?: number;
  /** `one` where absent. */
  pairs?: PairCounts | readonly number[];
  /** Message size of all pairs but the first, bytes: they keep the machine busy. */
  loadSize?: number;
  /** Between addresses that discovery does not know, see nonPeer.ts. */
  nonPeer?: true;
}

/** Whether a point is measured on a transport that the run compares. */
export const isMeasuredOn = ({ transports }: ProfilePoint, transport: Transport): boolean =>
  transports?.includes(transport) ?? !isSpecial(transport);

/** Repetitions beyond the first ones: only where the intervals ask for them, see adaptive.ts. */
export interface Further {
  /** Repetitions of a point at most. */
  most: number;
  /** So many more between two looks at the intervals. */
  block: number;
  /** No more are begun if they would not be over by then, s of measuring. */
  budgetS: number;
  /**
   * Where a block does not fit whole, cells of these experiments go on before others, and the widest before narrower
   * ones, as many as do fit; where absent, none does.
   */
  first?: readonly Experiment[];
}

/** A named evaluation. */
export interface Profile {
  name: string;
  description: string;
  /** How often every point is measured on every transport, each time in a new random order. */
  repetitions: number;
  /** No more than that where absent. */
  further?: Further;
  /** What it compares. */
  transports: readonly Transport[];
  points: readonly ProfilePoint[];
}

/** 1 B to 4 MiB, dense enough for the shape of the curve; 1 B and 1 MiB are the sizes that the poster quotes. */
const SIZES = [1, 16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB] as const;

/** Every power of two from 512 B to 1 MiB, where a dip would hide between sparser sizes. */
const DENSE = [1, 64, 256, ...Array.from({ length: 12 }, (_, index) => 512 << index), 4 * MIB];

/** Sizes astride the borders of pages and of rings (1 MiB unless configured otherwise). */
const BORDERS = [4095, 4097, 8191, 8193, 65_535, 65_537, MIB - 1, MIB + 1];

const STREAM_SIZES = [4 * KIB, 64 * KIB, MIB] as const;

/** Message size of the poster's experiment in pairs, bytes. */
export const PAIRED_SIZE = 512 * KIB;

/** Untimed round trips: enough to open TCP's window and V4V's rings, few where one takes a good part of a second. */
function warmup(size: number): number {
  if (size >= 4 * MIB) return 1;
  return size >= 256 * KIB ? 2 : 8;
}

const pingPong = (size: number): ProfilePoint => ({
  experiment: "latency",
  kind: "pingpong",
  size,
  warmup: warmup(size),
  count: 200,
  budgetMs: size >= 256 * KIB ? 200 : 100,
});

const stream = (size: number): ProfilePoint => ({
  experiment: "stream",
  kind: "stream",
  size,
  warmup: 2,
  count: 0,
  budgetMs: 150,
});

const smoke: Profile = {
  name: "smoke",
  description:
    "TCP against V4V between two domUs, round trips and one-way streams, within 90 s under emulation",
  // Six is the least for which the range of the repetitions is a 95% interval of their median (1 - 2 / 2^6).
  repetitions: 6,
  transports: ["tcp", "v4v"],
  points: [...SIZES.map(pingPong), ...STREAM_SIZES.map(stream)],
};

const COMPARED: readonly Transport[] = ["tcp", "v4v"];

/** Round trips end by the budget alone: all pairs must run for the whole window. */
const UNTIL_BUDGET = 50_000;

const copy = (size: number): ProfilePoint => ({
  experiment: "memcpy",
  kind: "memcpy",
  size,
  warmup: 2,
  count: 0,
  budgetMs: 50,
  transports: ["native"],
});

/** The poster's: ping-pong in pairs. */
const scaling = (pairs: PairCounts, budgetMs: number): ProfilePoint => ({
  experiment: "scaling",
  kind: "pingpong",
  size: PAIRED_SIZE,
  warmup: 1,
  count: UNTIL_BUDGET,
  budgetMs,
  transports: COMPARED,
  pairs,
});

const neighbours = (pairs: PairCounts, budgetMs: number): ProfilePoint => ({
  experiment: "neighbours",
  kind: "pingpong",
  size: 1,
  warmup: 2,
  count: UNTIL_BUDGET,
  budgetMs,
  transports: COMPARED,
  pairs,
  loadSize: PAIRED_SIZE,
});

const cpuStream = (size: number, budgetMs: number): ProfilePoint => ({
  ...stream(size),
  experiment: "cpu",
  budgetMs,
  transports: COMPARED,
});

const cpuPingPong = (size: number, budgetMs: number): ProfilePoint => ({
  ...pingPong(size),
  experiment: "cpu-pingpong",
  count: UNTIL_BUDGET,
  budgetMs,
  transports: COMPARED,
});

/** Connection set-up; TCP keeps each connection's port for a minute, so their number is bounded. */
const connections = (budgetMs: number): ProfilePoint => ({
  experiment: "connect",
  kind: "connect",
  size: 1,
  warmup: 4,
  count: 200,
  budgetMs,
  transports: ["tcp", "v4v", "v4v-sockets"],
});

/** Message size of iperf3, its own default, bytes. */
export const IPERF_SIZE = 128 * KIB;

/** Unmodified programs: a stream of whole seconds, and so many requests of Redis for its default of 3 B. */
const programs = (seconds: number, requests: number): ProfilePoint[] => [
  {
    experiment: "apps-iperf3",
    kind: "iperf3",
    size: IPERF_SIZE,
    warmup: 0,
    count: 0,
    budgetMs: 1000 * seconds,
    transports: ["tcp", "v4v-sockets"],
  },
  {
    experiment: "apps-redis-get",
    kind: "redis-get",
    size: 3,
    warmup: 0,
    count: requests,
    // It ends by its requests.
    budgetMs: 5000,
    transports: ["tcp", "v4v-sockets", "unix"],
  },
];

/** What a program under v4vrun pays where there is no peer; at sizes of the control, which says what is a difference. */
const nonPeer = (size: number): ProfilePoint => ({
  ...pingPong(size),
  experiment: "non-peer",
  transports: [BASELINE, UNPEERED],
  nonPeer: true,
});

/** Twice the same, in random order among all the rest: what differs between the two is no transport's merit. */
const control = (size: number): ProfilePoint[] =>
  (["control-a", "control-b"] as const).map((experiment) => ({
    ...pingPong(size),
    experiment,
    transports: COMPARED,
  }));

/** Sizes at which `quick`, whose time is short, measures what is neither V4V nor the baseline. */
const SPARSE: readonly number[] = [1, 4 * KIB, 64 * KIB, MIB];

/** For all transports if the size is one of `sizes`, else for `otherwise` alone. */
const sparsely =
  (sizes: readonly number[], otherwise: readonly Transport[]) =>
  (point: ProfilePoint): ProfilePoint =>
    sizes.includes(point.size) ? point : { ...point, transports: otherwise };

/** Claims rest on a single cell of each of these, near what they ask for: see docs/claims.md. */
const FIRST: readonly Experiment[] = ["apps-iperf3", "apps-redis-get", "connect"];

const quick: Profile = {
  name: "quick",
  description:
    "All transports by size, pairs of domUs at the same time, busy neighbours, CPU cost and an A/A control, within 10 minutes under emulation with up to 8 domUs; 6 to 24 repetitions",
  // 6, 9, 12, ...: order statistics give intervals of 96.1% to 97.7% there, of up to 99.2% in between.
  repetitions: 6,
  further: { most: 24, block: 3, budgetS: 530, first: FIRST },
  transports: TRANSPORTS,
  points: [
    ...DENSE.map(pingPong).map(sparsely(SPARSE, COMPARED)),
    ...STREAM_SIZES.map(stream).map(sparsely([64 * KIB], ["tcp", "tcp-stock", "v4v", "unix"])),
    { ...stream(IPERF_SIZE), transports: COMPARED },
    connections(200),
    ...programs(1, 3000),
    ...[64 * KIB, MIB].map(copy),
    scaling("powers", 800),
    neighbours("ends", 600),
    cpuStream(MIB, 400),
    ...[1, 64 * KIB].map((size) => cpuPingPong(size, 300)),
    ...[1, 64 * KIB].map(nonPeer),
    ...[1, 64 * KIB, MIB].flatMap(control),
  ],
};

const paper: Profile = {
  name: "paper",
  description:
    "As quick, with sizes astride the borders of pages and rings, every number of pairs, longer windows and 15 to 30 repetitions",
  repetitions: 15,
  further: { most: 30, block: 3, budgetS: 3600, first: FIRST },
  transports: TRANSPORTS,
  points: [
    ...[...DENSE, 16, 2 * MIB, ...BORDERS].sort((a, b) => a - b).map(pingPong),
    ...[1, 64, KIB, ...STREAM_SIZES, 4 * MIB].map(stream),
    { ...stream(IPERF_SIZE), transports: COMPARED },
    connections(500),
    ...programs(3, 5000),
    ...[4 * KIB, 64 * KIB, MIB, 4 * MIB].map(copy),
    scaling("every", 1500),
    neighbours("every", 1000),
    ...[4 * KIB, 64 * KIB, MIB].map((size) => cpuStream(size, 1000)),
    ...[1, 4 * KIB, 64 * KIB, MIB].map((size) => cpuPingPong(size, 1000)),
    ...[1, 64 * KIB, MIB].map(nonPeer),
    ...[1, 64 * KIB, MIB].flatMap(control),
  ],
};

/** A profile for several hosts: with what domUs of two of them say to each other. */
export const betweenHosts = (profile: Profile): Profile => ({
  ...profile,
  points: [
    ...profile.points,
    ...[1, 64 * KIB, MIB].map((size): ProfilePoint => ({
      ...pingPong(size),
      experiment: "hosts",
      transports: COMPARED,
    })),
    { ...stream(MIB), experiment: "hosts-stream", transports: COMPARED },
  ],
});

const full: Profile = {
  ...paper,
  name: "full",
  description: "As paper, with 30 to 60 repetitions",
  repetitions: 30,
  further: { most: 60, block: 6, budgetS: 7200, first: FIRST },
};

export const PROFILES: readonly Profile[] = [smoke, quick, paper, full];

/** No such profile; the message says what there is. */
export class ProfileError extends Error {
  override readonly name = "ProfileError";
}

/**
 * The profile of that name; null for `none`, which means no evaluation.
 *
 * @throws ProfileError for a profile that does not exist
 */
export function profileNamed(name: string): Profile | null {
  if (name === "none") return null;
  const found = PROFILES.find((profile) => profile.name === name);
  if (found !== undefined) return found;
  const available = ["none", ...PROFILES.map((profile) => profile.name)].join(", ");
  throw new ProfileError(
    `evaluation.profile: profile ${JSON.stringify(name)} does not exist; available: ${available}`,
  );
}
