import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { describe, expect, test } from "vitest";
import { missing } from "../../../provider/inputs.ts";
import {
  changedInputs,
  fromStruct,
  hasUnknown,
  inputDiff,
  toStruct,
} from "../../../provider/rpc/values.ts";
import { UNKNOWN, type Properties, type Value } from "../../../provider/resource.ts";
import fc from "../helpers/property.ts";

const { tree } = fc.letrec<{ tree: Value }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z. $-]{1,6}$/), tie("tree"), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
}));
const properties = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tree, {
  maxKeys: 4,
  noNullPrototype: true,
});
const prior = (inputs: Properties) => ({ id: "x", inputs, outputs: {} });

describe("structs", () => {
  test("properties survive the way to the engine and back", () => {
    fc.assert(
      fc.property(properties, (given) => {
        const bytes = toStruct(given).serializeBinary();
        expect(fromStruct(struct.Struct.deserializeBinary(bytes))).toEqual(given);
      }),
    );
  });

  test("a missing struct is an empty one, undefined members are left out", () => {
    expect(fromStruct(undefined)).toEqual({});
    const sparse = { a: undefined, b: { c: undefined, d: 1 } } as unknown as Properties;
    expect(fromStruct(toStruct(sparse))).toEqual({ b: { d: 1 } });
  });
});

describe("what is not known yet", () => {
  test("is found at any depth, and nowhere else", () => {
    expect(hasUnknown(UNKNOWN)).toBe(true);
    expect(hasUnknown(["a", { b: [{ c: UNKNOWN }] }])).toBe(true);
    for (const value of [undefined, null, "", 0, false, [], {}, `x${UNKNOWN}`, { [UNKNOWN]: 1 }])
      expect(hasUnknown(value as Value | undefined)).toBe(false);
  });

  test("counts as present, and as changed", () => {
    expect(missing({ a: UNKNOWN, b: [UNKNOWN] }, ["a", "b"])).toEqual([]);
    expect(changedInputs({ a: UNKNOWN }, { a: UNKNOWN })).toEqual(["a"]);
  });

  test("asks for no replacement: it may turn out to be the same", () => {
    const diff = inputDiff(prior({ a: 1, b: 1 }), { a: UNKNOWN, b: 2 }, { replaceOn: ["a", "b"] });
    expect(diff).toEqual({ changed: ["a", "b"], replace: ["b"] });
  });
});

test("what is required and absent, null included, is named", () => {
  expect(
    missing({ a: null, b: "", c: 0, d: false, e: [] }, ["a", "b", "c", "d", "e", "f"]),
  ).toEqual([
    { property: "a", reason: "is required" },
    { property: "f", reason: "is required" },
  ]);
});

describe("the difference between inputs", () => {
  test("is none between equal ones, whatever the order of their members", () => {
    fc.assert(
      fc.property(properties, (given) => {
        const turned = Object.fromEntries(Object.entries(structuredClone(given)).reverse());
        expect(changedInputs(given, turned)).toEqual([]);
      }),
    );
    expect(changedInputs({ o: { a: 1, b: 2 } }, { o: { b: 2, a: 1 } })).toEqual([]);
  });

  test("is what was added, removed or changed, by name", () => {
    expect(
      changedInputs(
        { same: [1, 2], gone: 1, order: [1, 2], deep: { a: { b: 1 } }, kind: 1 },
        { same: [1, 2], come: 1, order: [2, 1], deep: { a: { b: 2 } }, kind: "1" },
      ),
    ).toEqual(["come", "deep", "gone", "kind", "order"]);
  });

  test("leaves quiet inputs out, even those that would replace", () => {
    const rules = { quietInputs: ["connection", "quiet"], replaceOn: ["name", "quiet"] };
    const old = { connection: "a", quiet: 1, name: "x", size: 1 };
    expect(inputDiff(prior(old), { ...old, connection: UNKNOWN, quiet: 2 }, rules)).toEqual({
      changed: [],
      replace: [],
    });
    expect(inputDiff(prior(old), { ...old, quiet: 2, size: 2, name: "y" }, rules)).toEqual({
      changed: ["name", "size"],
      replace: ["name"],
    });
  });

  test("asks for no replacement where none was asked for", () => {
    expect(inputDiff(prior({ a: 1 }), { a: 2 }, {})).toEqual({ changed: ["a"], replace: [] });
  });
});
