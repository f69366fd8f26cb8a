import { expect, test } from "vitest";
import { formatTable } from "../../../evaluation/table.ts";
import { findPoint, findRatio, type Place } from "../../../evaluation/summary.ts";
import { pingPong, repetitions, stream, summaryOf } from "./measured.ts";
import { model, smokePlan, syntheticLines } from "./synthetic.ts";

const latency: Place = { experiment: "latency", metric: "half_rtt", sizeBytes: 1000, pairs: 1 };
const bandwidth: Place = {
  experiment: "bandwidth",
  metric: "bandwidth",
  sizeBytes: 1000,
  pairs: 1,
};

test("a point computed by hand", async () => {
  const { points } = await summaryOf([
    // Half round trips 1, 2, 9 us; 3, 4 us; 5 us: medians 2, 3.5 and 5 us.
    pingPong(1, "tcp", 1000, 1, [2000, 18_000, 4000]),
    pingPong(2, "tcp", 1000, 2, [6000, 8000]),
    pingPong(3, "tcp", 1000, 3, [10_000]),
    pingPong(4, "tcp", 1000, 4, [1], { ok: false, error: "reset" }),
    stream(5, "tcp", 1000, 3000, 1000),
    // Neither a number nor a failure.
    pingPong(6, "tcp", 1000, 5, [1], { pairs: 2 }),
  ]);
  expect(findPoint(points, latency, "tcp")).toEqual({
    ...latency,
    transport: "tcp",
    unit: "us",
    median: 3.5,
    interval: { low: 2, high: 5, coverage: 0.75 },
    percentiles: { min: 1, p50: 3.5, p90: 7, p99: 8.8, max: 9 },
    samples: 6,
    repetitions: 3,
    failed: 1,
  });
  const other = findPoint(points, bandwidth, "tcp");
  // 1000 B over 2, 3.5 and 5 us.
  expect(other?.median).toBeCloseTo(1000 / 3.5, 12);
  expect(other?.interval).toEqual({ low: 200, high: 500, coverage: 0.75 });
  expect(other?.percentiles.max).toBe(1000);
  expect(other?.failed).toBe(1);
  const streamed = points.find((point) => point.experiment === "stream");
  expect(streamed).toMatchObject({ median: 3000, interval: null, samples: 1, failed: 0 });
});

test("a ratio computed by hand: V4V over TCP, of the repetitions' medians", async () => {
  const { ratios, headline } = await summaryOf([
    ...repetitions("tcp", 1000, 1, [400, 420, 380, 410, 390, 405]),
    ...repetitions("v4v", 1000, 10, [40, 42, 38, 44, 36, 41]),
  ]);
  const ratio = findRatio(ratios, latency);
  // Medians of the round trips 402.5 and 40.5 us.
  expect(ratio?.ratio).toBeCloseTo(40.5 / 402.5, 12);
  expect(ratio?.interval?.low).toBeGreaterThan(36 / 420);
  expect(ratio?.interval?.high).toBeLessThan(44 / 380);
  expect(ratio?.interval?.low).toBeLessThan(40.5 / 402.5);
  expect(ratio?.interval?.high).toBeGreaterThan(40.5 / 402.5);
  expect(findRatio(ratios, bandwidth)?.ratio).toBeGreaterThan(9.8);
  expect(headline).toHaveLength(1);
  expect(headline[0]).toMatchObject({ sizeBytes: 1000, halfRtt: { tcp: 201.25, v4v: 20.25 } });
});

test("a smoke run: every size in order, the model's speeds come out again", async () => {
  const summary = await summaryOf(syntheticLines(smokePlan()));
  expect(summary).toMatchObject({ complete: true, stepsDone: 168, stepsPlanned: 168 });
  expect(summary.samples).toEqual({ ok: 168, failed: 0 });
  expect(summary.points).toHaveLength(2 * (11 + 11 + 3));
  expect(summary.ratios).toHaveLength(11 + 11 + 3);
  expect(summary.headline.map((row) => row.sizeBytes)).toEqual(
    [...new Set(summary.headline.map((row) => row.sizeBytes))].sort((a, b) => a - b),
  );
  const tcp = (model.tcp?.rtt ?? 0) / 2;
  expect(summary.headline[0]?.halfRtt.tcp).toBeGreaterThan(tcp);
  expect(summary.headline[0]?.halfRtt.tcp).toBeLessThan(tcp * 1.1);
});

test("one transport alone, nothing at all, and a run cut off", async () => {
  const plan = smokePlan(["tcp"]);
  const alone = await summaryOf(syntheticLines(plan), plan);
  expect(alone.ratios).toEqual([]);
  expect(alone.headline[0]).toMatchObject({ halfRtt: { v4v: null, ratio: null } });
  const nothing = await summaryOf([]);
  expect(nothing).toMatchObject({ complete: false, points: [], headline: [] });
  const cut = await summaryOf(syntheticLines(smokePlan()).slice(0, 21));
  expect(cut).toMatchObject({ complete: false, stepsDone: 10, stepsPlanned: 168 });
  expect(formatTable(cut)).toContain("not complete: 10 of 168 steps");
});

test("another order of the lines or further sizes change no interval", async () => {
  const lines = [
    ...repetitions("tcp", 1000, 1, [400, 420, 380, 410, 390, 405]),
    ...repetitions("v4v", 1000, 10, [40, 42, 38, 44, 36, 41]),
  ];
  const more = repetitions("v4v", 1, 20, [1, 2, 3, 4, 5, 6]);
  const first = findRatio((await summaryOf(lines)).ratios, latency);
  expect(findRatio((await summaryOf([...more, ...lines])).ratios, latency)).toEqual(first);
});

test("the terminal's table", async () => {
  const summary = await summaryOf([
    ...repetitions("tcp", 1, 1, [4000, 4000, 4000, 4000, 4000, 4000]),
    ...repetitions("v4v", 1, 10, [600, 600, 600, 600, 600, 600]),
    ...repetitions("tcp", 1 << 20, 20, [41_943, 41_943, 41_943, 41_943, 41_943, 41_943]),
    pingPong(30, "v4v", 1 << 20, 1, [1], { ok: false, error: "reset" }),
    JSON.stringify({ type: "end", ok: 18, failed: 1, t_ms: 1 }),
  ]);
  expect(formatTable(summary)).toBe(
    [
      "Xen in QEMU TCG (emulated)",
      "                  half round trip (us)               bandwidth (MB/s)",
      "     size       TCP       V4V  V4V/TCP         TCP       V4V  V4V/TCP",
      "      1 B      2000       300   0.150x    0.000500   0.00333    6.67x",
      "    1 MiB     20972         –        –        50.0         –        –",
      "1 sample failed: see the report",
      "",
    ].join("\n"),
  );
  for (const line of formatTable(await summaryOf(syntheticLines(smokePlan()))).split("\n")) {
    expect(line.length).toBeLessThanOrEqual(80);
  }
});

test("A/A control: two sets of the same hold if their ratio's interval contains 1", async () => {
  const set = (experiment: string, transport: string, first: number, us: readonly number[]) =>
    us.map((value, index) =>
      pingPong(first + index, transport, 64, index + 1, [value * 1000], { experiment }),
    );
  const { controls, ratios } = await summaryOf([
    ...set("control-a", "tcp", 1, [400, 410, 390, 405, 395, 400]),
    ...set("control-b", "tcp", 11, [402, 408, 391, 404, 396, 401]),
    ...set("control-a", "v4v", 21, [100, 101, 99, 100, 100, 102]),
    ...set("control-b", "v4v", 31, [120, 121, 119, 120, 120, 122]),
  ]);
  expect(controls.map(({ transport, holds }) => [transport, holds])).toEqual([
    ["tcp", true],
    ["v4v", false],
  ]);
  // Two controls: each at 97.5%.
  expect(controls[0]?.interval?.coverage).toBeCloseTo(0.975, 12);
  expect(ratios).toEqual([]);
});

test("V4V sockets are compared with TCP, and are not mistaken for V4V", async () => {
  const lines = [
    ...repetitions("tcp", 1, 1, [1000, 1001, 1002, 1003, 1004, 1005]),
    ...repetitions("v4v", 1, 11, [100, 100, 100, 100, 100, 100]),
    ...repetitions("v4v-sockets", 1, 21, [200, 200, 200, 200, 200, 200]),
  ];
  const { ratios } = await summaryOf(lines);
  const latency: Place = { experiment: "latency", metric: "half_rtt", sizeBytes: 1, pairs: 1 };
  expect(findRatio(ratios, latency)?.ratio).toBeCloseTo(0.1, 2);
  expect(findRatio(ratios, latency, "tcp", "v4v-sockets")?.ratio).toBeCloseTo(0.2, 2);
  // The random numbers of V4V's intervals are what they were without them.
  const without = (await summaryOf(lines.slice(0, 12))).ratios;
  expect(findRatio(ratios, latency)).toEqual(findRatio(without, latency));
});
