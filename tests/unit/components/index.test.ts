import * as pulumi from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";
import { Engine, valueOf } from "../helpers/pulumiMocks.ts";
import { outputs } from "./world.ts";

/** The program itself, run with a stack's configuration. */
async function program(config: Record<string, string>, preview = false) {
  vi.resetModules();
  return Engine.run(
    () => {
      const entries = Object.entries(config).map(([key, value]) => [
        `v4vsockets-testbed:${key}`,
        value,
      ]);
      pulumi.runtime.setAllConfig(Object.fromEntries(entries) as Record<string, string>);
      return import("../../../index.ts");
    },
    { outputs, preview },
  );
}

test("the outputs say what runs where, and what was found", async () => {
  const { result } = await program({ vmCount: "3" });
  expect(await valueOf(result.accelerator)).toBe("tcg");
  expect(result.console && (await valueOf(result.console))).toBe("/console");
  expect(result.sshConfig).toMatch(/^\/.*\/stacks\/[^/]+\/ssh\/config$/);
  expect(result.run && (await valueOf(result.run))).toBe("run 1");
  expect(result.report && (await valueOf(result.report))).toBe("/a/run/report.html");
  expect(result.claims && (await valueOf(result.claims))).toEqual({ latency: "pass" });
  const domains = await valueOf(pulumi.output(result.domains));
  expect(domains).toEqual(
    [1, 2, 3].map((i) => ({
      name: `domu${i}`,
      address: `10.83.0.${10 + i}`,
      domid: 100 + i,
      cid: 102 + i,
    })),
  );
});

test("no output holds a secret", async () => {
  const { result } = await program({});
  for (const [name, value] of Object.entries(result)) {
    const output = pulumi.output(value as unknown);
    expect(await (output as unknown as { isSecret: Promise<boolean> }).isSecret, name).toBe(false);
  }
});

test("with profile none there is no run, no report, no claim", async () => {
  const { result } = await program({ "evaluation.profile": "none" });
  expect([result.run, result.report, result.claims]).toEqual([null, null, null]);
});

test("in a preview of a new stack the names are known and the ids are not", async () => {
  const { result } = await program({}, true);
  expect(result.domains).toHaveLength(2);
  expect(await valueOf(pulumi.output(result.domains[0]?.name))).toBe("domu1");
  expect(await valueOf(pulumi.output(result.domains[0]?.domid))).toBeUndefined();
  expect(await valueOf(result.accelerator)).toBeUndefined();
});

test("a wrong configuration ends the program in one sentence each, before any resource", async () => {
  const made = vi.fn(outputs);
  vi.resetModules();
  const wrong = Engine.run(
    () => {
      pulumi.runtime.setAllConfig({
        "v4vsockets-testbed:vmCount": "1",
        "v4vsockets-testbed:vmcount": "2",
      });
      return import("../../../index.ts");
    },
    { outputs: made },
  );
  const error: unknown = await wrong.catch((thrown: unknown) => thrown);
  expect(pulumi.RunError.isInstance(error)).toBe(true);
  expect((error as Error).message).toMatch(/2 problems:\n.*vm.ount: .*\n.*vm.ount: /);
  expect(made).not.toHaveBeenCalled();
});
