import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test, vi } from "vitest";
import { useFolder } from "../helpers/folder.ts";
import { Engine, valueOf } from "../helpers/pulumiMocks.ts";
import { outputs } from "./world.ts";

/** The program itself, run with a stack's configuration. */
async function program(config: Record<string, string>, preview = false, found = outputs) {
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
    { outputs: found, preview },
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

/** What the program ends with, and whether it made any resource before. */
async function refusal(config: Record<string, string>): Promise<string> {
  const made = vi.fn(outputs);
  const error: unknown = await program(config, false, made).catch((thrown: unknown) => thrown);
  expect(pulumi.RunError.isInstance(error)).toBe(true);
  expect(made).not.toHaveBeenCalled();
  return (error as Error).message;
}

test("a wrong configuration ends the program in one sentence each, before any resource", async () => {
  expect(await refusal({ vmCount: "1", vmcount: "2" })).toMatch(
    /2 problems:\n.*vm.ount: .*\n.*vm.ount: /,
  );
});

describe("rCUDA's archive is looked at before any resource:", () => {
  const folder = useFolder();
  const rcuda = { "remoteGpu.enabled": "true", "remoteGpu.product": "rcuda" };

  test("none", async () => {
    expect(await refusal(rcuda)).toMatch(
      /^remoteGpu\.rcuda\.archive: there is no archive of rCUDA\. rCUDA is not open: its authors hand out archives on request; /,
    );
  });

  test("another one than was named, and one of another layout", async () => {
    const path = folder("rcuda.tar");
    execFileSync("tar", ["-c", "-f", path, "-C", "/", "--no-recursion", "etc"]);
    const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
    const given = { ...rcuda, "remoteGpu.rcuda.archive": path };
    expect(await refusal({ ...given, "remoteGpu.rcuda.sha256": "0".repeat(64) })).toContain(
      `the SHA-256 of ${path} is ${digest}, not 000`,
    );
    expect(await refusal({ ...given, "remoteGpu.rcuda.sha256": digest })).toContain(
      `${path}: at its top should be one folder rCUDAv<version>-CUDA<version>-linux64, there is: etc`,
    );
  });
});
