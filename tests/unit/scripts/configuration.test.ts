import { describe, expect, test } from "vitest";
import { check, configure } from "../../../scripts/lib/configuration.ts";
import { UserError } from "../../../scripts/lib/userError.ts";
import type { Workspace } from "../../../scripts/lib/workspace.ts";

const P = "v4vsockets-testbed";

/** A workspace as far as configure uses it: a stack's settings, and what the engine is told to keep. */
function workspace(config: Record<string, string>) {
  const told: string[][] = [];
  const prefixed = Object.entries(config).map(([key, value]) => [`${P}:${key}`, value]);
  const double = {
    stack: "dev",
    config: () => Object.fromEntries(prefixed) as Record<string, string>,
    must: (...args: string[]) => {
      told.push(args);
      return "";
    },
  };
  return { told, double: double as unknown as Workspace };
}

const run = (config: Record<string, string>, given: Record<string, string> = {}) => {
  const { told, double } = workspace(config);
  const outcome = (() => {
    try {
      return configure(double, new Map(Object.entries(given)));
    } catch (error) {
      return error;
    }
  })();
  return { told, outcome };
};

test("flags are kept one by one, behind --, so that no value is taken for an option", () => {
  const { told, outcome } = run({}, { vmCount: "4", "xen.options": "-x --y" });
  expect(outcome).toMatchObject({ vmCount: 4, xen: { options: "-x --y" } });
  expect(told).toEqual([
    ["config", "set", "--path", "vmCount", "--stack", "dev", "--", "4"],
    ["config", "set", "--path", "xen.options", "--stack", "dev", "--", "-x --y"],
  ]);
});

test("nothing given, nothing kept", () => {
  expect(run({ vmCount: "3" })).toMatchObject({ told: [], outcome: { vmCount: 3 } });
});

test("a flag replaces one member of an object and leaves the others", () => {
  const { outcome } = run({ machine: '{"cpus":4,"memoryMiB":8192}' }, { "machine.cpus": "3" });
  expect(outcome).toMatchObject({ machine: { cpus: 3, memoryMiB: 8192 } });
});

test("a flag mends a setting that is wrong", () => {
  expect(run({ vmCount: "1" }, { vmCount: "2" }).outcome).toMatchObject({ vmCount: 2 });
});

test("wrong flags and wrong settings are told together, nothing is kept, and it is said that nothing was started", () => {
  const { told, outcome } = run(
    { "machine.cpus": "0", colour: "red" },
    { vmCount: "1", "domU.vcpus": "2" },
  );
  expect(outcome).toBeInstanceOf(UserError);
  const { message } = outcome as UserError;
  for (const name of ["machine.cpus", "colour", "vmCount"])
    expect(message).toContain(`  - ${name}: `);
  expect(message).toContain("3 problems");
  expect(message).toMatch(/\nNothing was started\.$/);
  expect(told).toEqual([]);
});

describe("what the program would refuse is refused here already", () => {
  test.each([
    ["an empty object for a number", { vmCount: "{}" }],
    ["an empty object for a list", { hosts: "{}" }],
    ["null for a text", { xen: '{"options":null}' }],
    ["a truth value for a text", { xen: '{"options":true}' }],
    ["null for an object's number", { machine: '{"cpus":null}' }],
    ["a list for a number", { vmCount: "[2]" }],
    ["a scalar for an object", { machine: "fast" }],
    ["JSON that does not end", { machine: '{"cpus":3' }],
    ["the prototype", { "__proto__.cpus": "3" }],
    ["the prototype in an object", { machine: '{"__proto__":{"cpus":3}}' }],
    ["the same setting twice", { machine: '{"cpus":3}', "machine.cpus": "4" }],
  ])("%s", (_what, config) => {
    const entries = Object.entries(config).map(([key, value]) => [`${P}:${key}`, value]);
    expect(() => check(Object.fromEntries(entries) as Record<string, string>)).toThrow(UserError);
    expect(run(config).outcome).toBeInstanceOf(UserError);
  });
});

test("settings of other programs of the stack are left alone", () => {
  const double = { stack: "dev", config: () => ({ "other:vmCount": "x" }), must: () => "" };
  expect(configure(double as unknown as Workspace, new Map()).vmCount).toBe(2);
});
