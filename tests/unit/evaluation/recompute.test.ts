import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readRun, readSummary } from "../../../evaluation/artifacts.ts";
import type { Point } from "../../../evaluation/summary.ts";
import { gpuObservations, isOfGpu } from "../../../evaluation/gpu/observations.ts";
import { readGpuSamples } from "../../../evaluation/gpu/samples.ts";
import { formatCsv, parseCsv, resultRows } from "../../../evaluation/results.ts";
import { medianOf } from "../../../evaluation/statistics.ts";
import { useFolder } from "../helpers/folder.ts";
import { connection, failure, gpuFile, product, series, transfer, type Made } from "./gpu/legs.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const RUN = join(PROJECT, "evaluation/reference/quick-tcg");
const RUN_WITH_GPU = join(PROJECT, "evaluation/reference/smoke-tcg");
const RUN_OF_TODAY = join(PROJECT, "evaluation/reference/gpu-tcg");
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
  ["gpu-matmul", "cold_connect"],
  ["gpu-matmul", "cold_duration"],
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

/** What docs/recompute-gpu.mjs prints of these words. */
function printed(samples: string, words: readonly (string | number)[]): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(PROJECT, "docs/recompute-gpu.mjs"), samples, ...words.map(String)],
    { encoding: "utf8", timeout: 30_000 },
  );
  return stdout + stderr;
}

/** The first and the last of these points of each transport. */
const ends = (points: readonly Point[], transports: readonly string[]): Point[] =>
  transports.flatMap((transport) => {
    const own = points.filter((one) => one.transport === transport);
    return own.length > 1 ? own.slice(0, 1).concat(own.slice(-1)) : own;
  });

function unpacked(run: string, name: string): string {
  const samples = folder(name);
  writeFileSync(samples, gunzipSync(readFileSync(join(run, `${name}.gz`))));
  return samples;
}

describe("the documented programs, which know nothing of this one, give the figures' numbers of a real run", () => {
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

describe("docs/recompute.mjs of a real run", () => {
  const run = (samples: string, ...words: (string | number)[]) =>
    spawnSync(
      process.execPath,
      [join(PROJECT, "docs/recompute.mjs"), samples, ...words.map(String)],
      { encoding: "utf8", timeout: 30_000 },
    );

  test.each([
    ["quick-tcg", RUN],
    ["smoke-tcg", RUN_WITH_GPU],
    ["gpu-tcg", RUN_OF_TODAY],
  ])("gives every row of %s's results.csv that is no GPU's, and no other", async (_, directory) => {
    const { observed } = await readRun(directory);
    const rows = parseCsv(formatCsv(resultRows(observed))).filter((one) => !isOfGpu(one));
    const expected = Map.groupBy(rows, ({ experiment, metric, transport, sizeBytes, pairs }) =>
      [experiment, metric, transport, sizeBytes, pairs].join(" "),
    );
    const { status, stdout, stderr } = run(unpacked(directory, "samples.jsonl"));
    expect([status, stderr]).toEqual([0, ""]);
    const given = new Map(
      [...stdout.matchAll(/^(.*): (\d+) repetitions, median (\S+)$/gm)].map(
        ([, words = "", count, value]) => [words, [Number(count), Number(value)] as const],
      ),
    );
    expect([...given.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [words, own] of expected) {
      const [count, value = NaN] = given.get(words) ?? [];
      expect([words, count]).toEqual([words, own.length]);
      expect(value / medianOf(own.map((row) => row.value))).toBeCloseTo(1, 9);
    }
    // By words it gives the same as in the list.
    const [words = "", [count, value] = []] = [...given].at(-1) ?? [];
    expect(run(folder("samples.jsonl"), ...words.split(" ")).stdout).toBe(
      `${count ?? 0} repetitions, median ${value ?? 0}\n`,
    );
  });

  test.each([
    [["latncy", "half_rtt", "v4v", 1], /^there is no experiment latncy; there are latency, /],
    [["latency", "rate", "v4v", 1], /^latency has no metric rate; it has half_rtt$/],
    [["latency"], /^latency has no metric undefined; it has half_rtt$/],
    [["gpu-matmul", "duration", "tcp", 1], /^numbers of a GPU: docs\/recompute-gpu\.mjs$/],
    [
      ["stream", "bandwidth", "tcp", 5, 1],
      /^no sample gives stream bandwidth tcp 5 1; .*: tcp 4096 1; |: v4v 4096 1; /,
    ],
    [["memcpy", "bandwidth", "native", 65_536], /of memcpy bandwidth there is.*: nothing$/],
  ])("refuses %j with what there is, and gives no number", (words, message) => {
    const { status, stdout, stderr } = run(unpacked(RUN_WITH_GPU, "samples.jsonl"), ...words);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr.trim()).toMatch(message);
  });
});

describe("of made legs as no reference run has, docs/recompute-gpu.mjs gives what the report does", () => {
  const sharing = (clients: Record<string, object[]>, status = 0): Made => ({
    ...{ transport: "tcp", workload: "sharing", lines: [], status, clients },
  });
  const even = { domu1: series(20, 0.2), domu2: series(20, 0.2) };
  const SIZE = 4 * 64 * 64;

  /** Median over the repetitions as the report has it, and as the program prints it. */
  function both(legs: Made[], experiment: string, metric: string, size: number, clients = 1) {
    const text = gpuFile(legs.map((leg, block) => ({ block, ...leg })));
    const samples = folder("gpu.jsonl");
    writeFileSync(samples, text);
    const medians = gpuObservations(readGpuSamples(text))
      .observed.filter(
        (one) =>
          one.experiment === experiment &&
          one.metric === metric &&
          one.sizeBytes === size &&
          one.pairs === clients,
      )
      .map(({ median }) => median);
    const words = [experiment, metric, "tcp", size, clients];
    return { medians, said: printed(samples, words) };
  }

  test.each([
    ["a silent client", sharing({ domu1: series(20, 0.2), domu2: [] })],
    ["a first client that is silent", sharing({ domu1: [], domu2: series(20, 0.2) })],
    ["a client that died", sharing(even, 1)],
    ["clients together for 0.4 s", sharing({ domu1: series(20, 0.2), domu2: series(9, 0.1) })],
  ])("%s: no number", (_, leg) => {
    const dear = { domu1: series(20, 0.2), domu2: series(10, 0.4) };
    // 3 of 4 clients that talk are not a leg of 3.
    for (const [legs, clients] of [
      [[leg], 1],
      [[leg], 2],
    ] as const) {
      const { medians, said } = both([...legs], "gpu-sharing", "rate", SIZE, clients);
      expect([medians, said]).toEqual([[], "0 repetitions: no leg gives that number\n"]);
    }
    const { medians, said } = both([leg, sharing(dear)], "gpu-sharing", "fairness", SIZE, 2);
    expect(medians).toHaveLength(1);
    expect(said).toBe(`1 repetitions, median ${medianOf(medians)}\n`);
  });

  test("a leg without a lone client in its block has a rate, and no slowdown", () => {
    const alone: Made = { transport: "tcp", workload: "sharing", block: 0, lines: series(40, 0.1) };
    const legs = [alone, { ...sharing(even), block: 0 }, { ...sharing(even), block: 1 }];
    expect(both(legs, "gpu-sharing", "rate", SIZE, 2).said).toBe("2 repetitions, median 10\n");
    const { medians, said } = both(legs, "gpu-sharing", "slowdown", SIZE, 2);
    expect([medians, said]).toEqual([[2], "1 repetitions, median 2\n"]);
  });

  test("transfers to a plain socket; another leg that failed counts for what it did", () => {
    const legs = [100, 400].map((rate): Made => ({
      transport: "tcp",
      workload: "socket",
      lines: [transfer(1e6, "to_device", rate), connection(1e6, 2e6, null)],
    }));
    const { medians, said } = both(legs, "gpu-socket", "to_device", 1e6);
    expect([medians, said]).toEqual([[100, 400], "2 repetitions, median 250\n"]);
    const failed: Made = {
      transport: "tcp",
      status: 1,
      lines: [product(64, 1, 1), failure("matmul", "gone")],
    };
    expect(both([failed], "gpu-matmul", "duration", SIZE)).toEqual({
      medians: [2],
      said: "1 repetitions, median 2\n",
    });
  });

  test.each([
    [["gpu-what", "rate", "tcp", SIZE], /^no experiment gpu-what: there are gpu-matmul, /],
    [["gpu-matmul", "overhead", "tcp", SIZE], /^gpu-matmul has no overhead here: there are dur/],
    [["gpu-matmul", "copy_share", "native", SIZE], /^gpu-matmul has no copy_share here: /],
    [["gpu-sharing", "client_rate", "tcp", SIZE, 2], /^gpu-sharing has no client_rate here: /],
    [["gpu-matmul", "toString", "tcp", SIZE], /^gpu-matmul has no toString here: /],
    [["gpu-matmul", "duration", "v4v", SIZE], /has no leg of gpu-matmul by v4v: there are tcp$/],
    [["gpu-stencil", "duration", "tcp", SIZE], /no leg of gpu-stencil by tcp: there are none$/],
    [["gpu-matmul", "duration", "tcp", 7], /by tcp has no size 7: there are 16384$/],
    [["gpu-sharing", "rate", "tcp", SIZE, 3], /by tcp has no leg of 3 clients: there are 2$/],
    [["gpu-sharing", "rate"], /^usage: /],
  ])("%j is refused with what there is", (words, message) => {
    const samples = folder("gpu.jsonl");
    writeFileSync(
      samples,
      gpuFile([{ transport: "tcp", lines: [product(64, 1, 1)] }, sharing(even)]),
    );
    expect(printed(samples, words).trim()).toMatch(message);
  });

  test("a leg that ran out of its time with nobody to read its counters gives none", () => {
    const leg = (net: number | null): Made => ({
      ...{ transport: "tcp", workload: "transfer", status: 124, net },
      lines: [transfer(1e6, "to_device", 100)],
    });
    for (const net of [0, null]) {
      const { medians, said } = both([leg(net)], "gpu-transfer", "to_device", 1e6);
      expect([medians, said]).toEqual([[], "0 repetitions: no leg gives that number\n"]);
    }
    expect(both([leg(9e9)], "gpu-transfer", "to_device", 1e6).medians).toEqual([100]);
  });
});
