import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { sizeAxis, valueAxis } from "./axes.ts";

/** One point of a line, with its interval. */
export interface ChartPoint {
  series: string;
  /** Message size, bytes. */
  size: number;
  value: number;
  /** null where there is no interval. */
  low: number | null;
  high: number | null;
}

/** How a series is told from the others: by colour, and without it by shape and dashes. */
export interface SeriesStyle {
  colour: string;
  shape: "circle" | "triangle-up" | "square" | "diamond";
  /** Lengths of stroke and gap, px. */
  dash: readonly [number, number];
}

/** A number to compare with. */
export interface Reference {
  value: number;
  label: string;
  /** Bytes; without it the number is a level across the whole width. */
  size?: number;
}

/** Values by message size, a line a series. */
export interface Chart {
  title: string;
  subtitle: string;
  yTitle: string;
  yScale: "log" | "linear";
  /** At least one. */
  points: readonly ChartPoint[];
  /** In the order of the legend. */
  styles: readonly (SeriesStyle & { series: string })[];
  references?: readonly Reference[];
}

/** Text and rules take the colour of the page around them, black in a file of their own. */
const INK = "currentColor";

const CONFIG: NonNullable<TopLevelSpec["config"]> = {
  font: "sans-serif",
  aria: false,
  title: { color: INK, subtitleColor: INK, fontSize: 16, subtitleFontSize: 13, offset: 8 },
  axis: {
    labelColor: INK,
    titleColor: INK,
    tickColor: INK,
    domainColor: INK,
    gridColor: INK,
    gridOpacity: 0.15,
    labelFontSize: 12,
    titleFontSize: 13,
    titleFontWeight: "normal",
  },
  // One width for all figures, whatever their labels.
  axisY: { minExtent: 62, maxExtent: 62 },
  legend: {
    orient: "top",
    labelColor: INK,
    labelFontSize: 13,
    labelLimit: 240,
    symbolSize: 90,
    symbolStrokeWidth: 2,
    columnPadding: 24,
  },
  view: { stroke: null },
};

type Layers = Extract<TopLevelSpec, { layer: unknown }>["layer"];

function referenceLayers({ value, label, size }: Reference, left: number): Layers {
  const values = [{ value, label, size: size ?? left }];
  const encoding = {
    x: { field: "size", type: "quantitative" as const },
    y: { field: "value", type: "quantitative" as const },
  };
  const text = { type: "text" as const, color: INK, fontSize: 12, baseline: "bottom" as const };
  const level = { ...text, align: "left" as const, dy: -3 };
  const beside = { ...text, align: "right" as const, dx: -9, dy: 6 };
  const words = { ...encoding, text: { field: "label" } };
  if (size === undefined) {
    return [
      {
        data: { values },
        mark: { type: "rule", color: INK, strokeDash: [2, 3] },
        encoding: { y: encoding.y },
      },
      // Lines may run through the words: a halo of the background keeps those readable.
      { data: { values }, mark: { ...level, stroke: "white", strokeWidth: 4 }, encoding: words },
      { data: { values }, mark: level, encoding: words },
    ];
  }
  const cross = {
    type: "point" as const,
    shape: "cross",
    color: INK,
    size: 90,
    filled: true,
    opacity: 1,
  };
  return [
    { data: { values }, mark: cross, encoding },
    { data: { values }, mark: { ...beside, stroke: "white", strokeWidth: 4 }, encoding: words },
    { data: { values }, mark: beside, encoding: words },
  ];
}

function specOf(chart: Chart): TopLevelSpec {
  const { points, styles } = chart;
  const references = chart.references ?? [];
  const spread = points.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  const sizes = points.map((point) => point.size);
  const x = sizeAxis(sizes);
  const y = valueAxis(chart.yTitle, chart.yScale, [
    ...spread,
    ...references.map((one) => one.value),
  ]);
  const bySeries = (range: string[]) => ({
    field: "series",
    type: "nominal" as const,
    title: null,
    scale: { domain: styles.map((style) => style.series), range },
  });
  const color = bySeries(styles.map((style) => style.colour));
  const line = { x, y: { ...y, field: "value" }, color };
  const bars = { values: points.filter((point) => point.low !== null) };
  const end = (field: "low" | "high"): Layers[number] => ({
    data: bars,
    mark: { type: "tick", orient: "horizontal", size: 8, thickness: 1.5 },
    encoding: { x, y: { ...y, field }, color },
  });
  return {
    width: 400,
    height: 270,
    background: "white",
    padding: 8,
    title: { text: chart.title, subtitle: chart.subtitle, anchor: "start", frame: "group" },
    config: CONFIG,
    layer: [
      // A layer a series: dashes as an encoding would fray the legend's symbols.
      ...styles.map(({ series, dash }): Layers[number] => ({
        data: { values: points.filter((point) => point.series === series) },
        mark: { type: "line", strokeWidth: 2, strokeDash: [...dash] },
        encoding: line,
      })),
      {
        data: { values: [...points] },
        mark: { type: "point", filled: true, size: 60, opacity: 1 },
        encoding: { ...line, shape: bySeries(styles.map(({ shape }) => shape)) },
      },
      {
        data: bars,
        mark: { type: "rule", strokeWidth: 1.5 },
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color },
      },
      end("low"),
      end("high"),
      ...references.flatMap((one) => referenceLayers(one, Math.min(...sizes))),
    ],
  };
}

/** Draws a chart as an SVG document, without a browser. */
export async function renderChart(chart: Chart): Promise<string> {
  const view = new View(parse(compile(specOf(chart)).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
