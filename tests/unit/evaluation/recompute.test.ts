import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readSummary } from "../../../evaluation/artifacts.ts";
import type { Point } from "../../../evaluation/summary.ts";
import { useFolder } from "../helpers/folder.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const RUN = join(PROJECT, "evaluation/reference/quick-tcg");
const RUN_WITH_GPU = join(PROJECT, "evaluation/reference/smoke-tcg");
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

const DRAWN_OF_GPU = [
  ["gpu-matmul", "duration"],
  ["gpu-matmul", "phase_compute"],
  ["gpu-stencil", "duration"],
  ["gpu-stencil", "phase_copy_a"],
  ["gpu-transfer", "to_device"],
  ["gpu-transfer", "from_device"],
  ["gpu-sharing", "rate"],
  ["gpu-sharing", "slowdown"],
  ["gpu-sharing", "fairness"],
] as const;

/** What a program of docs/ says of a point: its words, and the number of repetitions and their median over what the summary has. */
function recomputed(program: string, samples: string, point: Point) {
  const { experiment, metric, transport, sizeBytes, pairs, median, repetitions } = point;
  const words = [experiment, metric, transport, String(sizeBytes), String(pairs)];
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(PROJECT, "docs", program), samples, ...words],
    { encoding: "utf8", timeout: 30_000 },
  );
  const [, count, value] = /^(\d+) repetitions, median (\S+)\n$/.exec(stdout) ?? [];
  expect([words, stderr, Number(count)]).toEqual([words, "", repetitions]);
  expect(Number(value) / median).toBeCloseTo(1, 9);
}

/** The first and the last of these points of each transport. */
const ends = (points: readonly Point[], transports: readonly string[]): Point[] =>
  transports.flatMap((transport) => {
    const own = points.filter((one) => one.transport === transport);
    return own.length > 1 ? own.slice(0, 1).concat(own.slice(-1)) : own;
  });

describe("the documented programs, which know nothing of this one, give the figures' numbers of a real run", () => {
  const unpacked = (run: string, name: string): string => {
    const samples = folder(name);
    writeFileSync(samples, gunzipSync(readFileSync(join(run, `${name}.gz`))));
    return samples;
  };

  test.each([
    {
      program: "recompute.mjs",
      run: RUN,
      name: "samples.jsonl",
      drawn: DRAWN,
      transports: ["tcp", "v4v"],
    },
    {
      program: "recompute-gpu.mjs",
      run: RUN_WITH_GPU,
      name: "gpu.jsonl",
      drawn: DRAWN_OF_GPU,
      transports: ["native", "tcp", "v4v-sockets"],
    },
  ])(
    "$program",
    async ({ program, run, name, drawn, transports }) => {
      const { summary } = await readSummary(run);
      const samples = unpacked(run, name);
      const found = drawn.map(([experiment, metric]) => {
        expect(page).toContain(`\`${experiment} ${metric}\``);
        const points = summary.points.filter(
          (one) => one.experiment === experiment && one.metric === metric,
        );
        const chosen = ends(points, transports);
        expect(chosen.length).toBeGreaterThan(1);
        for (const point of chosen) recomputed(program, samples, point);
        return chosen;
      });
      expect(found.flat().length).toBeGreaterThan(25);
    },
    120_000,
  );
});
