import { expect, test } from "vitest";
import { seededRandom, type Random } from "../../../evaluation/random.ts";
import {
  holm,
  incompleteBeta,
  studentQuantile,
  studentTwoSided,
  welch,
  welchBeyond,
} from "../../../evaluation/significance.ts";
import fc from "../helpers/property.ts";

// Quantiles of Student's distribution as in every table of it, to three digits.
test.each([
  [1, 12.706, 0.05],
  [2, 4.303, 0.05],
  [5, 2.571, 0.05],
  [5, 4.032, 0.01],
  [10, 2.228, 0.05],
  [10, 3.169, 0.01],
  [30, 2.042, 0.05],
  [120, 2.617, 0.01],
  [10, 4.587, 0.001],
])("Student with %d degrees of freedom: |t| above %d has %d", (df, t, p) => {
  expect(studentTwoSided(t, df) / p).toBeCloseTo(1, 2);
  expect(studentTwoSided(-t, df)).toBe(studentTwoSided(t, df));
  expect(Math.abs(studentQuantile(p, df) - t)).toBeLessThan(0.0006);
});

test("Student's closed forms with one and two degrees of freedom, far into the tail", () => {
  for (const t of [0, 0.1, 1, 3, 30, 1000]) {
    expect(studentTwoSided(t, 1)).toBeCloseTo(1 - (2 / Math.PI) * Math.atan(t), 12);
    expect(studentTwoSided(t, 2)).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 12);
  }
  // 1 / t^2 for large t.
  expect(studentTwoSided(1e4, 2) * 1e8).toBeCloseTo(1, 6);
  expect(studentTwoSided(Infinity, 3)).toBe(0);
});

test("incomplete beta: uniform, symmetric, powers, ends", () => {
  expect([incompleteBeta(0, 2, 3), incompleteBeta(1, 2, 3)]).toEqual([0, 1]);
  fc.assert(
    fc.property(
      // 1 - x must not lose what x is.
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      fc.double({ min: 0.5, max: 50, noNaN: true }),
      fc.double({ min: 0.5, max: 50, noNaN: true }),
      (x, a, b) => {
        expect(incompleteBeta(x, 1, 1)).toBeCloseTo(x, 12);
        expect(incompleteBeta(x, a, 1)).toBeCloseTo(x ** a, 10);
        expect(incompleteBeta(x, a, b) + incompleteBeta(1 - x, b, a)).toBeCloseTo(1, 10);
        expect(incompleteBeta(0.5, a, a)).toBeCloseTo(0.5, 10);
      },
    ),
  );
});

// "Student" (W. S. Gosset), "The Probable Error of a Mean" (1908), table of hours of sleep gained with two drugs; R's
// t.test(extra ~ group, data = sleep) prints t = -1.8608, df = 17.776, p-value = 0.07939.
test("Welch's test of the sleep data is R's", () => {
  const one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2];
  const two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
  const { t, df, p } = welch(one, two);
  expect(t).toBeCloseTo(-1.8608, 4);
  expect(df).toBeCloseTo(17.776, 3);
  expect(p).toBeCloseTo(0.07939, 5);
});

test("its interval of the sleep data is R's, and without a margin the test is Welch's", () => {
  const one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2];
  const two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
  // t.test(extra ~ group, data = sleep): 95 percent confidence interval -3.3654832 0.2054832.
  const { low, high, difference, p } = welchBeyond(one, two, 0, 0.95);
  expect(low).toBeCloseTo(-3.3654832, 7);
  expect(high).toBeCloseTo(0.2054832, 7);
  expect(difference).toBeCloseTo(-1.58, 12);
  expect(p).toBeCloseTo(welch(one, two).p, 12);
});

test("a margin takes what lies within it, and errs no more often at its border", () => {
  expect(welchBeyond([3, 3, 3], [3.1, 3.1, 3.1], 0.2, 0.95).p).toBe(1);
  expect(welchBeyond([3, 3, 3], [3.5, 3.5, 3.5], 0.2, 0.95).p).toBe(0);
  const random = seededRandom(5, "margin");
  const six = (centre: number): number[] =>
    Array.from({ length: 6 }, () => centre + normal(random));
  const rejected = Array.from(
    { length: 4000 },
    () => welchBeyond(six(0.8), six(0), 0.8, 0.95).p <= 0.05,
  ).filter(Boolean).length;
  expect(rejected / 4000).toBeGreaterThan(0.035);
  expect(rejected / 4000).toBeLessThan(0.065);
});

test("values that do not vary are the same or differ for certain", () => {
  expect(welch([3, 3, 3], [3, 3, 3]).p).toBe(1);
  expect(welch([3, 3, 3], [4, 4, 4])).toMatchObject({ t: -Infinity, p: 0 });
  expect(welch([4, 4, 4], [3, 3, 3])).toMatchObject({ t: Infinity, p: 0 });
  expect(welch([0, 0], [0, 0]).p).toBe(1);
});

test("Holm by hand: four values, of which two are rejected at 0.05", () => {
  // 4 * 0.005, 3 * 0.01, 2 * 0.03; 1 * 0.04 is raised to the one before it.
  const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((p, index) => {
    expect(adjusted[index]).toBeCloseTo(p, 12);
  });
  expect(holm([])).toEqual([]);
  expect(holm([0.2])).toEqual([0.2]);
  expect(holm([0.6, 0.7])).toEqual([1, 1]);
});

test("Holm is never below the value nor above Bonferroni's, and keeps the order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }),
      (values) => {
        const adjusted = holm(values);
        const byValue = values
          .map((p, index) => ({ p, q: adjusted[index] ?? -1 }))
          .sort((a, b) => a.p - b.p);
        for (const [index, { p, q }] of byValue.entries()) {
          expect(q).toBeGreaterThanOrEqual(p);
          expect(q).toBeLessThanOrEqual(Math.min(1, values.length * p) + 1e-12);
          expect(q).toBeGreaterThanOrEqual(byValue[index - 1]?.q ?? 0);
        }
      },
    ),
  );
});

/** Box and Muller. */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

test("of families of 28 comparisons without a change about 5% show one, with six repetitions", () => {
  const random = seededRandom(3, "families");
  const six = (spread: number): number[] =>
    Array.from({ length: 6 }, () => spread * normal(random));
  const families = 600;
  const wrong = Array.from({ length: families }, () =>
    holm(Array.from({ length: 28 }, (_, index) => welch(six(1), six(1 + (index % 4))).p)),
  ).filter((adjusted) => adjusted.some((p) => p <= 0.05)).length;
  // 5% with a standard error of 0.9%.
  expect(wrong / families).toBeLessThan(0.08);
  expect(wrong / families).toBeGreaterThan(0.015);
});
