import { counted, formatNumber } from "./format.ts";
import { judged, judgeRatio, missing, within, worst, type Outcome } from "./judge.ts";
import type { Metric } from "./observations.ts";
import { PAIRED_SIZE } from "./profiles.ts";
import { CONFIDENCE } from "./statistics.ts";
import { findPoint, ratiosOver, type Place, type Summary } from "./summary.ts";
import { BASELINE, CEILING, SUBJECT, transportLabel } from "./transports.ts";

/** Aggregate with the most pairs, as a part of the best aggregate of fewer. */
export const SATURATION = 0.95;

/** The poster's experiment in pairs: 16 VMs, and the aggregate bandwidth (MB/s) with "512 KB" messages. */
export const PAPER_AGGREGATE = { size: "512 KB", pairs: 8, value: 17_000 } as const;

/** This testbed's aim for the aggregate over TCP's: the poster's ratio at 1 MB, rounded. */
const AGGREGATE_RATIO = 4.6;

/** Jain's index over the pairs' bandwidths that counts as fair. */
export const FAIR = 0.95;

const unjudged = (why: string): Outcome => ({
  measured: null,
  verdict: "cannot be judged here",
  why,
});

const ONE_PAIR =
  "This run measured no more than one pair of domUs at a time: profile quick and four domUs or more do.";

/** The most pairs that an experiment ran with in this run; 0 where it did not. */
function mostPairs(summary: Summary, experiment: string): number {
  const pairs = summary.points
    .filter((point) => point.experiment === experiment)
    .map((point) => point.pairs);
  return Math.max(0, ...pairs);
}

const inPairs = (metric: Metric, pairs: number): Place => ({
  experiment: "scaling",
  metric,
  sizeBytes: PAIRED_SIZE,
  pairs,
});

/** The aggregate must not fall as pairs are added. */
export function scalingBandwidth(summary: Summary): Outcome {
  const of = (transport: string) =>
    summary.saturation.find((one) => one.transport === transport && one.sizeBytes === PAIRED_SIZE);
  const found = of(SUBJECT);
  if (found === undefined) return unjudged(ONE_PAIR);
  const tcp = of(BASELINE);
  const beside =
    tcp === undefined ? "" : `; ${transportLabel(BASELINE)} ${formatNumber(tcp.ratio)}`;
  const text = `aggregate of ${counted(found.pairs, "pair")} over the best of fewer (${found.best}): ${formatNumber(found.ratio)}, ${within(found.interval)}${beside}`;
  return judged(found.ratio, found.interval, text, { kind: "at least", value: SATURATION });
}

/** Beside as many busy pairs as there can be, V4V must not be slower than TCP is there. */
export function scalingLatency(summary: Summary): Outcome {
  const pairs = mostPairs(summary, "neighbours");
  if (pairs < 2) return unjudged(ONE_PAIR);
  const place: Place = { experiment: "neighbours", metric: "half_rtt", sizeBytes: 1, pairs };
  return judgeRatio(summary, place, { kind: "at most", value: 1 });
}

/** The ratio of the aggregates; the poster has an absolute number only, which depends on the machine. */
export function aggregate(summary: Summary): Outcome {
  const pairs = mostPairs(summary, "scaling");
  if (pairs < 2) return unjudged(ONE_PAIR);
  const place = inPairs("bandwidth", pairs);
  const { measured } = judgeRatio(summary, place, { kind: "at least", value: 1 });
  const why = `An absolute number: it compares with the paper's only on like hardware. ${counted(pairs, "pair")} ran here.`;
  return { measured, verdict: "cannot be judged here", why };
}

/** The same ratio with the poster's number of pairs, and only there. */
export function aggregateRatio(summary: Summary): Outcome {
  const { pairs } = PAPER_AGGREGATE;
  const most = mostPairs(summary, "scaling");
  if (most < pairs) {
    return unjudged(
      `Needs ${pairs} pairs at the same time, which are ${2 * pairs} domUs, and profile quick or longer; ${most === 0 ? "none" : counted(most, "pair")} ran here.`,
    );
  }
  const place = inPairs("bandwidth", pairs);
  return judgeRatio(summary, place, { kind: "at least", value: AGGREGATE_RATIO });
}

/** Jain's index of V4V's pairs when as many as possible run; an interval narrower than 95% decides nothing. */
export function fairnessClaim(summary: Summary): Outcome {
  const pairs = mostPairs(summary, "scaling");
  if (pairs < 2) return unjudged(ONE_PAIR);
  const place = inPairs("fairness", pairs);
  const found = findPoint(summary.points, place, SUBJECT);
  if (found === undefined) return missing(summary, place, SUBJECT);
  const { median, interval } = found;
  const sure = interval !== null && interval.coverage >= CONFIDENCE ? interval : null;
  const tcp = findPoint(summary.points, place, BASELINE);
  const beside =
    tcp === undefined ? "" : `; ${transportLabel(BASELINE)} ${formatNumber(tcp.median)}`;
  const text = `Jain's index of ${counted(pairs, "pair")}: ${formatNumber(median)}, ${within(sure)}${beside}`;
  return judged(median, sure, text, { kind: "at least", value: FAIR }, "index");
}

const worstOr = (outcomes: readonly Outcome[], bad: "high" | "low", none: string): Outcome =>
  outcomes.length === 0 ? unjudged(none) : worst(outcomes, bad);

/** All CPU time, dom0's and spinning included, at every place where it was measured; the worst one is shown. */
export function cpuCostClaim(summary: Summary): Outcome {
  const places = ratiosOver(summary.ratios, BASELINE, SUBJECT).filter(
    (one) => one.metric === "cpu_per_kb" && one.experiment.startsWith("cpu"),
  );
  const outcomes = places.map((place) =>
    judgeRatio(summary, place, { kind: "at most", value: 1 / 3 }),
  );
  return worstOr(outcomes, "high", "This run recorded no CPU times: profile quick does.");
}

/** From 512 B to 64 KiB V4V keeps 4 times TCP's bandwidth at every size. */
export function noDip(summary: Summary): Outcome {
  const places = ratiosOver(summary.ratios, BASELINE, SUBJECT).filter(
    (one) => one.experiment === "bandwidth" && one.sizeBytes >= 512 && one.sizeBytes <= 64 * 1024,
  );
  const outcomes = places.map((place) =>
    judgeRatio(summary, place, { kind: "at least", value: 4 }),
  );
  return worstOr(
    outcomes,
    "low",
    "This run has no ping-pong of both transports between 512 B and 64 KiB.",
  );
}

/** Against two processes of one domU, AF_UNIX: 1 B takes at most twice as long. */
export const unixLatency = (summary: Summary): Outcome =>
  judgeRatio(
    summary,
    { experiment: "latency", metric: "half_rtt", sizeBytes: 1, pairs: 1 },
    { kind: "at most", value: 2 },
    CEILING,
  );

/** Against two processes of one domU, AF_UNIX: a stream of 1 MiB messages has at least half. */
export const unixStream = (summary: Summary): Outcome =>
  judgeRatio(
    summary,
    { experiment: "stream", metric: "bandwidth", sizeBytes: 1024 * 1024, pairs: 1 },
    { kind: "at least", value: 0.5 },
    CEILING,
  );
