import { mediansOf, type Observation } from "./observations.ts";
import { seededRandom } from "./random.ts";
import { CONFIDENCE, medianOf, ratioOfMedians, type Interval } from "./statistics.ts";
import { SUBJECT, UNMODIFIED } from "./transports.ts";

/** Two sets of the same, measured in turn: a difference between them is the method's own. */
export interface Control {
  transport: string;
  sizeBytes: number;
  /** Half round trip of the second set over the first's. */
  ratio: number;
  /** Wider than 95% by the number of controls (Bonferroni): all of them together hold with 95%. */
  interval: Interval | null;
  /** The interval contains 1; null without an interval. */
  holds: boolean | null;
}

/** What becomes of the aggregate bandwidth when there are as many pairs as possible. */
export interface Saturation {
  transport: string;
  sizeBytes: number;
  /** The most pairs that were measured, and the number of pairs that did best among the fewer. */
  pairs: number;
  best: number;
  /** Aggregate with `pairs` over that with `best`. */
  ratio: number;
  interval: Interval | null;
}

/** What an unmodified program reaches of what v4v-bench does over AF_VSOCK with messages of the same size. */
export interface Share {
  sizeBytes: number;
  ratio: number;
  /** Bootstrap over repetitions; null with too few of them. */
  interval: Interval | null;
  /** Medians, MB/s. */
  program: number;
  bench: number;
}

/** The A/A controls of a run; their intervals are at a level that accounts for their number. */
export function controlsOf(observed: readonly Observation[], seed: number): Control[] {
  const of = (experiment: string) => observed.filter((one) => one.experiment === experiment);
  const key = (one: Observation): string => `${one.transport} ${one.sizeBytes}`;
  const second = Map.groupBy(of("control-b"), key);
  const both = [...Map.groupBy(of("control-a"), key)].filter(([name]) => second.has(name));
  const confidence = 1 - (1 - CONFIDENCE) / both.length;
  return both.flatMap(([name, first]) => {
    const [one] = first;
    if (one === undefined) return [];
    const random = seededRandom(seed, `control ${name}`);
    const b = mediansOf(second.get(name) ?? []);
    const { ratio, interval } = ratioOfMedians(b, mediansOf(first), random, undefined, confidence);
    const holds = interval === null ? null : interval.low <= 1 && interval.high >= 1;
    return { transport: one.transport, sizeBytes: one.sizeBytes, ratio, interval, holds };
  });
}

/** For each transport and size of the scaling experiment. */
export function saturationOf(observed: readonly Observation[], seed: number): Saturation[] {
  const aggregates = observed.filter(
    (one) => one.experiment === "scaling" && one.metric === "bandwidth",
  );
  const series = Map.groupBy(aggregates, (one) => `${one.transport} ${one.sizeBytes}`);
  return [...series].flatMap(([name, group]) => {
    const byPairs = [...Map.groupBy(group, (one) => one.pairs)].sort(([a], [b]) => a - b);
    const most = byPairs.pop();
    const [best] = byPairs.sort(([, a], [, b]) => medianOf(mediansOf(b)) - medianOf(mediansOf(a)));
    const [one] = group;
    if (most === undefined || best === undefined || one === undefined) return [];
    const random = seededRandom(seed, `saturation ${name}`);
    return {
      transport: one.transport,
      sizeBytes: one.sizeBytes,
      pairs: most[0],
      best: best[0],
      ...ratioOfMedians(mediansOf(most[1]), mediansOf(best[1]), random),
    };
  });
}

/** iperf3 over V4V sockets against the stream over V4V; null where one of them was not measured. */
export function shareOf(observed: readonly Observation[], seed: number): Share | null {
  const programs = observed.filter(
    (one) =>
      one.experiment === "apps-iperf3" &&
      one.metric === "bandwidth" &&
      one.transport === UNMODIFIED,
  );
  const sizeBytes = programs[0]?.sizeBytes;
  const streams = observed.filter(
    (one) =>
      one.experiment === "stream" && one.transport === SUBJECT && one.sizeBytes === sizeBytes,
  );
  if (sizeBytes === undefined || streams.length === 0) return null;
  const [program, bench] = [mediansOf(programs), mediansOf(streams)];
  const random = seededRandom(seed, "share of iperf3");
  return {
    sizeBytes,
    ...ratioOfMedians(program, bench, random),
    program: medianOf(program),
    bench: medianOf(bench),
  };
}
