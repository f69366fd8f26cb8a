import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { logTicks, sizeAxis, valueAxis } from "../../../evaluation/axes.ts";
import { renderBars } from "../../../evaluation/bars.ts";
import { renderChart } from "../../../evaluation/chart.ts";
import { readSummary } from "../../../evaluation/artifacts.ts";
import { drawFigures } from "../../../evaluation/figures.ts";
import { cpuTimes, paired, pingPong, repetitions, summaryOf } from "./measured.ts";
import { smokePlan, syntheticLines } from "./synthetic.ts";

const REFERENCE = join(import.meta.dirname, "../../../evaluation/reference");

const warn = vi.spyOn(console, "warn");

afterEach(() => {
  expect(warn).not.toHaveBeenCalled();
});

/** Texts of an SVG, as they are written in it. */
const texts = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1] ?? "");

const count = (svg: string, part: RegExp): number => svg.match(part)?.length ?? 0;

test("four figures of a smoke run, stamped, with every size, both transports and the paper's numbers", async () => {
  const figures = await drawFigures(await summaryOf(syntheticLines(smokePlan())));
  expect(figures.map((figure) => figure.name)).toEqual(["latency", "bandwidth", "ratio", "stream"]);
  for (const { title, svg, caption } of figures) {
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*<\/svg>$/);
    expect(title).toMatch(/Xen in QEMU TCG \(emulated\)$/);
    expect(texts(svg)).toContain("Xen in QEMU TCG (emulated)");
    expect(caption.length).toBeGreaterThan(50);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  }
  const [latency, bandwidth, ratio, stream] = figures.map((figure) => figure.svg);
  const sizes = ["1", "16", "64", "256", "1K", "4K", "16K", "64K", "256K", "1M", "4M"];
  for (const svg of [latency, bandwidth, ratio])
    expect(texts(svg ?? "")).toEqual(expect.arrayContaining(sizes));
  for (const svg of [latency, bandwidth, stream]) {
    expect(texts(svg ?? "")).toEqual(expect.arrayContaining(["TCP", "V4V"]));
  }
  expect(figures[0]?.caption).toContain("81%");
  expect(texts(bandwidth ?? "")).toEqual(
    expect.arrayContaining(["paper: TCP 501", "paper: V4V 2299"]),
  );
  expect(texts(ratio ?? "")).toEqual(
    expect.arrayContaining(["paper at 1 MB: 4.59", "equal", "ping-pong", "one-way stream"]),
  );
  expect(texts(stream ?? "")).not.toContain("16K");
});

test("every point is drawn, and its interval", async () => {
  const [latency] = await drawFigures(await summaryOf(syntheticLines(smokePlan())));
  const svg = latency?.svg ?? "";
  const group = (role: string): string => svg.slice(svg.indexOf(role)).split("</g>")[0] ?? "";
  expect(count(group("mark-symbol role-mark"), /<path/g)).toBe(22);
  expect(count(group("mark-rule role-mark"), /<line/g)).toBe(22);
  // Two ends an interval.
  expect(count(svg, /mark-rect role-mark/g)).toBe(2);
  expect(count(group("mark-rect role-mark"), /<path/g)).toBe(22);
});

/** The areas of a figure. */
const areas = (svg: string): { colour: string; opacity: number }[] =>
  [...svg.matchAll(/mark-area role-mark[^>]*>(<path[^>]*>)/g)].flatMap(([, path = ""]) => {
    const colour = /fill="([^"]*)"/.exec(path)?.[1];
    const opacity = Number(/opacity="([^"]*)"/.exec(path)?.[1]);
    return colour === undefined ? [] : [{ colour, opacity }];
  });

test("the latency figure has the tails of the two that are compared, and says so in its legend", async () => {
  const { summary } = await readSummary(join(REFERENCE, "quick-tcg"));
  const [latency] = await drawFigures(summary);
  const svg = latency?.svg ?? "";
  const shown = texts(svg);
  expect(shown).toContain("50th to 99th percentile");
  // Behind six lines two areas, faint; the entry in the legend comes after the series.
  const drawn = areas(svg);
  expect(drawn.map(({ colour }) => colour)).toEqual(["#d55e00", "#0072b2"]);
  for (const { opacity } of drawn) expect(opacity).toBeLessThan(0.25);
  expect(shown.indexOf("50th to 99th percentile")).toBeGreaterThan(shown.indexOf("V4V"));
  // No part of the picture is wider than the axes and their labels.
  expect(Number(/<svg[^>]* width="([\d.]+)"/.exec(svg)?.[1])).toBeLessThan(520);
  expect(latency?.caption).toContain("99th percentile");
});

test("what exceeds every median is inside the axis: the 99th percentile decides its end", async () => {
  const slow = Array.from({ length: 20 }, (_, index) => (index < 18 ? 2000 : 9e6));
  const lines = Array.from({ length: 6 }, (_, index) =>
    ["v4v", "tcp"].map((transport, place) =>
      [1, 64].map((size, at) =>
        pingPong(
          100 * place + 10 * at + index,
          transport,
          size,
          index + 1,
          slow.map((us) => us * 1000),
        ),
      ),
    ),
  ).flat(2);
  const [latency] = await drawFigures(await summaryOf(lines));
  expect(texts(latency?.svg ?? "")).toContain("10,000,000");
  expect(areas(latency?.svg ?? "")).toHaveLength(2);
});

test("at a single size a bar stands for the area", async () => {
  const [latency] = await drawFigures(
    await summaryOf(repetitions("v4v", 64, 1, [2000, 2100, 2200])),
  );
  expect(areas(latency?.svg ?? "")).toEqual([]);
  expect(latency?.svg).toMatch(/<line[^>]*stroke="#0072b2"[^>]*stroke-width="12"/);
});

test("with one transport the figures but the ratio are drawn; without samples none", async () => {
  const plan = smokePlan(["tcp"]);
  const figures = await drawFigures(await summaryOf(syntheticLines(plan), plan));
  expect(figures.map((figure) => figure.name)).toEqual(["latency", "bandwidth", "stream"]);
  for (const { svg } of figures) expect(texts(svg)).not.toContain("V4V");
  expect(await drawFigures(await summaryOf([]))).toEqual([]);
});

test("one size, one repetition, and values that are all equal can be drawn", async () => {
  const [figure] = await drawFigures(await summaryOf(repetitions("tcp", 64, 1, [2000])));
  expect(figure?.svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(count(figure?.svg ?? "", /mark-symbol role-mark/g)).toBe(1);
});

/** Pairs at the same time, busy neighbours and CPU times, as profile quick measures them with 8 domUs. */
const several = (cpu: boolean): string[] => {
  const noise = (repetition: number): object => (cpu ? cpuTimes(20 + repetition) : {});
  const counts = [1, 2, 4];
  return [
    ...counts.flatMap((pairs, index) => [
      ...paired("scaling", "tcp", 100 + 20 * index, pairs, 20 * pairs, 524_288, noise),
      ...paired("scaling", "v4v", 110 + 20 * index, pairs, 5 * pairs, 524_288, noise),
    ]),
    ...[1, 4].flatMap((pairs, index) => [
      ...paired("neighbours", "tcp", 200 + 20 * index, pairs, 4 * pairs, 1),
      ...paired("neighbours", "v4v", 210 + 20 * index, pairs, 2, 1),
    ]),
    ...["tcp", "v4v"].flatMap((transport, index) =>
      [1, 65_536].flatMap((size, place) =>
        Array.from({ length: cpu ? 6 : 0 }, (_, repetition) =>
          pingPong(
            300 + 20 * index + 10 * place + repetition,
            transport,
            size,
            repetition + 1,
            [1e6],
            { experiment: "cpu-pingpong", ...cpuTimes(10 + repetition) },
          ),
        ),
      ),
    ),
  ];
};

test("pairs, fairness, neighbours and CPU cost have figures of their own", async () => {
  const figures = await drawFigures(await summaryOf(several(true)));
  expect(figures.map((figure) => figure.name)).toEqual([
    "scaling",
    "fairness",
    "neighbours",
    "cpu",
  ]);
  const [scaling, fairness, neighbours, cpu] = figures.map(({ svg }) => svg);
  for (const { svg, title } of figures) {
    expect(title).toMatch(/Xen in QEMU TCG \(emulated\)$/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(texts(svg)).toEqual(expect.arrayContaining(["TCP", "V4V"]));
  }
  expect(texts(scaling ?? "")).toEqual(
    expect.arrayContaining([
      ...["1", "2", "4", "aggregate, MB/s", "dom0, % of one CPU"],
      "pairs of domUs at the same time",
    ]),
  );
  // Two panels with three numbers of pairs of two transports, each with its interval.
  const marks = (svg: string, role: string): string[] =>
    svg
      .split(role)
      .slice(1)
      .map((part) => part.split("</g>")[0] ?? "");
  expect(
    marks(scaling ?? "", "mark-symbol role-mark").map((part) => count(part, /<path/g)),
  ).toEqual([6, 6]);
  expect(texts(fairness ?? "")).toEqual(expect.arrayContaining(["2", "4", "aim: 0.95"]));
  expect(texts(fairness ?? "")).not.toContain("3");
  expect(texts(neighbours ?? "")).toContain("half round trip of 1 B, µs");
  expect(texts(cpu ?? "")).toEqual(
    expect.arrayContaining(["ping-pong, 1 B", "ping-pong, 64 KiB", "µs/KB"]),
  );
  // 12.5% of 400 ms in dom0 and as much again in the domUs, for 2 B: 50,000,000 us/KB.
  expect(texts(cpu ?? "")).toContain("50000000");
  const bars = marks(cpu ?? "", "mark-rect role-mark").filter((part) => part.includes("#0072b2"));
  expect(bars).toHaveLength(2);
});

test("a figure of pairs is drawn from what there is: no CPU times, one pair alone", async () => {
  const without = await drawFigures(await summaryOf(several(false)));
  expect(without.map((figure) => figure.name)).toEqual(["scaling", "fairness", "neighbours"]);
  expect(texts(without[0]?.svg ?? "")).not.toContain("dom0, % of one CPU");
  expect(without[0]?.caption).not.toContain("dom0");
  const alone = await drawFigures(await summaryOf(paired("scaling", "v4v", 1, 1, 10)));
  expect(alone.map((figure) => figure.name)).toEqual(["scaling"]);
  const free = paired("scaling", "v4v", 1, 2, 10, 524_288, () => cpuTimes(0));
  for (const { svg } of await drawFigures(await summaryOf(free)))
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test("the same data give the same bytes", async () => {
  const draw = async () => drawFigures(await summaryOf(syntheticLines(smokePlan())));
  expect(await draw()).toEqual(await draw());
});

test("hostile names stay text", async () => {
  const hostile = '<script>alert(1)</script>"&';
  const summary = await summaryOf(repetitions(hostile, 64, 1, [2000, 2001]));
  const [figure] = await drawFigures({ ...summary, stamp: hostile });
  expect(figure?.svg).not.toContain("<script");
  expect(
    texts(figure?.svg ?? "").filter((text) => text.startsWith("&lt;script&gt;alert(1)")),
  ).toHaveLength(2);
  const svg = await renderChart({
    title: hostile,
    subtitle: hostile,
    yTitle: hostile,
    yScale: "log",
    points: [{ series: hostile, x: 1, value: 1, low: null, high: null }],
    styles: [{ series: hostile, colour: "#000000", shape: "circle", dash: [1, 0] }],
    references: [{ value: 1, label: hostile }],
  });
  expect(svg).not.toContain("<script");
  expect(svg).not.toMatch(/<[^<>]*alert\(1\)<\//);
  // Title, subtitle, axis, legend, and the reference with its halo.
  expect(texts(svg).filter((text) => text.startsWith("&lt;script&gt;alert(1)"))).toHaveLength(6);
  const bars = await renderBars({
    title: hostile,
    subtitle: hostile,
    unit: hostile,
    rows: [
      {
        title: hostile,
        bars: [{ series: hostile, colour: "#000000", value: 1, low: null, high: null }],
      },
    ],
  });
  expect(bars).not.toMatch(/<script|<[^<>]*alert\(1\)<\//);
  // Title, subtitle, the row's title, its axis and its bar.
  expect(texts(bars).filter((text) => text.startsWith("&lt;script&gt;alert(1)"))).toHaveLength(5);
});

test("ticks of logarithmic axes enclose the values", () => {
  expect(logTicks(255, 88_000)).toEqual([
    200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
  ]);
  expect(logTicks(0.0005, 2299)).toEqual([0.0001, 0.001, 0.01, 0.1, 1, 10, 100, 1000, 10_000]);
  expect(logTicks(1, 1)).toEqual([1]);
  expect(logTicks(0.95, 1.05)).toEqual([0.5, 1, 2]);
});

test("labels of sizes lie beside each other, powers of 4 first", () => {
  const dense = [1, 64, 256, ...Array.from({ length: 12 }, (_, index) => 512 << index), 4 << 20];
  const labels = (sizes: number[]): number[] =>
    JSON.parse(/\[[\d,]*\]/.exec(sizeAxis(sizes).axis.labelExpr)?.[0] ?? "") as number[];
  expect(labels(dense).sort((a, b) => a - b)).toEqual([
    ...[1, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1 << 20, 4 << 20],
  ]);
  expect(labels([4095, 4096, 4097])).toEqual([4096]);
  expect(sizeAxis([4095, 4096, 4097]).axis.values).toEqual([4095, 4096, 4097]);
  expect(labels([4096, 65_536, 131_072, 1 << 20])).toHaveLength(4);
});

test("no value sits on the frame of a logarithmic axis; a linear one begins at zero", () => {
  expect(valueAxis("", "log", [1, 10]).scale.domain).toEqual([0.5, 20]);
  expect(valueAxis("", "log", [1.1, 9]).scale.domain).toEqual([1, 10]);
  expect(valueAxis("", "linear", [40, 60]).scale.domain).toEqual([0, 60]);
});
