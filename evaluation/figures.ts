import { renderChart, type Chart, type ChartPoint, type SeriesStyle } from "./chart.ts";
import { PAPER_BANDWIDTH, PAPER_BANDWIDTH_RATIO, PAPER_LATENCY_RATIO } from "./claims.ts";
import { counted, formatNumber } from "./format.ts";
import type { Point, RatioPoint, Summary } from "./summary.ts";
import { BASELINE, compareTransports, transportLabel, type Transport } from "./transports.ts";

/** A figure of the report; `name` without ending is its file's. */
export interface Figure {
  name: FigureName;
  title: string;
  caption: string;
  svg: string;
}

export const FIGURE_NAMES = ["latency", "bandwidth", "ratio", "stream"] as const;

export type FigureName = (typeof FIGURE_NAMES)[number];

/** Colours of M. Okabe and K. Ito's palette that keep a contrast of 3:1 on white and on the dark page. */
const STYLES: Record<Transport, SeriesStyle> = {
  tcp: { colour: "#d55e00", shape: "circle", dash: [1, 0] },
  "tcp-stock": { colour: "#008f6b", shape: "square", dash: [2, 3] },
  v4v: { colour: "#0072b2", shape: "triangle-up", dash: [7, 3] },
  unix: { colour: "#8a6d00", shape: "diamond", dash: [4, 2] },
  native: { colour: "#7a7a7a", shape: "square", dash: [1, 2] },
};

const OTHER: SeriesStyle = { colour: "#b0578d", shape: "diamond", dash: [10, 3] };

function styleOf(transport: string): SeriesStyle {
  return Object.hasOwn(STYLES, transport) ? STYLES[transport as Transport] : OTHER;
}

type Draft = Omit<Chart, "subtitle"> & { name: FigureName; caption: string };

const chartPoint = (
  series: string,
  value: number,
  { interval }: Point | RatioPoint,
): Omit<ChartPoint, "size"> => ({
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

function byTransport(points: readonly Point[]): Pick<Chart, "points" | "styles"> {
  const transports = [...new Set(points.map((point) => point.transport))].sort(compareTransports);
  return {
    points: points.map((point) => ({
      ...chartPoint(transportLabel(point.transport), point.median, point),
      size: point.sizeBytes,
    })),
    styles: transports.map((transport) => ({
      series: transportLabel(transport),
      ...styleOf(transport),
    })),
  };
}

function latency(points: readonly Point[]): Draft {
  return {
    name: "latency",
    title: "Latency by message size",
    yTitle: "half round trip, µs",
    yScale: "log",
    ...byTransport(points),
    caption: `Ping-pong between two domUs; half of the round trip as measured. ${intervalNote(points)} Lower is better. The paper reports 81% less latency than TCP for small messages.`,
  };
}

function bandwidth(points: readonly Point[]): Draft {
  const { sizeBytes: size, tcp, v4v } = PAPER_BANDWIDTH;
  return {
    name: "bandwidth",
    title: "Bandwidth by message size",
    yTitle: "size / half round trip, MB/s",
    yScale: "log",
    ...byTransport(points),
    references: [
      { size, value: tcp, label: `paper: TCP ${tcp}` },
      { size, value: v4v, label: `paper: V4V ${v4v}` },
    ],
    caption: `The same round trips as bandwidth (MB = 10⁶ bytes). ${intervalNote(points)} Higher is better. Crosses: the paper's numbers at 1 MB, from its own hardware.`,
  };
}

function stream(points: readonly Point[]): Draft {
  return {
    name: "stream",
    title: "One-way stream by message size",
    yTitle: "received payload, MB/s",
    yScale: "linear",
    ...byTransport(points),
    caption: `One sender writes messages without pause; payload and time are the receiver's. ${intervalNote(points)} Higher is better.`,
  };
}

const RATIO_STYLES: Record<string, SeriesStyle & { series: string }> = {
  bandwidth: { series: "ping-pong", ...STYLES.v4v, dash: [1, 0] },
  stream: { series: "one-way stream", ...OTHER },
};

function ratio(ratios: readonly RatioPoint[]): Draft {
  const drawn = Object.entries(RATIO_STYLES).filter(([experiment]) =>
    ratios.some((one) => one.experiment === experiment),
  );
  return {
    name: "ratio",
    title: "V4V over TCP by message size",
    yTitle: "V4V bandwidth / TCP bandwidth",
    yScale: "log",
    points: drawn.flatMap(([experiment, { series }]) =>
      ratios
        .filter((one) => one.experiment === experiment)
        .map((one) => ({ ...chartPoint(series, one.ratio, one), size: one.sizeBytes })),
    ),
    styles: drawn.map(([, style]) => style),
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

function drafts(summary: Summary): Draft[] {
  const at = (experiment: string): Point[] =>
    summary.points.filter((point) => point.experiment === experiment);
  const ratios = summary.ratios.filter(
    (one) =>
      one.metric === "bandwidth" &&
      one.denominator === BASELINE &&
      Object.hasOwn(RATIO_STYLES, one.experiment),
  );
  const candidates: [readonly unknown[], () => Draft][] = [
    [at("latency"), () => latency(at("latency"))],
    [at("bandwidth"), () => bandwidth(at("bandwidth"))],
    [ratios, () => ratio(ratios)],
    [at("stream"), () => stream(at("stream"))],
  ];
  return candidates.filter(([points]) => points.length > 0).map(([, draft]) => draft());
}

/** The figures that a run's data allow; the one of ratios needs both transports. */
export async function drawFigures(summary: Summary): Promise<Figure[]> {
  return Promise.all(
    drafts(summary).map(async ({ name, caption, ...chart }) => ({
      name,
      title: `${chart.title} – ${summary.stamp}`,
      caption,
      svg: await renderChart({ ...chart, subtitle: summary.stamp }),
    })),
  );
}
