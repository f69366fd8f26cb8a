import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeArtifacts } from "../../../evaluation/artifacts.ts";
import { writeSweep } from "../../../evaluation/sweepFiles.ts";
import { parseCounts, runFolderOf, sweep, sweepName } from "../../../scripts/lib/sweep.ts";
import { facts } from "../evaluation/facts.ts";
import { asFile, smokePlan, syntheticLines } from "../evaluation/synthetic.ts";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();

describe("numbers of domUs", () => {
  test("are measured in ascending order", () => {
    expect(parseCounts("2,4,8,16")).toEqual([2, 4, 8, 16]);
    expect(parseCounts("16, 2")).toEqual([2, 16]);
  });

  test.each(["", "2,", "two", "2;4", "-2", "1.5", "2 4", "0x2"])("%j are none", (text) => {
    expect(() => parseCounts(text)).toThrow("is not a list of numbers such as 2,4,8,16");
  });

  test("must differ", () => {
    expect(() => parseCounts("2,4,2")).toThrow("names a number twice");
  });
});

test("a sweep is named after its beginning", () => {
  expect(sweepName(new Date("2026-11-28T09:06:34.573Z"))).toBe("sweep-20261128T090634Z");
});

/** A sweep without a testbed; what it did, in order. */
async function record(counts: number[], failing: { check?: number; measure?: number } = {}) {
  const done: string[] = [];
  const ended = sweep(counts, {
    check: (count) => {
      done.push(`check ${count}`);
      if (count === failing.check) throw new Error("too many");
    },
    measure: (count) => {
      done.push(`measure ${count}`);
      return count === failing.measure
        ? Promise.reject(new Error("cut off"))
        : Promise.resolve(`run ${count}`);
    },
    summarise: (runs) => {
      done.push(`summary of ${runs.join(", ")}`);
      return Promise.resolve();
    },
  });
  const error = await ended.then(
    () => undefined,
    (reason: unknown) => (reason as Error).message,
  );
  return { done, error };
}

test("all steps are checked first; the summary grows with each", async () => {
  expect(await record([2, 4])).toEqual({
    done: [
      ...["check 2", "check 4", "measure 2", "summary of run 2", "measure 4"],
      "summary of run 2, run 4",
    ],
    error: undefined,
  });
});

test("a step that cannot be leaves the testbed alone; one that is cut off leaves a summary", async () => {
  expect(await record([2, 64], { check: 64 })).toEqual({
    done: ["check 2", "check 64"],
    error: "too many",
  });
  const { done, error } = await record([2, 4, 8], { measure: 4 });
  expect(error).toBe("cut off");
  expect(done.slice(-2)).toEqual(["summary of run 2", "measure 4"]);
});

async function makeRun(name: string, vmCount: number): Promise<string> {
  const directory = folder(name);
  mkdirSync(directory);
  const plan = smokePlan();
  writeFileSync(join(directory, "samples.jsonl"), asFile(syntheticLines(plan)));
  await writeArtifacts({
    directory,
    plan,
    facts: { ...facts, runId: name, settings: { vmCount } },
  });
  return directory;
}

test("the run of an up is the folder of its report", async () => {
  const one = await makeRun("one", 2);
  expect(runFolderOf({ report: join(one, "report.html") })).toBe(one);
  expect(() => runFolderOf({})).toThrow("name a profile with --profile");
  expect(() => runFolderOf({ report: folder("none/report.html") })).toThrow("nothing was measured");
});

test("files of a sweep: tables, page, figures in both formats", async () => {
  const runs = [await makeRun("four", 4), await makeRun("two", 2)];
  const { table, page } = await writeSweep(folder("sweep"), runs);
  expect(table).toContain("domUs");
  const html = readFileSync(page, "utf8");
  const targets = [...html.matchAll(/href="([^"#]+)"/g)].map(([, target = ""]) => target);
  expect(targets).toContain("figures/latency.png");
  for (const target of targets)
    expect(readFileSync(folder("sweep", target)).length).toBeGreaterThan(100);
  expect(html).not.toMatch(/<script|src=|:\/\/(?!www\.w3\.org)/);
  const written = JSON.parse(readFileSync(folder("sweep/sweep.json"), "utf8")) as {
    steps: { vmCount: number }[];
  };
  expect(written.steps.map(({ vmCount }) => vmCount)).toEqual([2, 4]);
});

const PROJECT = join(import.meta.dirname, "../../..");

test.each([
  [[], "give either --vms to measure or --runs"],
  [["--vms", "2", "--runs", "x"], "give either --vms to measure or --runs"],
  [["--vms", "2,x"], "is not a list of numbers"],
  [["--runs", "gone"], 'there is no run "gone"'],
  [["--runs", "gone", "--profile", "quick"], "--profile goes with --vms alone"],
])("sweep %j is refused before anything is done", (args, why) => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(PROJECT, "scripts/main.ts"), "sweep", ...args],
    { encoding: "utf8", timeout: 50_000, env: { ...process.env, NODE_NO_WARNINGS: "1" } },
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/^error: /);
  expect(stderr).toContain(why);
});
