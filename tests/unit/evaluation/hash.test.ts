import { expect, test } from "vitest";
import { canonicalJson, fnv1a64, sha256 } from "../../../evaluation/hash.ts";
import fc from "../helpers/property.ts";

// Vectors published with FNV (draft-eastlake-fnv, appendix C).
test.each([
  ["", "cbf29ce484222325"],
  ["a", "af63dc4c8601ec8c"],
  ["foobar", "85944171f73967e8"],
])("FNV-1a 64 of %j", (text, hash) => {
  expect(fnv1a64(text)).toBe(hash);
});

test("SHA-256 of the empty text (FIPS 180-4)", () => {
  expect(sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test("canonical JSON does not depend on the order of members, at any depth", () => {
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reversed(member)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(canonicalJson({ b: [2, 1], a: 1 })).toBe('{"a":1,"b":[2,1]}');
});
