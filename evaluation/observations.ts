import { cpuCost } from "./cpuTime.ts";
import {
  isProgram,
  type ConnectSample,
  type PingPongSample,
  type ProgramSample,
  type Sample,
} from "./sampleSchema.ts";
import { observeSeveral } from "./severalPairs.ts";
import { medianOf } from "./statistics.ts";

export type Metric =
  | "half_rtt"
  | "setup"
  | "rate"
  | "bandwidth"
  | "net_share"
  | "pair_bandwidth"
  | "load_bandwidth"
  | "fairness"
  | "cpu_per_kb"
  | "cpu_dom0"
  | GpuMetric;

/** Of a GPU's experiments: of a warm run, of its phases, of what comes before and of the first run, of transfers each way and as a part of a plain socket's, of several clients. */
export type GpuMetric =
  | "duration"
  | "copy_share"
  | "phase_copy_a"
  | "phase_copy_b"
  | "phase_compute"
  | "phase_copy_c"
  | "cold_connect"
  | "cold_compile"
  | "cold_allocate"
  | "cold_duration"
  | "overhead"
  | "to_device"
  | "from_device"
  | "to_device_of_socket"
  | "from_device_of_socket"
  | "client_rate"
  | "slowdown";

/** us: microseconds; MB/s: 10^6 bytes a second; us/KB: per 10^3 bytes; s: seconds; percent: of one CPU, of a duration, of a socket's bandwidth; 1/s: a second; 1: a plain number. */
export const UNITS = {
  half_rtt: "us",
  setup: "us",
  rate: "1/s",
  bandwidth: "MB/s",
  net_share: "1",
  pair_bandwidth: "MB/s",
  load_bandwidth: "MB/s",
  fairness: "1",
  cpu_per_kb: "us/KB",
  cpu_dom0: "percent",
  duration: "s",
  copy_share: "percent",
  phase_copy_a: "s",
  phase_copy_b: "s",
  phase_compute: "s",
  phase_copy_c: "s",
  cold_connect: "s",
  cold_compile: "s",
  cold_allocate: "s",
  cold_duration: "s",
  overhead: "percent",
  to_device: "MB/s",
  from_device: "MB/s",
  to_device_of_socket: "percent",
  from_device_of_socket: "percent",
  client_rate: "1/s",
  slowdown: "1",
} as const satisfies Record<Metric, string>;

/** Metrics of which less is better; of all others more is. */
export const lessIsBetter = (metric: string): boolean =>
  ["half_rtt", "setup", "cpu_per_kb", "cpu_dom0", "net_share", "duration", "slowdown"].includes(
    metric,
  ) ||
  metric.startsWith("phase_") ||
  metric.startsWith("cold_");

/** What one repetition measured of one metric at one point. */
export interface Observation {
  experiment: string;
  transport: string;
  metric: Metric;
  sizeBytes: number;
  /** Pairs that ran at the same time. */
  pairs: number;
  repetition: number;
  /** Raw samples in `UNITS[metric]`: one a round trip, one a pair, or one for the whole step. */
  values: number[];
  /** Their median; for a ping-pong's bandwidth the size over the median half round trip, so that rows agree. */
  median: number;
  /** Of a GPU's experiments: the kind of device that computed, as its driver says. */
  computedBy?: string;
}

/** One number a repetition: what statistics of a place are made of. */
export const mediansOf = (group: readonly Observation[]): number[] =>
  group.map((one) => one.median);

/** The A/A control, which is there to show no change, is compared with nothing else. */
export const isControl = ({ experiment }: Pick<Observation, "experiment">): boolean =>
  experiment.startsWith("control-");

/** What an experiment's name begins with whose figures are unmodified programs' own. */
export const APPS = "apps-";

export const isOfProgram = ({ experiment }: Pick<Observation, "experiment">): boolean =>
  experiment.startsWith(APPS);

/** What a program says of itself, and not what was counted beside it. */
export const isFigureOfProgram = (one: Pick<Observation, "experiment" | "metric">): boolean =>
  isOfProgram(one) && one.metric !== "net_share";

/** A sample that gives no number: it failed, or nothing here knows how to evaluate it. */
export interface Unused {
  step: number;
  experiment: string;
  transport: string;
  sizeBytes: number;
  pair: string;
  repetition: number;
  /** The measurement itself failed. */
  failed: boolean;
  reason: string;
}

interface Refusal {
  failed: boolean;
  reason: string;
}

const at = (sample: Sample) => ({
  transport: sample.transport,
  sizeBytes: sample.size_bytes,
  pairs: sample.pairs,
  repetition: sample.repetition,
});

function halfRoundTrips(sample: PingPongSample, experiment: string): Observation {
  const halves = sample.rtt_ns.map((ns) => ns / 2000);
  return {
    ...at(sample),
    experiment,
    metric: "half_rtt",
    values: halves,
    median: medianOf(halves),
  };
}

/**
 * A ping-pong is shown as the paper shows it: as latency (half of a round trip as measured) and as bandwidth (size /
 * half round trip; bytes per us are MB/s).
 */
function pingPong(sample: PingPongSample): Observation[] {
  const latency = halfRoundTrips(sample, "latency");
  const size = sample.size_bytes;
  const bandwidth: Observation = {
    ...latency,
    experiment: "bandwidth",
    metric: "bandwidth",
    values: latency.values.map((us) => size / us),
    median: size / latency.median,
  };
  return [latency, bandwidth];
}

/** One number for the whole step. */
const single = (sample: Sample, metric: Metric, value: number): Observation => ({
  ...at(sample),
  experiment: sample.experiment,
  metric,
  values: [value],
  median: value,
});

function setups(sample: ConnectSample): Observation[] {
  const values = sample.setup_ns.map((ns) => ns / 1000);
  const { experiment } = sample;
  return [{ ...at(sample), experiment, metric: "setup", values, median: medianOf(values) }];
}

/**
 * A program's own figure; of a stream also the bytes that went through the client's network interfaces, and so through
 * dom0, for each byte of payload.
 */
function programFigures(sample: ProgramSample): Observation[] {
  if (sample.unit === "1/s") return [single(sample, "rate", sample.figure)];
  const net = sample.net_tx_bytes + sample.net_rx_bytes;
  return [
    single(sample, "bandwidth", sample.figure),
    single(sample, "net_share", net / sample.payload_bytes),
  ];
}

/** Bytes over time: of a stream the receiver's. */
function throughput(sample: Sample & { bytes: number; ns: number }): Observation[] | Refusal {
  if (sample.ns === 0) {
    return { failed: true, reason: "all payload arrived at once: no time to divide by" };
  }
  return [single(sample, "bandwidth", (sample.bytes * 1000) / sample.ns)];
}

function cost(sample: Sample): Observation[] | Refusal {
  const found = cpuCost([sample]);
  if (typeof found === "string") return { failed: true, reason: found };
  return [single(sample, "cpu_per_kb", found.perKb), single(sample, "cpu_dom0", found.dom0)];
}

function observe(sample: Sample): Observation[] | Refusal {
  const { experiment } = sample;
  if (!sample.ok) return { failed: true, reason: sample.error };
  if (sample.pairs !== 1) {
    return { failed: false, reason: `${sample.pairs} pairs at a time are not evaluated yet` };
  }
  if (experiment === "cpu" || experiment === "cpu-pingpong") return cost(sample);
  if (sample.kind === "pingpong") {
    if (experiment === "latency") return pingPong(sample);
    if (isControl(sample) || ["non-peer", "hosts"].includes(experiment)) {
      return [halfRoundTrips(sample, experiment)];
    }
  } else if (sample.kind === "connect") {
    if (experiment === "connect") return setups(sample);
  } else if (isProgram(sample)) {
    if (experiment === `${APPS}${sample.kind}`) return programFigures(sample);
  } else if (sample.kind === experiment || experiment === `hosts-${sample.kind}`) {
    return throughput(sample);
  }
  return {
    failed: false,
    reason: `experiment ${experiment} of kind ${sample.kind} is not evaluated yet`,
  };
}

const takesAllPairs = ({ experiment }: Sample): boolean =>
  experiment === "scaling" || experiment === "neighbours";

/** Sorts samples into numbers and what gives none. */
export function observations(samples: readonly Sample[]): {
  observed: Observation[];
  unused: Unused[];
} {
  const observed: Observation[] = [];
  const unused: Unused[] = [];
  const refuse = (sample: Sample, refusal: Refusal): void => {
    const { transport, sizeBytes, repetition } = at(sample);
    const { id: step, experiment, pair } = sample;
    unused.push({ step, experiment, transport, sizeBytes, pair, repetition, ...refusal });
  };
  for (const sample of samples) {
    if (takesAllPairs(sample)) continue;
    const result = observe(sample);
    if (Array.isArray(result)) observed.push(...result);
    else refuse(sample, result);
  }
  for (const step of Map.groupBy(samples.filter(takesAllPairs), ({ id }) => id).values()) {
    const result = observeSeveral(step);
    if (typeof result !== "string") {
      observed.push(...result);
      continue;
    }
    for (const sample of step) {
      refuse(sample, { failed: !sample.ok, reason: sample.ok ? result : sample.error });
    }
  }
  return { observed, unused };
}
