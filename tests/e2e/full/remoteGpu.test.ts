import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { build, type Entry } from "../../../provider/build/cache.ts";
import { sourceDigest } from "../../../provider/build/key.ts";
import { PROJECT } from "../../../scripts/lib/workspace.ts";

/** PoCL's remote driver and server, built as a testbed would, on this computer's loopback: no machine is needed. */

const make = (
  name: string,
  parameters: Record<string, string>,
  dependencies: Record<string, Entry>,
): Promise<Entry> => {
  const recipe = {
    name,
    parameters,
    sources: [],
    dependencies: Object.fromEntries(
      Object.entries(dependencies).map(([key, { path }]) => [key, path]),
    ),
  };
  return build(
    PROJECT,
    recipe,
    sourceDigest(PROJECT, recipe),
    new AbortController().signal,
    console.log,
  );
};

it("gpu-bench computes through the remote driver, and hears of a server that dies", async () => {
  const index = await make("index", { SUITE: "trixie", MIRROR: "" }, {});
  const lists = { RELEASE_SHA256: index.facts["release-sha256"] ?? "" };
  const root = await make("pocl-root", lists, { index });
  const server = await make("opencl-root", lists, { index });
  const pocl = await make("pocl", {}, { pocl_root: root });
  expect(pocl.facts.version).toBe(server.facts.version);
  const run = spawnSync(join(PROJECT, "tests/c/gpu/remote.sh"), {
    env: {
      ...process.env,
      POCL_ROOT: root.path,
      POCL: pocl.path,
      OPENCL_ROOT: server.path,
    },
    encoding: "utf8",
    timeout: 600_000,
  });
  expect(run.status, run.stdout + run.stderr).toBe(0);
  expect(run.stdout).toMatch(/^\d+ passed, 0 failed$/m);
}, 3_600_000);
