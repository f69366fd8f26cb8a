import { mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describe as inWords } from "../../../scripts/commands/status.ts";
import { progressOf } from "../../../scripts/lib/runs.ts";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();

test("while a run is measured, status has a line for each of its experiments, and asks nobody", () => {
  const text = inWords({
    ...{ stack: "dev", healthy: true, problems: [], machine: { pid: 7 }, domains: [] },
    ...{ expected: { buildId: null, module: null }, evaluation: null },
    measuring: "20261128T090634Z-quick-da76e7",
    progress: ["latency: 3 of 6 steps measured, 3 left", "stream: 1 of 2 steps measured, 1 left"],
  });
  expect(text.split("\n").slice(1, 4)).toEqual([
    expect.stringMatching(
      /^dom0 {6}not asked: run 20261128T090634Z-quick-da76e7 is being measured/,
    ),
    "          latency: 3 of 6 steps measured, 3 left",
    "          stream: 1 of 2 steps measured, 1 left",
  ]);
});

test.each([undefined, "", "{", "null", '{"a":1}'])(
  "a note of progress that is %j has no lines",
  (note) => {
    mkdirSync(folder("run"));
    if (note !== undefined) writeFileSync(folder("run/progress.json"), note);
    expect(progressOf(folder("run"))).toEqual([]);
  },
);

test("lines of progress are what was noted", () => {
  mkdirSync(folder("run"));
  writeFileSync(folder("run/progress.json"), '["a: 1 of 2", 3, "b: 2 of 2"]');
  expect(progressOf(folder("run"))).toEqual(["a: 1 of 2", "b: 2 of 2"]);
});
