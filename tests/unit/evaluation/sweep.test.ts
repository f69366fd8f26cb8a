import { expect, test } from "vitest";
import { sweepOf, type SweepRun } from "../../../evaluation/sweep.ts";
import { drawSweep, formatSweep, renderSweep, sweepCsv } from "../../../evaluation/sweepView.ts";
import { cpuTimes, paired, repetitions, summaryOf } from "./measured.ts";

const six = (us: number): number[] => Array.from({ length: 6 }, (_, index) => us + index);

/** V4V's latency grows by 100 us a domU, TCP's by 1000. */
async function run(vmCount: number, more: string[] = []): Promise<SweepRun> {
  const summary = await summaryOf([
    ...repetitions("tcp", 1, 1, six(2000 * vmCount)),
    ...repetitions("v4v", 1, 11, six(200 * vmCount)),
    ...repetitions("v4v", 64, 21, six(7)),
    ...more,
  ]);
  return { manifest: { runId: `run-${vmCount}`, settings: { vmCount } }, summary };
}

const inPairs = (pairs: number, first: number) =>
  paired("scaling", "v4v", first, pairs, 10, 524_288, () => cpuTimes(25));

test("a step a run, fewest domUs first, each transport with its ratio to TCP", async () => {
  const sweep = sweepOf([await run(8), await run(2)]);
  expect(sweep.steps.map(({ vmCount, runId }) => [vmCount, runId])).toEqual([
    [2, "run-2"],
    [8, "run-8"],
  ]);
  expect(sweep.tables.map(({ name }) => name)).toEqual(["latency"]);
  const rows = sweep.tables[0]?.rows.map(({ vmCount, transport, median, ratio, repetitions }) => [
    ...[vmCount, transport, median, ratio === null ? null : Math.round(ratio * 100) / 100],
    repetitions,
  ]);
  expect(rows).toEqual([
    [2, "tcp", 2001.25, null, 6],
    [2, "v4v", 201.25, 0.1, 6],
    [8, "tcp", 8001.25, null, 6],
    [8, "v4v", 801.25, 0.1, 6],
  ]);
  expect(sweep.tables[0]?.rows[1]?.ratioInterval).not.toBeNull();
});

test("of experiments in pairs the most pairs of each run count", async () => {
  const sweep = sweepOf([
    await run(2, inPairs(1, 31)),
    await run(4, [...inPairs(1, 31), ...inPairs(2, 41)]),
  ]);
  const aggregate = sweep.tables.find(({ name }) => name === "aggregate");
  expect(aggregate?.rows.map(({ vmCount, pairs }) => [vmCount, pairs])).toEqual([
    [2, 1],
    [4, 2],
  ]);
  const [one, two] = aggregate?.rows ?? [];
  expect((two?.median ?? 0) / (one?.median ?? 1)).toBeCloseTo(2, 1);
  const dom0 = sweep.tables.find(({ name }) => name === "dom0");
  expect(dom0?.rows.map(({ median }) => median)).toEqual([25, 25]);
});

test("runs that do not belong together are refused", async () => {
  const [two, four] = [await run(2), await run(4)];
  const other = (change: object): SweepRun => ({
    ...four,
    summary: { ...four.summary, ...change },
  });
  expect(() => sweepOf([])).toThrow("a sweep needs a run");
  expect(() => sweepOf([two, two])).toThrow("two runs have 2 domUs");
  expect(() => sweepOf([two, other({ profile: "quick" })])).toThrow("different profiles");
  expect(() => sweepOf([two, other({ stamp: "else" })])).toThrow("different accelerators");
  expect(() => sweepOf([{ ...two, manifest: { runId: "r", settings: {} } }])).toThrow(
    "run r does not say how many domUs it had",
  );
});

test("table, file and page hold the same numbers", async () => {
  const sweep = sweepOf([await run(2, inPairs(1, 31)), await run(16, inPairs(1, 31))]);
  const text = formatSweep(sweep);
  expect(text).toContain("Latency of 1 B, others idle: half round trip, µs\n");
  expect(text).toMatch(/^ {3}16 {6}1 {2}V4V +1601 +1600 to 1603 +0\.100 /m);
  const [head = "", ...lines] = sweepCsv(sweep).trimEnd().split("\n");
  const columns = head.split(",");
  expect(new Set(lines.map((line) => line.split(",").length))).toEqual(new Set([columns.length]));
  expect(lines).toHaveLength(sweep.tables.flatMap(({ rows }) => rows).length);
  const figures = await drawSweep(sweep);
  expect(figures.map(({ name }) => name)).toEqual(sweep.tables.map(({ name }) => name));
  for (const { svg } of figures) {
    expect(svg).toContain(">domUs</text>");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  }
  const template =
    "{{#each tables}}{{title}} {{figure.name}} {{#each rows}}{{#each this}}{{text}},{{/each}}{{/each}}{{/each}}";
  expect(renderSweep(template, sweep, figures)).toContain("latency 2,1,TCP,2001,");
});

test("what is missing from a run is said", async () => {
  const sweep = sweepOf([await run(2)]);
  expect(sweep.complete).toBe(false);
  expect(formatSweep(sweep)).toContain("The run with 2 domUs is not complete.");
});
