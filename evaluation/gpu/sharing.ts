import type { Observation } from "../observations.ts";
import { medianOf } from "../statistics.ts";
import { commonStretch, jainIndex, roundTripsWithin } from "../window.ts";
import { repetitionOf } from "./plan.ts";
import { durationOf, isWarm } from "./runs.ts";
import type { ComputeSample, GpuAttempt } from "./samples.ts";

/** How far apart the clients may begin, ns: dom0 lets all of them go at once, by an SSH session each. */
const START_SKEW_NS = 250e6;

/** Name of the experiment. */
export const SHARED = "gpu-sharing";

/** From each run's beginning to the next one's, ns: what it takes a client to check a result in between, too. */
function cycles(runs: readonly ComputeSample[]): number[] {
  return runs.map(({ start_ns, wall_ns }, index) => {
    const next = runs[index + 1];
    return next === undefined ? wall_ns : next.start_ns - start_ns;
  });
}

/** Numbers of a leg of one or several clients: what they get together and each, and how evenly; or why there are none. */
export function sharedBy(attempt: GpuAttempt): Observation[] | string {
  const { block, transport, samples } = attempt;
  const clients = attempt.clients.length > 0 ? attempt.clients : [{ host: "", samples }];
  const runs = clients.map((client) => client.samples.filter(isWarm));
  const [first] = runs[0] ?? [];
  const idle = runs.findIndex((own) => own.length === 0);
  if (first === undefined || idle >= 0) return `${clients[idle]?.host ?? "a client"} has no run`;
  const each = runs.map(cycles);
  const stretch = commonStretch(
    each.map((own) => own.reduce((sum, ns) => sum + ns, 0)),
    START_SKEW_NS,
  );
  if (stretch === null) return "the time is too short to tell when all clients ran";
  const rates = each.map(
    (own) => (1e9 * roundTripsWithin(own, stretch)) / (stretch.to - stretch.from),
  );
  const durations = runs.map((own) => medianOf(own.map(durationOf)));
  const of = (
    metric: Observation["metric"],
    values: number[],
    median = medianOf(values),
  ): Observation => ({
    experiment: SHARED,
    transport,
    metric,
    sizeBytes: first.size_bytes,
    pairs: clients.length,
    repetition: repetitionOf(block),
    values,
    median,
  });
  return [
    of("rate", [rates.reduce((sum, rate) => sum + rate, 0)]),
    of("client_rate", rates),
    of("duration", durations),
    ...(clients.length > 1 ? [of("fairness", [jainIndex(rates)])] : []),
  ];
}

/** How many times as long a client's product takes as that of the same block's only client, whose own is 1. */
export function slowDowns(observed: readonly Observation[]): Observation[] {
  const durations = observed.filter(
    ({ experiment, metric }) => experiment === SHARED && metric === "duration",
  );
  return durations.flatMap((one) => {
    const alone = durations.find(
      ({ pairs, transport, repetition, sizeBytes }) =>
        pairs === 1 &&
        transport === one.transport &&
        repetition === one.repetition &&
        sizeBytes === one.sizeBytes,
    );
    if (alone === undefined) return [];
    const values = one.values.map((value) => value / alone.median);
    return [{ ...one, metric: "slowdown" as const, values, median: medianOf(values) }];
  });
}
