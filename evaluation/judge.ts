import { counted, formatChange, formatNumber, formatRange } from "./format.ts";
import type { Interval } from "./statistics.ts";
import { findPoint, findRatio, sourceOf, type Place, type Point, type Summary } from "./summary.ts";
import { BASELINE, STOCK, SUBJECT, transportLabel, type Transport } from "./transports.ts";

export type Verdict = "pass" | "fail" | "cannot be judged here" | "not measured yet";

/** What was measured for a claim. */
export interface Measured {
  /** What the verdict rests on: the ratio V4V / TCP, or Jain's index. */
  value: number;
  interval: Interval | null;
  unit: "ratio" | "index";
  /** In words, with the absolute numbers. */
  text: string;
}

export interface Outcome {
  measured: Measured | null;
  verdict: Verdict;
  why: string;
}

/** A bound that the whole 95% interval of a ratio must keep. */
export interface Threshold {
  kind: "at most" | "at least";
  value: number;
}

/** A claim about one number by its interval; without one nothing is judged. */
export function judged(
  value: number,
  interval: Interval | null,
  text: string,
  threshold: Threshold,
  unit: Measured["unit"] = "ratio",
): Outcome {
  const measured = { value, interval, unit, text };
  return interval === null
    ? { measured, verdict: "cannot be judged here", why: "Too few repetitions for an interval." }
    : { measured, ...judgeInterval(interval, threshold) };
}

/** How a measured ratio or index tells of its interval. */
export const within = (interval: Interval | null): string =>
  interval === null ? "no interval" : `95% interval ${formatRange(interval)}`;

/** The verdict on an interval: it passes or fails as a whole, or does not tell. */
export function judgeInterval(
  interval: Interval,
  threshold: Threshold,
): Pick<Outcome, "verdict" | "why"> {
  const { kind, value } = threshold;
  const bound = formatNumber(value);
  const keeps = (ratio: number): boolean => (kind === "at most" ? ratio <= value : ratio >= value);
  if (keeps(interval.low) && keeps(interval.high)) {
    return { verdict: "pass", why: `The whole interval is ${kind} ${bound}.` };
  }
  if (!keeps(interval.low) && !keeps(interval.high)) {
    const side = kind === "at most" ? "above" : "below";
    return { verdict: "fail", why: `The whole interval is ${side} ${bound}.` };
  }
  return {
    verdict: "cannot be judged here",
    why: `The interval contains ${bound}: it agrees with the claim but does not settle it; more repetitions would.`,
  };
}

/** Why a transport has no number at a place: it failed there, or was not measured. */
export function missing(summary: Summary, place: Place, transport: string): Outcome {
  const failures = summary.unused.filter(
    (one) =>
      one.failed &&
      one.experiment === sourceOf(place.experiment) &&
      one.transport === transport &&
      one.sizeBytes === place.sizeBytes,
  );
  const [first] = failures;
  const label = transportLabel(transport);
  if (first !== undefined) {
    const why = `${label} failed at this size (${counted(failures.length, "sample")}): ${first.reason}`;
    return { measured: null, verdict: "cannot be judged here", why };
  }
  const why = `This run has no ${label} sample at this size.`;
  return { measured: null, verdict: "not measured yet", why };
}

const inWords = (point: Point): string => {
  const interval = point.interval === null ? "" : ` (${formatRange(point.interval)})`;
  return `${transportLabel(point.transport)} ${formatNumber(point.median)}${interval} ${point.unit === "us" ? "µs" : point.unit}`;
};

/**
 * Judges a claim by the ratio of two transports at one place, V4V to TCP unless given; absolute numbers are told but
 * never judged.
 */
export function judgeRatio(
  summary: Summary,
  place: Place,
  threshold: Threshold,
  denominator: Transport = BASELINE,
  numerator: Transport = SUBJECT,
): Outcome {
  const tcp = findPoint(summary.points, place, denominator);
  if (tcp === undefined) return missing(summary, place, denominator);
  const v4v = findPoint(summary.points, place, numerator);
  if (v4v === undefined) return missing(summary, place, numerator);
  const found = findRatio(summary.ratios, place, denominator, numerator);
  if (found === undefined)
    throw new Error("a ratio is missing though both transports were measured");
  const { ratio, interval } = found;
  const change = place.metric === "half_rtt" ? `${formatChange(ratio)}; ` : "";
  const text = `${change}${transportLabel(numerator)}/${transportLabel(denominator)} ${formatNumber(ratio)}, ${within(interval)}; ${inWords(v4v)}, ${inWords(tcp)}`;
  const measured: Measured = { value: ratio, interval, unit: "ratio", text };
  if (interval === null) {
    const fewest = Math.min(tcp.repetitions, v4v.repetitions);
    const why = `${counted(fewest, "repetition")} on one side are too few for an interval of the ratio.`;
    return { measured, verdict: "cannot be judged here", why };
  }
  const { verdict, why } = judgeInterval(interval, threshold);
  const other = denominator === BASELINE ? byStock(summary, place, threshold, numerator) : [];
  return { measured, verdict, why: [why, ...other].join(" ") };
}

/** What the untuned TCP would make of it: the tuned one is the baseline, and not the faster everywhere. */
function byStock(
  summary: Summary,
  place: Place,
  threshold: Threshold,
  numerator: Transport,
): string[] {
  const found = findRatio(summary.ratios, place, STOCK, numerator);
  if (found === undefined || found.interval === null) return [];
  const { verdict } = judgeInterval(found.interval, threshold);
  return [
    `Over ${transportLabel(STOCK)}: ${formatNumber(found.ratio)} (${formatRange(found.interval)}), ${verdict}.`,
  ];
}

/** Of several places, one at least: fails with any, passes with all. `bad` says which end of what was measured is the worse. */
export function worst(unordered: readonly Outcome[], bad: "high" | "low"): Outcome {
  const value = ({ measured }: Outcome): number =>
    (measured?.value ?? 0) * (bad === "high" ? 1 : -1);
  const outcomes = unordered.toSorted((a, b) => value(b) - value(a));
  const failed = outcomes.filter((one) => one.verdict === "fail").length;
  const passed = outcomes.filter((one) => one.verdict === "pass").length;
  const verdict =
    failed > 0 ? "fail" : passed === outcomes.length ? "pass" : "cannot be judged here";
  const shown = outcomes.find((one) => one.verdict === verdict) ?? outcomes[0];
  const why = `Of ${counted(outcomes.length, "place")} ${passed} pass, ${failed} fail; the worst that decides is shown. ${shown?.why ?? ""}`;
  return { measured: shown?.measured ?? null, verdict, why };
}
