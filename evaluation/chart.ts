import type { TopLevelSpec } from "vega-lite";
import { clientsAxis, domUsAxis, pairsAxis, sizeAxis, valueAxis } from "./axes.ts";
import { CONFIG, INK, toSvg, WIDTH } from "./drawing.ts";

/** One point of a line, with its interval. */
export interface ChartPoint {
  series: string;
  /** Message size, bytes, pairs or clients at the same time, or domUs: see {@link Chart.by}. */
  x: number;
  value: number;
  /** null where there is no interval. */
  low: number | null;
  high: number | null;
}

/** How a series is told from the others: by colour, and without it by shape and dashes. */
export interface SeriesStyle {
  colour: string;
  shape: "circle" | "triangle-up" | "triangle-down" | "square" | "diamond";
  /** Lengths of stroke and gap, px. */
  dash: readonly [number, number];
}

/** A number to compare with. */
export interface Reference {
  value: number;
  label: string;
  /** Where it belongs on the horizontal axis; without it the number is a level across the whole width. */
  x?: number;
  /** A level's label lies under its line, for values that crowd above it. */
  under?: boolean;
}

/** How far single samples of a series spread, as an area behind its line. */
export interface Band {
  series: string;
  x: number;
  low: number;
  high: number;
}

/** One metric over the horizontal axis, a line a series. */
export interface Panel {
  yTitle: string;
  yScale: "log" | "linear";
  /** At least one. */
  points: readonly ChartPoint[];
  references?: readonly Reference[];
  /** `label` stands in the legend, for all of them. */
  bands?: { label: string; places: readonly Band[] };
}

/** Values by message size or by pairs; a second metric, where there is one, lies below with the same axis and legend. */
export interface Chart extends Panel {
  title: string;
  /** One line, or several. */
  subtitle: string | string[];
  /** `size` where absent. */
  by?: "size" | "pairs" | "clients" | "domUs";
  /** In the order of the legend. */
  styles: readonly (SeriesStyle & { series: string })[];
  below?: Panel;
}

type Layers = Extract<TopLevelSpec, { layer: unknown }>["layer"];

function referenceLayers({ value, label, x, under }: Reference, left: number): Layers {
  const values = [{ value, label, x: x ?? left }];
  const encoding = {
    x: { field: "x", type: "quantitative" as const },
    y: { field: "value", type: "quantitative" as const },
  };
  const text = { type: "text" as const, color: INK, fontSize: 14, baseline: "bottom" as const };
  const level = { ...text, align: "left" as const, dy: under === true ? 16 : -3 };
  const beside = { ...text, align: "right" as const, dx: -9, dy: 6 };
  const words = { ...encoding, text: { field: "label" } };
  if (x === undefined) {
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

/** Opacity of areas: what lies behind them stays readable. */
const FAINT = 0.17;

/** Behind everything else, with a line at the upper edge. A series with one place has no area: a wide bar instead. */
function bandLayers(
  { places }: NonNullable<Panel["bands"]>,
  styles: Chart["styles"],
  { x, y }: Record<"x" | "y", object>,
): Layers {
  return styles.flatMap(({ series, colour: color }): Layers => {
    const values = places.filter((one) => one.series === series);
    if (values.length === 0) return [];
    const look = { color, opacity: FAINT };
    // A contrast that a faint area has not.
    const edge = { color, opacity: 1, strokeWidth: 1, strokeDash: [1, 2] };
    return [
      {
        data: { values },
        mark:
          values.length > 1
            ? { type: "area", ...look, line: edge }
            : { type: "rule", strokeWidth: 12, ...look },
        encoding: { x, y: { ...y, field: "high" }, y2: { field: "low" } },
      },
    ];
  });
}

/** Draws nothing: what the areas are gets an entry in the legend, after the series. */
const bandLegend = ({ label }: NonNullable<Panel["bands"]>): Layers[number] => ({
  data: { values: [] },
  mark: { type: "area", color: INK },
  encoding: {
    opacity: {
      field: "label",
      type: "ordinal",
      title: null,
      scale: { domain: [label], range: [FAINT, FAINT] },
      legend: { symbolType: "square", symbolStrokeWidth: 0 },
    },
  },
});

const AXES = { size: sizeAxis, pairs: pairsAxis, clients: clientsAxis, domUs: domUsAxis };

function panelLayers({ points, yTitle, yScale, ...panel }: Panel, chart: Chart): Layers {
  const { styles, by = "size" } = chart;
  const references = panel.references ?? [];
  const spread = [
    ...points.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]),
    ...(panel.bands?.places ?? []).flatMap(({ low, high }) => [low, high]),
  ];
  const places = points.map((point) => point.x);
  const x = AXES[by](places);
  const y = valueAxis(yTitle, yScale, [...spread, ...references.map((one) => one.value)]);
  const bySeries = (range: string[]) => ({
    field: "series",
    type: "nominal" as const,
    title: null,
    scale: { domain: styles.map((style) => style.series), range },
    // Side by side more than two may be wider than the axes, and all letters would shrink on a phone.
    legend: { columns: styles.length > 2 ? 1 : 2 },
  });
  const color = bySeries(styles.map((style) => style.colour));
  const line = { x, y: { ...y, field: "value" }, color };
  const bars = { values: points.filter((point) => point.low !== null) };
  const end = (field: "low" | "high"): Layers[number] => ({
    data: bars,
    mark: { type: "tick", orient: "horizontal", size: 8, thickness: 1.5 },
    encoding: { x, y: { ...y, field }, color },
  });
  return [
    ...(panel.bands === undefined ? [] : bandLayers(panel.bands, styles, { x, y })),
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
    ...references.flatMap((one) => referenceLayers(one, Math.min(...places))),
    ...(panel.bands === undefined ? [] : [bandLegend(panel.bands)]),
  ];
}

function specOf(chart: Chart): TopLevelSpec {
  const frame = {
    background: "white",
    padding: 8,
    title: {
      text: chart.title,
      subtitle: chart.subtitle,
      anchor: "start" as const,
      frame: "group" as const,
    },
    config: CONFIG,
  };
  const layer = panelLayers(chart, chart);
  if (chart.below === undefined) return { width: WIDTH, height: 270, ...frame, layer };
  return {
    ...frame,
    spacing: 8,
    vconcat: [
      { width: WIDTH, height: 200, layer },
      { width: WIDTH, height: 110, layer: panelLayers(chart.below, chart) },
    ],
  };
}

/** Draws a chart as an SVG document, without a browser. */
export const renderChart = (chart: Chart): Promise<string> => toSvg(specOf(chart));
