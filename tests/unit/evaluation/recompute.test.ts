import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readSummary } from "../../../evaluation/artifacts.ts";
import { useFolder } from "../helpers/folder.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const RUN = join(PROJECT, "evaluation/reference/quick-tcg");
const folder = useFolder();
const page = readFileSync(join(PROJECT, "docs/evaluation.md"), "utf8");

/** What figures are drawn from: of each experiment and metric the places with the fewest and the most pairs, and sizes. */
const DRAWN = [
  ["latency", "half_rtt"],
  ["bandwidth", "bandwidth"],
  ["stream", "bandwidth"],
  ["scaling", "bandwidth"],
  ["scaling", "fairness"],
  ["scaling", "cpu_dom0"],
  ["neighbours", "half_rtt"],
  ["cpu", "cpu_per_kb"],
  ["cpu-pingpong", "cpu_per_kb"],
] as const;

test("the documented program, which knows nothing of this one, gives the figures' numbers of a real run", async () => {
  const { summary } = await readSummary(RUN);
  const samples = folder("samples.jsonl");
  writeFileSync(samples, gunzipSync(readFileSync(join(RUN, "samples.jsonl.gz"))));
  const found = DRAWN.map(([experiment, metric]) => {
    expect(page).toContain(`\`${experiment} ${metric}\``);
    const points = summary.points.filter(
      (one) => one.experiment === experiment && one.metric === metric,
    );
    const chosen = ["tcp", "v4v"].flatMap((transport) => {
      const own = points.filter((one) => one.transport === transport);
      return own.length > 1 ? own.slice(0, 1).concat(own.slice(-1)) : own;
    });
    expect(chosen.length).toBeGreaterThan(1);
    return chosen.map(({ transport, sizeBytes, pairs, median, repetitions }) => {
      const words = [experiment, metric, transport, String(sizeBytes), String(pairs)];
      const { stdout, stderr } = spawnSync(
        process.execPath,
        [join(PROJECT, "docs/recompute.mjs"), samples, ...words],
        { encoding: "utf8", timeout: 30_000 },
      );
      const [, count, value] = /^(\d+) repetitions, median (\S+)\n$/.exec(stdout) ?? [];
      expect([words, stderr, Number(count)]).toEqual([words, "", repetitions]);
      expect(Number(value) / median).toBeCloseTo(1, 9);
      return words;
    });
  });
  expect(found.flat().length).toBeGreaterThan(25);
}, 120_000);
