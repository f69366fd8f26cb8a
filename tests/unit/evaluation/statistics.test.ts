import { expect, test } from "vitest";
import { seededRandom } from "../../../evaluation/random.ts";
import {
  medianInterval,
  medianOf,
  percentiles,
  quantile,
  ratioOfMedians,
} from "../../../evaluation/statistics.ts";
import fc from "../helpers/property.ts";

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

// quantile(1:10, p) and quantile(c(1, 2, 4, 8), p) of R 4 (type 7).
test.each([
  [upTo(10), 0.25, 3.25],
  [upTo(10), 0.5, 5.5],
  [upTo(10), 0.9, 9.1],
  [upTo(10), 0.99, 9.91],
  [[1, 2, 4, 8], 0.25, 1.75],
  [[1, 2, 4, 8], 0.75, 5],
  [[1, 2, 4, 8], 1, 8],
  [[42], 0.99, 42],
])("quantile of %j at %d is R's", (values, p, expected) => {
  expect(quantile(values, p)).toBeCloseTo(expected, 12);
});

test("percentiles and medians take values in any order and refuse none at all", () => {
  expect(percentiles([5, 1, 4, 2, 3])).toEqual({ min: 1, p50: 3, p90: 4.6, p99: 4.96, max: 5 });
  expect(medianOf([9, 1, 5])).toBe(5);
  expect(medianOf([9, 1, 5, 6])).toBe(5.5);
  expect(() => percentiles([])).toThrow(RangeError);
  expect(() => medianOf([])).toThrow(RangeError);
});

// Ranks and coverages of distribution-free intervals for the median, as tabulated in textbooks.
test.each([
  [2, 1, 2, 0.5],
  [5, 1, 5, 0.9375],
  [6, 1, 6, 0.96875],
  [8, 1, 8, 0.9921875],
  [9, 2, 8, 0.9609375],
  [10, 2, 9, 0.978515625],
  [15, 4, 12, 0.96484375],
  [20, 6, 15, 0.9586105346679688],
  [100, 40, 61, 0.9647997997822952],
])("%d values: ranks %d and %d cover the median with %d", (n, low, high, coverage) => {
  const interval = medianInterval(upTo(n).reverse());
  expect(interval?.low).toBe(low);
  expect(interval?.high).toBe(high);
  expect(interval?.coverage).toBeCloseTo(coverage, 10);
});

test("the interval of the median stays sound for many values, and needs two", () => {
  expect(medianInterval([3])).toBeNull();
  const interval = medianInterval(upTo(100_000));
  expect(interval?.coverage).toBeGreaterThanOrEqual(0.95);
  expect(interval?.coverage).toBeLessThan(0.952);
  // 50,000 -+ 1.96 sqrt(n) / 2
  expect(interval?.low).toBeGreaterThan(49_680);
  expect(interval?.low).toBeLessThan(49_700);
});

/** Normal deviates (G. Box and M. Muller, 1958). */
function normal(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const distributions: [string, (random: () => number) => () => number, number][] = [
  [
    "normal",
    (random) => {
      const z = normal(random);
      return () => 100 + 5 * z();
    },
    100,
  ],
  [
    "log-normal",
    (random) => {
      const z = normal(random);
      return () => 100 * Math.exp(0.2 * z());
    },
    100,
  ],
  ["exponential", (random) => () => 100 - 10 * Math.log(1 - random()), 100 + 10 * Math.LN2],
];

test.each(distributions)(
  "order statistics cover a %s median as often as they say",
  (_, draws, truth) => {
    const draw = draws(seededRandom(11, "coverage of the median"));
    const trials = 2000;
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const interval = medianInterval(Array.from({ length: 6 }, draw));
      if (interval !== null && interval.low <= truth && truth <= interval.high) covered++;
    }
    // 0.96875, four standard deviations of 2000 trials to either side.
    expect(covered / trials).toBeGreaterThan(0.953);
    expect(covered / trials).toBeLessThan(0.985);
  },
);

test.each(distributions)("the bootstrap covers the ratio of two %s medians", (_, draws, truth) => {
  const random = seededRandom(12, "coverage of the ratio");
  const draw = draws(random);
  for (const n of [6, 20]) {
    const trials = 800;
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const slow = Array.from({ length: n }, draw);
      const fast = Array.from({ length: n }, () => draw() / 4);
      const { interval } = ratioOfMedians(fast, slow, random, 400);
      const ratio = truth / 4 / truth;
      if (interval !== null && interval.low <= ratio && ratio <= interval.high) covered++;
    }
    // Nominal 0.95; few values make the method a little cautious.
    expect(covered / trials).toBeGreaterThan(0.92);
    expect(covered / trials).toBeLessThan(0.99);
  }
});

const values = fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), {
  minLength: 5,
  maxLength: 12,
});

test("a ratio's interval lies within what the data allow and moves with the scale", () => {
  fc.assert(
    fc.property(values, values, fc.constantFrom(0.25, 2, 1024), (numerator, denominator, scale) => {
      const random = (): (() => number) => seededRandom(5, "scale");
      const one = ratioOfMedians(numerator, denominator, random(), 200);
      const low = Math.min(...numerator) / Math.max(...denominator);
      const high = Math.max(...numerator) / Math.min(...denominator);
      expect(one.interval?.low).toBeGreaterThanOrEqual(low);
      expect(one.interval?.high).toBeLessThanOrEqual(high);
      const scaled = ratioOfMedians(
        numerator.map((value) => value * scale),
        denominator,
        random(),
        200,
      );
      // Powers of two scale without rounding.
      expect(scaled.ratio).toBe(one.ratio * scale);
      expect(scaled.interval?.low).toBe((one.interval?.low ?? 0) * scale);
    }),
    { numRuns: 50 },
  );
});

test("the same seed gives the same interval; equal values give a point; few values none", () => {
  const slow = [9, 11, 10, 12, 8, 10];
  const fast = [2, 3, 2, 2, 3, 1];
  const interval = (seed: number) => ratioOfMedians(fast, slow, seededRandom(seed, "x")).interval;
  expect(interval(1)).toEqual(interval(1));
  expect(ratioOfMedians([2, 2, 2, 2, 2], [8, 8, 8, 8, 8], seededRandom(1, "x"))).toEqual({
    ratio: 0.25,
    interval: { low: 0.25, high: 0.25, coverage: 0.95 },
  });
  expect(ratioOfMedians([2, 2, 2, 2], slow, seededRandom(1, "x"))).toEqual({
    ratio: 0.2,
    interval: null,
  });
});
