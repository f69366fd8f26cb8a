import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readRun, redraw } from "../../../evaluation/artifacts.ts";
import { parseManifest } from "../../../evaluation/formats.ts";
import { useFolder } from "../helpers/folder.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const REFERENCE = join(PROJECT, "evaluation/reference/smoke-tcg");
const folder = useFolder();
const manifest = parseManifest(readFileSync(join(REFERENCE, "manifest.json"), "utf8"));

test("the recorded run is small, complete and holds raw samples, plan and manifest alone", () => {
  const files = readdirSync(REFERENCE).sort();
  expect(files).toEqual(["manifest.json", "plan.json.gz", "samples.jsonl.gz"]);
  const size = files.reduce((sum, name) => sum + statSync(join(REFERENCE, name)).size, 0);
  expect(size).toBeLessThan(200 * 1024);
  expect(manifest).toMatchObject({ complete: true, profile: "smoke" });
});

test("the documented command draws it without a machine", () => {
  const page = readFileSync(join(PROJECT, "docs/artifact-evaluation.md"), "utf8");
  const command = /^ {4}node (evaluation\/cli\.ts redraw .*) \/tmp\/reference$/m.exec(page)?.[1];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...(command ?? "").split(" "), folder("drawn")],
    { cwd: PROJECT, encoding: "utf8", timeout: 50_000 },
  );
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("Xen in QEMU TCG (emulated)");
  expect(stdout).toContain("1 sample failed");
  const report = readFileSync(folder("drawn/report.html"), "utf8");
  expect(report.match(/<svg /g)).toHaveLength(4);
  expect(report).toContain("still not over at the deadline");
  expect(readdirSync(folder("drawn/figures"))).toHaveLength(8);
  const drawn = parseManifest(readFileSync(folder("drawn/manifest.json"), "utf8"));
  for (const name of ["samples.jsonl", "plan.json"])
    expect([name, drawn.artifacts[name]]).toEqual([name, manifest.artifacts[name]]);
  expect(drawn.plan).toEqual(manifest.plan);
});

test("it can be compared with, and is never written into", async () => {
  const { observed } = await readRun(REFERENCE);
  expect(observed.length).toBeGreaterThan(200);
  await expect(redraw(REFERENCE)).rejects.toThrow(/compressed to be kept; draw into another/);
  expect(readdirSync(REFERENCE)).toHaveLength(3);
});
