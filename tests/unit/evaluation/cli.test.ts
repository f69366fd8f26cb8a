import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeArtifacts } from "../../../evaluation/artifacts.ts";
import { facts } from "./facts.ts";
import { asFile, smokePlan, syntheticLines } from "./synthetic.ts";

const program = new URL("../../../evaluation/cli.ts", import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), "v4v-cli-"));

afterAll(() => {
  rmSync(directory, { recursive: true });
});

const run = (...args: string[]) =>
  spawnSync(process.execPath, [program, ...args], { encoding: "utf8", timeout: 50_000 });

test("redraw makes the report again and prints the table", async () => {
  const plan = smokePlan();
  writeFileSync(join(directory, "samples.jsonl"), asFile(syntheticLines(plan)));
  const { table, paths } = await writeArtifacts({ directory, plan, facts });
  const report = readFileSync(paths.report, "utf8");
  rmSync(paths.report);
  const { status, stdout, stderr } = run("redraw", directory);
  expect(stderr).toBe("");
  expect(stdout).toBe(`${table}report: ${paths.report}\n`);
  expect(status).toBe(0);
  expect(readFileSync(paths.report, "utf8")).toBe(report);
});

test("--output leaves the run as it is and draws from a copy", async () => {
  const plan = smokePlan();
  writeFileSync(join(directory, "samples.jsonl"), asFile(syntheticLines(plan)));
  await writeArtifacts({ directory, plan, facts });
  writeFileSync(join(directory, "report.html"), "kept");
  const target = join(directory, "deep/copy");
  const { status, stdout, stderr } = run("redraw", directory, "--output", target);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`report: ${join(target, "report.html")}\n`);
  expect(readFileSync(join(directory, "report.html"), "utf8")).toBe("kept");
  for (const name of ["manifest.json", "samples.jsonl"])
    expect(readFileSync(join(target, name))).toEqual(readFileSync(join(directory, name)));
});

test("--help tells the usage, misuse exits with 2, a folder without a run with 1", () => {
  expect(run("--help")).toMatchObject({ status: 0, stderr: "" });
  expect(run("--help").stdout).toContain("redraw RUN_FOLDER");
  for (const args of [[], ["redraw"], ["draw", directory], ["redraw", "a", "b"], ["--fast"]]) {
    const { status, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stderr).toContain("usage: ");
  }
  const { status, stderr } = run("redraw", join(directory, "none"));
  expect(status).toBe(1);
  expect(stderr).toMatch(/^redraw: .*plan\.json: there is no such file\n$/);
});
