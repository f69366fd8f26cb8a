import type { Sample } from "./sampleSchema.ts";
import { medianOf } from "./statistics.ts";

export type Metric = "half_rtt" | "bandwidth";

/** us: microseconds; MB/s: 10^6 bytes a second. */
export const UNITS = { half_rtt: "us", bandwidth: "MB/s" } as const satisfies Record<
  Metric,
  string
>;

/** What one repetition measured of one metric at one point. */
export interface Observation {
  experiment: string;
  transport: string;
  metric: Metric;
  sizeBytes: number;
  /** Pairs that ran at the same time. */
  pairs: number;
  repetition: number;
  /** Raw samples in `UNITS[metric]`: one a round trip, or one for a stream. */
  values: number[];
  /** Their median; for a ping-pong's bandwidth the size over the median half round trip, so that rows agree. */
  median: number;
}

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

const at = (sample: Sample) => ({
  transport: sample.transport,
  sizeBytes: sample.size_bytes,
  pairs: sample.pairs,
  repetition: sample.repetition,
});

/**
 * A ping-pong is shown as the paper shows it: as latency (half of a round trip as measured) and as bandwidth (size /
 * half round trip; bytes per us are MB/s). A stream is the receiver's bytes over its time.
 */
function observe(sample: Sample): Observation[] | { failed: boolean; reason: string } {
  if (!sample.ok) return { failed: true, reason: sample.error };
  if (sample.pairs !== 1) {
    return { failed: false, reason: `${sample.pairs} pairs at a time are not evaluated yet` };
  }
  if (sample.kind === "pingpong" && sample.experiment === "latency") {
    const halves = sample.rtt_ns.map((ns) => ns / 2000);
    const half = medianOf(halves);
    const size = sample.size_bytes;
    const bandwidths = halves.map((us) => size / us);
    return [
      { ...at(sample), experiment: "latency", metric: "half_rtt", values: halves, median: half },
      {
        ...at(sample),
        experiment: "bandwidth",
        metric: "bandwidth",
        values: bandwidths,
        median: size / half,
      },
    ];
  }
  if (sample.kind === "stream" && sample.experiment === "stream") {
    if (sample.ns === 0) {
      return { failed: true, reason: "all payload arrived at once: no time to divide by" };
    }
    const value = (sample.bytes * 1000) / sample.ns;
    return [
      { ...at(sample), experiment: "stream", metric: "bandwidth", values: [value], median: value },
    ];
  }
  return {
    failed: false,
    reason: `experiment ${sample.experiment} of kind ${sample.kind} is not evaluated yet`,
  };
}

/** Sorts samples into numbers and what gives none. */
export function observations(samples: readonly Sample[]): {
  observed: Observation[];
  unused: Unused[];
} {
  const observed: Observation[] = [];
  const unused: Unused[] = [];
  for (const sample of samples) {
    const result = observe(sample);
    if (Array.isArray(result)) {
      observed.push(...result);
    } else {
      const { transport, sizeBytes, repetition } = at(sample);
      const { id: step, experiment, pair } = sample;
      unused.push({ step, experiment, transport, sizeBytes, pair, repetition, ...result });
    }
  }
  return { observed, unused };
}
