import { median, sampleWithReplacement } from "simple-statistics";
import type { Random } from "./random.ts";

/** A confidence interval and the probability with which its method covers the true value. */
export interface Interval {
  low: number;
  high: number;
  /** 0 to 1; below what was asked for where there were too few values. */
  coverage: number;
}

export interface Percentiles {
  min: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

export interface Ratio {
  ratio: number;
  /** null where either side has fewer than {@link MIN_FOR_RATIO_INTERVAL} values. */
  interval: Interval | null;
}

export const CONFIDENCE = 0.95;

/** Below that the bootstrap sees too few different resamples to say anything. */
export const MIN_FOR_RATIO_INTERVAL = 5;

const RESAMPLES = 10_000;

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

function at(sorted: readonly number[], index: number): number {
  const value = sorted[index];
  if (value === undefined) throw new RangeError("no values");
  return value;
}

/**
 * Quantile by linear interpolation, definition 7 of R. J. Hyndman and Y. Fan, "Sample Quantiles in Statistical
 * Packages" (1996): the default of R and NumPy.
 *
 * @param sorted ascending, not empty
 * @param p 0 to 1
 */
export function quantile(sorted: readonly number[], p: number): number {
  const position = (sorted.length - 1) * p;
  const below = Math.floor(position);
  const low = at(sorted, below);
  const high = at(sorted, Math.ceil(position));
  return low + (high - low) * (position - below);
}

/** @param values not empty, in any order */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = ascending(values);
  return {
    min: quantile(sorted, 0),
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  };
}

/** The middle value, or the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values");
  return median([...values]);
}

/**
 * Interval of the median by order statistics, which assumes nothing about the distribution: the narrowest symmetric
 * pair of ordered values whose coverage (binomial, p = 1/2) is at least `confidence`; the whole range where no pair
 * reaches it (fewer than 6 values for 0.95).
 * Source: H. A. David and H. N. Nagaraja, "Order Statistics", section 7.1.
 *
 * @returns null for fewer than two values
 */
export function medianInterval(
  values: readonly number[],
  confidence: number = CONFIDENCE,
): Interval | null {
  const n = values.length;
  if (n < 2) return null;
  const sorted = ascending(values);
  // Coverage of the values `cut` from either end is 1 - 2 P(X <= cut), X binomial.
  let logTerm = -n * Math.LN2;
  let tail = Math.exp(logTerm);
  let cut = 0;
  for (;;) {
    logTerm += Math.log((n - cut) / (cut + 1));
    const next = tail + Math.exp(logTerm);
    if (1 - 2 * next < confidence) break;
    tail = next;
    cut++;
  }
  return { low: at(sorted, cut), high: at(sorted, n - 1 - cut), coverage: 1 - 2 * tail };
}

/**
 * Median of one set of values over that of another, with a percentile bootstrap interval (B. Efron and
 * R. J. Tibshirani, "An Introduction to the Bootstrap", chapter 13) of nominal coverage `confidence`. Give it one value a
 * repetition: samples within a repetition depend on each other. Either set is resampled by itself.
 */
export function ratioOfMedians(
  numerator: readonly number[],
  denominator: readonly number[],
  random: Random,
  resamples: number = RESAMPLES,
  confidence: number = CONFIDENCE,
): Ratio {
  const ratio = medianOf(numerator) / medianOf(denominator);
  if (Math.min(numerator.length, denominator.length) < MIN_FOR_RATIO_INTERVAL) {
    return { ratio, interval: null };
  }
  const resample = (values: readonly number[]): number =>
    medianOf(sampleWithReplacement([...values], values.length, random));
  const ratios = Array.from(
    { length: resamples },
    () => resample(numerator) / resample(denominator),
  );
  const sorted = ascending(ratios);
  const tail = (1 - confidence) / 2;
  return {
    ratio,
    interval: {
      low: quantile(sorted, tail),
      high: quantile(sorted, 1 - tail),
      coverage: confidence,
    },
  };
}
