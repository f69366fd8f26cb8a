import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeArtifacts } from "../../../evaluation/artifacts.ts";
import { useFolder } from "../helpers/folder.ts";
import { facts } from "../evaluation/facts.ts";
import { asFile, model, smokePlan, syntheticLines, type Model } from "../evaluation/synthetic.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const folder = useFolder();

/** The command as users start it; `INIT_CWD` is where they called npm from. */
const compare = (...args: string[]) =>
  spawnSync(process.execPath, [join(PROJECT, "scripts/main.ts"), "compare", ...args], {
    encoding: "utf8",
    timeout: 50_000,
    env: { ...process.env, NODE_NO_WARNINGS: "1", NO_COLOR: "1", INIT_CWD: folder() },
  });

async function makeRun(name: string, speeds: Model = model): Promise<void> {
  const directory = folder(name);
  mkdirSync(directory);
  const plan = smokePlan();
  writeFileSync(join(directory, "samples.jsonl"), asFile(syntheticLines(plan, speeds)));
  await writeArtifacts({ directory, plan, facts: { ...facts, runId: name } });
}

const slower: Model = { ...model, v4v: { rtt: 550, bandwidth: 400 / 1.1 } };

test("runs in folders: a table, a page, and codes of their own for a regression", async () => {
  await makeRun("one");
  await makeRun("two", slower);
  const same = compare("one", "one", "--fail-on-regression");
  expect(same).toMatchObject({ status: 0, stderr: "" });
  expect(same.stdout).toContain("28 rows: 28 none shown");

  const told = compare("one", "two", "--html", "page.html");
  expect(told).toMatchObject({ status: 0, stderr: "" });
  expect(told.stdout).toContain("28 rows: 14 worse, 14 none shown");
  expect(told.stdout).toContain(folder("page.html"));
  expect(readFileSync(folder("page.html"), "utf8").match(/class="fail"/g)).toHaveLength(14 + 1);

  expect(compare("one", "two", "--fail-on-regression").status).toBe(1);
  expect(compare("two", "one", "--fail-on-regression").status).toBe(0);
});

test("a run in which V4V gave no number passes no check, and why is said", async () => {
  await makeRun("one");
  await makeRun("lost", { tcp: { rtt: 4000, bandwidth: 50 } });
  const { status, stderr } = compare("one", "lost", "--fail-on-regression");
  expect(status).toBe(1);
  expect(stderr).toContain("failed: latency over V4V has no number in run lost");
  expect(stderr).toContain("failed: stream over V4V at 64 KiB: 6 samples failed in run lost, 0 in");
  expect(compare("one", "lost")).toMatchObject({ status: 0, stderr: "" });
});

test("whether two runs say the same of the claims is a check of its own", async () => {
  await makeRun("one");
  await makeRun("far", { ...model, v4v: { rtt: 3900, bandwidth: 60 } });
  expect(compare("one", "one", "--same-verdicts")).toMatchObject({ status: 0, stderr: "" });
  const { status, stderr } = compare("one", "far", "--same-verdicts");
  expect(status).toBe(1);
  expect(stderr).toContain("failed: Latency of 1 B: pass in base, fail in run.\n");
});

test("a comparison writes nothing into the runs", async () => {
  await makeRun("one");
  const before = readFileSync(folder("one/summary.json"), "utf8");
  writeFileSync(folder("one/summary.json"), "kept");
  expect(compare("one", "one").status).toBe(0);
  expect(readFileSync(folder("one/summary.json"), "utf8")).toBe("kept");
  expect(before).not.toBe("kept");
});

test("runs that have nothing in common pass no check", async () => {
  await makeRun("tcp", { tcp: { rtt: 4000, bandwidth: 50 } });
  await makeRun("v4v", { v4v: { rtt: 500, bandwidth: 400 } });
  expect(compare("tcp", "v4v").status).toBe(0);
  const { status, stderr } = compare("tcp", "v4v", "--fail-on-regression");
  expect(status).toBe(1);
  expect(stderr).toContain("failed: The runs have nothing in common that could be compared.\n");
});

test("samples that were changed, a folder that is none, and a page without a folder are told", async () => {
  await makeRun("one");
  const samples = folder("one/samples.jsonl");
  expect(compare("one", "one", "--html", "none/page.html").stderr).toMatch(
    /^error: --html: there is no folder /,
  );
  expect(compare("one", "one", "--html", ".").stderr).toContain("is a folder; name a file in it");
  writeFileSync(samples, readFileSync(samples, "utf8").replace('"bytes":', '"bytes":1'));
  const changed = compare("one", "one");
  expect(changed.status).toBe(1);
  expect(changed.stderr).toMatch(/^error: run one cannot be read: .*has changed since manifest/);
  mkdirSync(folder("empty"));
  expect(compare("empty", "empty").stderr).toContain(
    'there is no run "empty", nor is that a folder',
  );
  expect(existsSync(folder("page.html"))).toBe(false);
});
