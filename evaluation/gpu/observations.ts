import type { Metric, Observation, Unused } from "../observations.ts";
import { medianOf } from "../statistics.ts";
import { BASELINE, NATIVE, UNMODIFIED } from "../transports.ts";
import { payloadOf, wayOf, type LegWay } from "./connections.ts";
import { repetitionOf, SHARING, SOCKET, type LegKind } from "./plan.ts";
import { copyShareOf, durationOf, isCold, isWarm, phaseOf, PHASES } from "./runs.ts";
import { sharedBy, slowDowns } from "./sharing.ts";
import type {
  ComputeSample,
  FailedGpuSample,
  GpuAttempt,
  GpuDevice,
  GpuFile,
  TransferSample,
} from "./samples.ts";

const experimentOf = (workload: LegKind) => `gpu-${workload}` as const;

export const isOfGpu = ({ experiment }: Pick<Observation, "experiment">): boolean =>
  experiment.startsWith("gpu-");

const PHASE_METRICS = {
  copy_a: "phase_copy_a",
  copy_b: "phase_copy_b",
  compute: "phase_compute",
  copy_c: "phase_copy_c",
} as const satisfies Record<(typeof PHASES)[number], Metric>;

const DIRECTIONS = ["to_device", "from_device"] as const;

/** Whether a number is the bandwidth of transfers one way. */
export const isOfTransfers = ({ experiment, metric }: { experiment: string; metric: Metric }) =>
  experiment === "gpu-transfer" && DIRECTIONS.some((direction) => direction === metric);

/** Name of the experiment that remote transfers are shown as a part of. */
export const SOCKET_EXPERIMENT = experimentOf(SOCKET);

/** A device's transfers over its socket's of the same way, in percent. */
const OF_SOCKET = {
  to_device: "to_device_of_socket",
  from_device: "from_device_of_socket",
} as const satisfies Record<(typeof DIRECTIONS)[number], Metric>;

/** What the GPU's part of a run says. */
export interface GpuObservations {
  observed: Observation[];
  unused: Unused[];
  devices: GpuDevice[];
  /** Which way the bytes of each leg went, of its last attempt; empty where connections were not recorded. */
  ways: (LegWay & { used: boolean })[];
}

/** Of phases that a process goes through once: before the first run, and all of that. */
const COLD_METRICS = {
  connect: "cold_connect",
  compile: "cold_compile",
  allocate: "cold_allocate",
} as const satisfies Record<string, Metric>;

/** One repetition's number of a metric, from the values of a block. */
function observation(
  { block, transport, workload }: GpuAttempt,
  metric: Metric,
  sizeBytes: number,
  values: number[],
): Observation {
  return {
    experiment: experimentOf(workload),
    transport,
    metric,
    sizeBytes,
    pairs: 1,
    repetition: repetitionOf(block),
    values,
    median: medianOf(values),
  };
}

const isTransfer = (sample: { kind: string; ok: boolean }): sample is TransferSample =>
  sample.ok && sample.kind === "transfer";

function computed(attempt: GpuAttempt): Observation[] {
  const bySize = Map.groupBy(attempt.samples.filter(isWarm), (sample) => sample.size_bytes);
  return [...bySize].flatMap(([size, samples]) => {
    const of = (metric: Metric, value: (sample: ComputeSample) => number) =>
      observation(attempt, metric, size, samples.map(value));
    return [
      of("duration", durationOf),
      of("copy_share", (sample) => 100 * copyShareOf(sample)),
      ...PHASES.map((name) => of(PHASE_METRICS[name], (sample) => phaseOf(sample, name))),
    ];
  });
}

/** Of the process's first run, of each size one a block. */
function cold(attempt: GpuAttempt): Observation[] {
  const bySize = Map.groupBy(attempt.samples.filter(isCold), (sample) => sample.size_bytes);
  return [...bySize].flatMap(([size, samples]) => {
    const of = (metric: Metric, value: (sample: ComputeSample) => number) =>
      observation(attempt, metric, size, samples.map(value));
    const told = Object.entries(COLD_METRICS).filter(([name]) =>
      samples.every(({ phases_ns }) => Object.hasOwn(phases_ns, name)),
    );
    return [
      ...told.map(([name, metric]) => of(metric, (sample) => phaseOf(sample, name))),
      of("cold_duration", durationOf),
    ];
  });
}

/** The kinds of device that an attempt's samples name, in results.csv's words; memory behind a socket computes nothing. */
function computedBy({ workload, samples }: GpuAttempt): string {
  if (workload === SOCKET) return "none";
  const types = samples.flatMap((sample) => (sample.ok ? [sample.device.type] : []));
  return [...new Set(types)].sort().join("+");
}

function transferred(attempt: GpuAttempt): Observation[] {
  const samples = attempt.samples.filter(isTransfer);
  const groups = Map.groupBy(samples, (one) => `${one.direction} ${one.size_bytes}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    // Bytes a nanosecond are GB/s.
    const values = group.flatMap(({ transfer_ns, size_bytes }) =>
      transfer_ns.map((ns) => (1000 * size_bytes) / ns),
    );
    return [observation(attempt, first.direction, first.size_bytes, values)];
  });
}

/** What shows that the bytes went another way than the transport's; undefined if they did not. */
function wrongWay(attempt: GpuAttempt, way: LegWay): string | undefined {
  const { transport, moved } = attempt;
  const payload = payloadOf(attempt.samples);
  if (payload === 0 || moved === null) return undefined;
  if (way.verdict === "another way") return way.why;
  const { net: netBytes, ring: ringBytes } = moved;
  if (transport === UNMODIFIED && ringBytes < payload)
    return `of ${payload} bytes only ${ringBytes} went by rings, ${netBytes} by the network interface`;
  if (transport === BASELINE && netBytes < payload)
    return `of ${payload} bytes only ${netBytes} went by the network interface, ${ringBytes} by rings`;
  if (transport === NATIVE && netBytes + ringBytes >= payload)
    return `${netBytes + ringBytes} bytes left the GPU domU, which was to compute by itself`;
  return undefined;
}

/** gpu-bench's and ssh's statuses in words. */
function endOf({ status, why }: GpuAttempt): string {
  if (why !== null) return why;
  if (status === 124) return "it was not done in its time";
  if (status === 255) return "gpu-bench could not be started, or its domU was lost";
  return `gpu-bench ended with status ${status}`;
}

const isFailed = (sample: { ok: boolean }): sample is FailedGpuSample => !sample.ok;

/** Samples of an attempt that failed, or why none of its samples counts. */
function refused(attempt: GpuAttempt, reason: string | undefined, again: boolean): Unused[] {
  const common = {
    step: attempt.leg,
    experiment: experimentOf(attempt.workload),
    transport: attempt.transport,
    pair: attempt.transport,
    repetition: attempt.block,
    failed: true,
  };
  const note = again ? " (measured again)" : "";
  if (reason !== undefined) return [{ ...common, sizeBytes: 0, reason: `${reason}${note}` }];
  const failed = attempt.samples.filter(isFailed).map((sample) => ({
    ...common,
    sizeBytes: sample.size_bytes,
    reason: `${sample.phase === undefined ? "" : `${sample.phase}: `}${sample.error}${note}`,
  }));
  return failed.length > 0 || attempt.status === 0
    ? failed
    : [{ ...common, sizeBytes: 0, reason: `${endOf(attempt)}${note}` }];
}

/** How much longer each block's run took than the same block's native one, percent. */
function overheads(observed: readonly Observation[]): Observation[] {
  const durations = observed.filter(({ metric }) => metric === "duration");
  const key = (one: Observation): string => `${one.experiment} ${one.sizeBytes} ${one.repetition}`;
  const native = new Map(
    durations.filter(({ transport }) => transport === NATIVE).map((one) => [key(one), one]),
  );
  return durations.flatMap((one) => {
    const own = native.get(key(one));
    if (own === undefined || one.transport === NATIVE) return [];
    const percent = 100 * (one.median / own.median - 1);
    return [{ ...one, metric: "overhead", values: [percent], median: percent }];
  });
}

/** What part of its own block's socket each transfer to or from a device reaches, percent. */
function ofSocket(observed: readonly Observation[]): Observation[] {
  const key = (one: Observation): string =>
    `${one.transport} ${one.metric} ${one.sizeBytes} ${one.repetition}`;
  const sockets = new Map(
    observed
      .filter(({ experiment }) => experiment === SOCKET_EXPERIMENT)
      .map((one) => [key(one), one]),
  );
  return observed.filter(isOfTransfers).flatMap((one) => {
    const socket = sockets.get(key(one));
    const direction = DIRECTIONS.find((each) => each === one.metric);
    if (socket === undefined || direction === undefined) return [];
    const percent = (100 * one.median) / socket.median;
    return [{ ...one, metric: OF_SOCKET[direction], values: [percent], median: percent }];
  });
}

/** Numbers of the GPU's experiments; of a leg that was repeated those of its last attempt. */
export function gpuObservations({ attempts, connectionsTold }: GpuFile): GpuObservations {
  const last = new Map(attempts.map((one) => [one.leg, one]));
  const unused: Unused[] = [];
  const observed: Observation[] = [];
  const ways: GpuObservations["ways"] = [];
  for (const attempt of attempts) {
    const way = wayOf(attempt);
    const wrong = wrongWay(attempt, way);
    const counts = last.get(attempt.leg) === attempt;
    const isShared = attempt.workload === SHARING;
    // A client that died left the others more of the device: what they did says nothing of so many clients.
    const died = isShared && attempt.status !== 0;
    const shared = isShared && !died ? sharedBy(attempt) : undefined;
    // Of a leg whose counters nobody read nothing tells which way its bytes went.
    const lost = attempt.moved === null ? endOf(attempt) : undefined;
    const reason = wrong ?? lost ?? (typeof shared === "string" ? shared : undefined);
    unused.push(...refused(attempt, reason, !counts));
    const used = counts && !died && reason === undefined;
    // The counters of the whole client refuse some legs of which the connections show nothing.
    const judged =
      wrong === undefined ? way : { ...way, verdict: "another way" as const, why: wrong };
    if (counts && connectionsTold) ways.push({ ...judged, used });
    if (!used || typeof shared === "string") continue;
    const numbers = shared ?? [...computed(attempt), ...cold(attempt), ...transferred(attempt)];
    observed.push(...numbers.map((one) => ({ ...one, computedBy: computedBy(attempt) })));
  }
  // Behind a plain socket there is no device.
  const ofDevices = attempts.filter(({ workload }) => workload !== SOCKET);
  const devices = ofDevices.flatMap(({ samples }) =>
    samples.flatMap((sample) => (sample.ok ? [sample.device] : [])),
  );
  const different = new Map(devices.map((one) => [`${one.type} ${one.platform} ${one.name}`, one]));
  return {
    observed: [...observed, ...overheads(observed), ...slowDowns(observed), ...ofSocket(observed)],
    unused,
    devices: [...different.values()],
    ways,
  };
}
