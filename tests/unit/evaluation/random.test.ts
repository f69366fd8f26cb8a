import { expect, test } from "vitest";
import { seededRandom, xoshiro128 } from "../../../evaluation/random.ts";

test("xoshiro128** gives the numbers of its reference implementation from state 1, 2, 3, 4", () => {
  const next = xoshiro128([1, 2, 3, 4]);
  const numbers = Array.from({ length: 10 }, next);
  expect(numbers).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
    4258142804,
  ]);
});

const take = (seed: number, label: string, count = 5): number[] =>
  Array.from({ length: count }, seededRandom(seed, label));

test("seed and label decide the numbers", () => {
  expect(take(1, "a")).toEqual(take(1, "a"));
  expect(take(1, "a")).not.toEqual(take(2, "a"));
  expect(take(1, "a")).not.toEqual(take(1, "b"));
});

test("numbers are spread evenly over [0, 1)", () => {
  const bins = Array.from({ length: 10 }, () => 0);
  for (const number of take(3, "bins", 10_000)) {
    expect(number).toBeGreaterThanOrEqual(0);
    expect(number).toBeLessThan(1);
    const bin = Math.floor(number * 10);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  // Five standard deviations of a bin's count.
  for (const count of bins) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
