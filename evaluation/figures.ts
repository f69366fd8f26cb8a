import { renderBars, type BarRow } from "./bars.ts";
import { renderChart, type Chart, type ChartPoint, type SeriesStyle } from "./chart.ts";
import { PAPER_BANDWIDTH, PAPER_BANDWIDTH_RATIO, PAPER_LATENCY_RATIO } from "./claims.ts";
import { counted, formatNumber, formatSize } from "./format.ts";
import { phaseRows, runRows, sharingLines, transferLines } from "./gpu/figures.ts";
import { PAIRED_SIZE } from "./profiles.ts";
import { FAIR, PAPER_AGGREGATE } from "./scalingClaims.ts";
import { renderStacks } from "./stacks.ts";
import { ratiosOver, type Point, type RatioPoint, type Summary } from "./summary.ts";
import {
  BASELINE,
  compareTransports,
  SUBJECT,
  transportLabel,
  type Transport,
} from "./transports.ts";

/** A figure of the report; `name` without ending is its file's. */
export interface Figure {
  name: FigureName;
  title: string;
  caption: string;
  svg: string;
}

export const FIGURE_NAMES = [
  "latency",
  "bandwidth",
  "ratio",
  "stream",
  "scaling",
  "fairness",
  "neighbours",
  "cpu",
  "gpu-runs",
  "gpu-phases",
  "gpu-transfer",
  "gpu-sharing",
] as const;

export type FigureName = (typeof FIGURE_NAMES)[number];

/** Colours of M. Okabe and K. Ito's palette that keep a contrast of 3:1 on white and on the dark page. */
const STYLES: Record<Transport, SeriesStyle> = {
  tcp: { colour: "#d55e00", shape: "circle", dash: [1, 0] },
  "tcp-stock": { colour: "#008f6b", shape: "square", dash: [2, 3] },
  v4v: { colour: "#0072b2", shape: "triangle-up", dash: [7, 3] },
  "v4v-sockets": { colour: "#b0578d", shape: "diamond", dash: [10, 3] },
  "tcp-v4vrun": { colour: "#c05050", shape: "circle", dash: [3, 3] },
  vchan: { colour: "#7d68b8", shape: "triangle-down", dash: [6, 2] },
  unix: { colour: "#8a6d00", shape: "diamond", dash: [4, 2] },
  native: { colour: "#7a7a7a", shape: "square", dash: [1, 2] },
};

const OTHER: SeriesStyle = { colour: "#7d68b8", shape: "square", dash: [5, 4] };

export function styleOf(transport: string): SeriesStyle {
  return Object.hasOwn(STYLES, transport) ? STYLES[transport as Transport] : OTHER;
}

interface Draft {
  name: FigureName;
  title: string;
  caption: string;
  render: (heading: Pick<Chart, "title" | "subtitle">) => Promise<string>;
}

type Line = Omit<Chart, "title" | "subtitle"> & Omit<Draft, "render">;

const drawn = ({ name, title, caption, ...chart }: Line): Draft => ({
  name,
  title,
  caption,
  render: async (heading) => renderChart({ ...chart, ...heading }),
});

const chartPoint = (
  series: string,
  value: number,
  { interval }: Point | RatioPoint,
): Omit<ChartPoint, "x"> => ({
  series,
  value,
  low: interval?.low ?? null,
  high: interval?.high ?? null,
});

function intervalNote(points: readonly { repetitions: number }[]): string {
  const counts = [...new Set(points.map((point) => point.repetitions))].sort((a, b) => a - b);
  const shown =
    counts.length > 1
      ? `${counts[0] ?? 0} to ${counts.at(-1) ?? 0} repetitions`
      : counted(counts[0] ?? 0, "repetition");
  return `Points: median of ${shown}; bars: interval of the median.`;
}

/** Points of a panel, by message size or by the pairs that ran at the same time. */
const placed = (points: readonly Point[], x: (point: Point) => number): ChartPoint[] =>
  points.map((point) => ({
    ...chartPoint(transportLabel(point.transport), point.median, point),
    x: x(point),
  }));

function byTransport(
  points: readonly Point[],
  x = (point: Point): number => point.sizeBytes,
): Pick<Chart, "points" | "styles"> {
  const transports = [...new Set(points.map((point) => point.transport))].sort(compareTransports);
  return {
    points: placed(points, x),
    styles: transports.map((transport) => ({
      series: transportLabel(transport),
      ...styleOf(transport),
    })),
  };
}

/** How far the round trips spread, of the two transports that are compared: more areas would hide each other. */
function tails(points: readonly Point[]): NonNullable<Chart["bands"]> {
  const places = points
    .filter(({ transport }) => transport === SUBJECT || transport === BASELINE)
    .map(({ transport, sizeBytes, percentiles: { p50, p99 } }) => ({
      series: transportLabel(transport),
      x: sizeBytes,
      low: p50,
      high: p99,
    }));
  return { label: "50th to 99th percentile", places };
}

function latency(points: readonly Point[]): Line {
  return {
    name: "latency",
    title: "Latency by message size",
    yTitle: "half round trip, µs",
    yScale: "log",
    ...byTransport(points),
    bands: tails(points),
    caption: `Ping-pong between two domUs; half of the round trip as measured. ${intervalNote(points)} Areas: all round trips of ${transportLabel(BASELINE)} and of ${transportLabel(SUBJECT)}, pooled, from the 50th to the 99th percentile; the tables have the others. Lower is better. The paper reports 81% less latency than TCP for small messages.`,
  };
}

function bandwidth(points: readonly Point[]): Line {
  const { sizeBytes: size, tcp, v4v } = PAPER_BANDWIDTH;
  return {
    name: "bandwidth",
    title: "Bandwidth by message size",
    yTitle: "size / half round trip, MB/s",
    yScale: "log",
    ...byTransport(points),
    references: [
      { x: size, value: tcp, label: `paper: TCP ${tcp}` },
      { x: size, value: v4v, label: `paper: V4V ${v4v}` },
    ],
    caption: `The same round trips as bandwidth (MB = 10⁶ bytes). ${intervalNote(points)} Higher is better. Crosses: the paper's numbers at 1 MB, from its own hardware.`,
  };
}

function stream(points: readonly Point[]): Line {
  return {
    name: "stream",
    title: "One-way stream by message size",
    yTitle: "received payload, MB/s",
    yScale: "log",
    ...byTransport(points),
    caption: `One sender writes messages without pause; payload and time are the receiver's. ${intervalNote(points)} Higher is better.`,
  };
}

const RATIO_STYLES: Record<string, SeriesStyle & { series: string }> = {
  bandwidth: { series: "ping-pong", ...STYLES.v4v, dash: [1, 0] },
  stream: { series: "one-way stream", ...OTHER },
};

function ratio(ratios: readonly RatioPoint[]): Line {
  const shown = Object.entries(RATIO_STYLES).filter(([experiment]) =>
    ratios.some((one) => one.experiment === experiment),
  );
  return {
    name: "ratio",
    title: "V4V over TCP by message size",
    yTitle: "V4V bandwidth / TCP bandwidth",
    yScale: "log",
    points: shown.flatMap(([experiment, { series }]) =>
      ratios
        .filter((one) => one.experiment === experiment)
        .map((one) => ({ ...chartPoint(series, one.ratio, one), x: one.sizeBytes })),
    ),
    styles: shown.map(([, style]) => style),
    references: [
      { value: 1, label: "equal" },
      {
        value: PAPER_BANDWIDTH_RATIO,
        label: `paper at 1 MB: ${formatNumber(PAPER_BANDWIDTH_RATIO)}`,
      },
    ],
    caption: `Ratio of the medians of the repetitions; bars: its 95% bootstrap interval. Above 1 V4V is faster. For round trips it is also TCP's latency over V4V's: the paper's −81% for small messages would be ${formatNumber(1 / PAPER_LATENCY_RATIO)}.`,
  };
}

const byPairs = ({ pairs }: Point): number => pairs;

function scaling(aggregate: readonly Point[], dom0: readonly Point[]): Line {
  const panel = {
    yTitle: "dom0, % of one CPU",
    yScale: "linear" as const,
    points: placed(dom0, byPairs),
  };
  const { size, pairs, value } = PAPER_AGGREGATE;
  return {
    name: "scaling",
    title: "Bandwidth of all pairs together",
    by: "pairs",
    yTitle: "aggregate, MB/s",
    yScale: "log",
    ...byTransport(aggregate, byPairs),
    ...(dom0.length > 0 ? { below: panel } : {}),
    caption: `Ping-pong of ${formatSize(PAIRED_SIZE)} in all pairs at the same time; what all of them move together${dom0.length > 0 ? ", and what dom0 spends meanwhile" : ""}. ${intervalNote(aggregate)} The paper reports about ${value / 1000} GB/s for ${pairs} pairs and ${size} on its own hardware.`,
  };
}

function fairness(points: readonly Point[]): Line {
  return {
    name: "fairness",
    title: "Fairness between pairs",
    by: "pairs",
    yTitle: "Jain's index",
    yScale: "linear",
    ...byTransport(points, byPairs),
    references: [{ value: FAIR, label: `aim: ${FAIR}`, under: true }],
    caption: `Jain's index over the bandwidths of pairs that run at the same time: 1 where all get the same, 1/n where one of n gets all. ${intervalNote(points)}`,
  };
}

function neighbours(points: readonly Point[]): Line {
  return {
    name: "neighbours",
    title: "Latency beside busy pairs",
    by: "pairs",
    yTitle: "half round trip of 1 B, µs",
    yScale: "log",
    ...byTransport(points, byPairs),
    caption: `1 B between the first pair while all others exchange ${formatSize(PAIRED_SIZE)}; with 1 pair all others are idle. ${intervalNote(points)} Lower is better.`,
  };
}

const TRAFFIC: Record<string, string> = { cpu: "one-way stream", "cpu-pingpong": "ping-pong" };

function cpu(points: readonly Point[]): Draft {
  const rows = [
    ...Map.groupBy(points, ({ experiment, sizeBytes }) => `${experiment} ${sizeBytes}`).values(),
  ].map((group): BarRow => {
    const [first] = group;
    const { experiment, sizeBytes } = first ?? { experiment: "", sizeBytes: 0 };
    return {
      title: `${TRAFFIC[experiment] ?? experiment}, ${formatSize(sizeBytes)}`,
      bars: group.map((point) => ({
        ...chartPoint(transportLabel(point.transport), point.median, point),
        colour: styleOf(point.transport).colour,
      })),
    };
  });
  return {
    name: "cpu",
    title: "CPU time of all domains per KB",
    caption: `From the hypervisor's accounts of every domain, dom0 included, over the payload (both ways for round trips); KB = 10³ bytes. Each row has a scale of its own from zero. ${intervalNote(points)} Lower is better.`,
    render: async (heading) => renderBars({ ...heading, unit: "µs/KB", rows }),
  };
}

function gpuRuns({ points, rows }: { points: readonly Point[]; rows: BarRow[] }): Draft {
  return {
    name: "gpu-runs",
    title: "Matrix product and stencil, natively and remotely",
    caption: `Warm runs: two matrices copied in, computed with, one copied out; each phase ends when the device is done. Each row has a scale of its own from zero. ${intervalNote(points)} Lower is better. The poster reports 15% over native.`,
    render: async (heading) => renderBars({ ...heading, unit: "s", rows }),
  };
}

function gpuPhases({ from, rows }: ReturnType<typeof phaseRows>): Draft {
  return {
    name: "gpu-phases",
    title: "Phases of the matrix product",
    caption: `Warm runs: matrix A and matrix B to the device, the computation, matrix C back, one after the other; each ends when the device is done. Medians of ${counted(Math.max(...from.map(({ repetitions }) => repetitions)), "repetition")} by phase: their sum, at the bar's end, may differ a little from the median of the whole run. Each row has a scale of its own from zero. Connecting, compiling and allocating come before, once; the table of cold runs has them.`,
    render: async (heading) => renderStacks({ ...heading, unit: "s", rows }),
  };
}

function gpuTransfer({ from, points, styles }: ReturnType<typeof transferLines>): Line {
  return {
    name: "gpu-transfer",
    title: "Transfers to and from the device",
    yTitle: "MB/s",
    yScale: "log",
    points,
    styles,
    caption: `Bytes over the time until the transfer is done; "socket" is what one plain socket between the same domUs gives the same transfer, to memory behind it. ${intervalNote(from)} Higher is better. The poster reports 7 times TCP's throughput at best.`,
  };
}

function gpuSharing({ from, rates, slowDowns, styles }: ReturnType<typeof sharingLines>): Line {
  const panel = { yTitle: "each takes, times alone", yScale: "linear" as const, points: slowDowns };
  return {
    name: "gpu-sharing",
    title: "Several domUs share the GPU domU",
    by: "clients",
    yTitle: "together, products/s",
    yScale: "linear",
    points: rates,
    styles,
    ...(slowDowns.length > 0 ? { below: panel } : {}),
    caption: `Each client does one product after the other, all at the same time${slowDowns.length > 0 ? "; below, how many times as long a product takes as with one client" : ""}. ${intervalNote(from)}`,
  };
}

/** Every figure of a GPU says what computed. */
const noted = (draft: Draft, note: string): Draft => ({
  ...draft,
  caption: `${draft.caption} In this run ${note}.`,
  // A line of its own: one that is wider than the plot would make that smaller.
  render: ({ title, subtitle }) => draft.render({ title, subtitle: [subtitle, note].flat() }),
});

function drafts(summary: Summary): Draft[] {
  const at = (experiment: string, metric: string): Point[] =>
    summary.points.filter((point) => point.experiment === experiment && point.metric === metric);
  const inPairs = (metric: string): Point[] =>
    at("scaling", metric).filter((point) => point.sizeBytes === PAIRED_SIZE);
  const ratios = ratiosOver(summary.ratios, BASELINE, SUBJECT).filter(
    (one) => one.metric === "bandwidth" && Object.hasOwn(RATIO_STYLES, one.experiment),
  );
  const [latencies, bandwidths] = [at("latency", "half_rtt"), at("bandwidth", "bandwidth")];
  const [streams, aggregates] = [at("stream", "bandwidth"), inPairs("bandwidth")];
  // One pair alone is fair to itself.
  const shares = inPairs("fairness").filter(({ pairs }) => pairs > 1);
  const beside = at("neighbours", "half_rtt").filter(({ sizeBytes }) => sizeBytes === 1);
  const costs = Object.keys(TRAFFIC).flatMap((experiment) => at(experiment, "cpu_per_kb"));
  const phases = phaseRows(summary);
  const [runs, transfers] = [runRows(summary, styleOf), transferLines(summary, styleOf)];
  const shared = sharingLines(summary, styleOf);
  const note = summary.gpu?.note ?? "";
  const candidates: [readonly unknown[], () => Draft][] = [
    [latencies, () => drawn(latency(latencies))],
    [bandwidths, () => drawn(bandwidth(bandwidths))],
    [ratios, () => drawn(ratio(ratios))],
    [streams, () => drawn(stream(streams))],
    [aggregates, () => drawn(scaling(aggregates, inPairs("cpu_dom0")))],
    [shares, () => drawn(fairness(shares))],
    [beside, () => drawn(neighbours(beside))],
    [costs, () => cpu(costs)],
    [runs.rows, () => noted(gpuRuns(runs), note)],
    [phases.rows, () => noted(gpuPhases(phases), note)],
    [transfers.from, () => noted(drawn(gpuTransfer(transfers)), note)],
    [shared.from, () => noted(drawn(gpuSharing(shared)), note)],
  ];
  return candidates.filter(([points]) => points.length > 0).map(([, draft]) => draft());
}

/** The figures that a run's data allow; the one of ratios needs both transports. */
export async function drawFigures(summary: Summary): Promise<Figure[]> {
  return Promise.all(
    drafts(summary).map(async ({ name, title, caption, render }) => ({
      name,
      title: `${title} – ${summary.stamp}`,
      caption,
      svg: await render({ title, subtitle: summary.stamp }),
    })),
  );
}
