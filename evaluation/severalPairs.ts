import { cpuCost } from "./cpuTime.ts";
import type { Metric, Observation } from "./observations.ts";
import type { PingPongSample, Sample } from "./sampleSchema.ts";
import { medianOf } from "./statistics.ts";
import {
  commonStretch,
  jainIndex,
  roundTripsWithin,
  wholeRoundTrips,
  type Stretch,
} from "./window.ts";

type Values = Pick<Observation, "metric" | "sizeBytes" | "values" | "median">;

const one = (metric: Metric, sizeBytes: number, value: number): Values => ({
  metric,
  sizeBytes,
  values: [value],
  median: value,
});

/** MB/s of a pair as the paper counts them: size over half a round trip. */
function bandwidth(sample: PingPongSample, stretch: Stretch): number {
  const trips = roundTripsWithin(sample.rtt_ns, stretch);
  return (2 * sample.size_bytes * trips * 1000) / (stretch.to - stretch.from);
}

const halves = (rttNs: readonly number[]): number[] => rttNs.map((ns) => ns / 2000);

/** All pairs alike: what they move together and each, how evenly, and what it costs. */
function scaling(step: readonly PingPongSample[], stretch: Stretch, size: number): Values[] {
  const each = step.map((sample) => bandwidth(sample, stretch));
  const cost = cpuCost(step);
  return [
    one(
      "bandwidth",
      size,
      each.reduce((sum, value) => sum + value, 0),
    ),
    { metric: "pair_bandwidth", sizeBytes: size, values: each, median: medianOf(each) },
    one("fairness", size, jainIndex(each)),
    {
      metric: "half_rtt",
      sizeBytes: size,
      values: step.flatMap((sample) => halves(sample.rtt_ns)),
      median: medianOf(step.map((sample) => medianOf(halves(sample.rtt_ns)))),
    },
    ...(typeof cost === "string"
      ? []
      : [one("cpu_per_kb", size, cost.perKb), one("cpu_dom0", size, cost.dom0)]),
  ];
}

/** The first pair's latency, and what the others move meanwhile. */
function neighbours(step: readonly PingPongSample[], stretch: Stretch): Values[] | string {
  const [first, ...others] = step;
  if (first === undefined) return "no sample";
  const trips = halves(wholeRoundTrips(first.rtt_ns, stretch));
  if (trips.length === 0) return "no round trip lies in the time when all pairs ran";
  const latency: Values = {
    metric: "half_rtt",
    sizeBytes: first.size_bytes,
    values: trips,
    median: medianOf(trips),
  };
  const [load] = others;
  if (load === undefined) return [latency];
  const moved = others.reduce((sum, sample) => sum + bandwidth(sample, stretch), 0);
  return [latency, one("load_bandwidth", load.size_bytes, moved)];
}

/** Numbers of a step in which several pairs run at the same time, from the samples of all of them; or why none. */
export function observeSeveral(step: readonly Sample[]): Observation[] | string {
  const [first] = step;
  if (first === undefined) return "no sample";
  if (step.length < first.pairs) return `${step.length} of ${first.pairs} pairs have a sample`;
  const whole = step.filter((sample) => sample.ok && sample.kind === "pingpong");
  if (whole.length < step.length) return "another pair of the step failed";
  const windows = whole.map((sample) => sample.rtt_ns.reduce((sum, ns) => sum + ns, 0));
  const stretch = commonStretch(windows);
  if (stretch === null) return "the windows are too short to tell when all pairs ran";
  const values =
    first.experiment === "scaling"
      ? scaling(whole, stretch, first.size_bytes)
      : neighbours(whole, stretch);
  if (typeof values === "string") return values;
  const { experiment, transport, pairs, repetition } = first;
  return values.map((value) => ({ experiment, transport, pairs, repetition, ...value }));
}
