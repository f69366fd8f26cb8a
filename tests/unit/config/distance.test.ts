import { expect, test } from "vitest";
import { distance } from "../../../config/distance.ts";
import fc from "../helpers/property.ts";

const word = fc.string({ maxLength: 12 });

test.each([
  ["", "", 0],
  ["", "abc", 3],
  ["kitten", "sitting", 3],
  ["flaw", "lawn", 2],
  ["vmcount", "vmcont", 1],
  ["ab", "ba", 2],
])("from %j to %j it takes %i changes", (a, b, changes) => {
  expect(distance(a, b)).toBe(changes);
});

test("it is a metric: zero only for the same word, symmetric, no longer by a detour", () => {
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(distance(a, b) === 0).toBe(a === b);
      expect(distance(a, b)).toBe(distance(b, a));
      expect(distance(a, c)).toBeLessThanOrEqual(distance(a, b) + distance(b, c));
    }),
  );
});

test("it lies between the difference of the lengths and the longer length", () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(distance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

test("each inserted letter adds one at most", () => {
  fc.assert(
    fc.property(word, fc.string({ minLength: 1, maxLength: 1 }), fc.nat(12), (a, letter, at) => {
      expect(distance(a, a.slice(0, at) + letter + a.slice(at))).toBe(1);
    }),
  );
});
