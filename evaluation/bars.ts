import type { TopLevelSpec } from "vega-lite";
import { CONFIG, INK, textWidth, toSvg, WIDTH } from "./drawing.ts";
import { formatNumber } from "./format.ts";

/** One bar with its interval. */
export interface Bar {
  series: string;
  colour: string;
  value: number;
  /** null where there is no interval. */
  low: number | null;
  high: number | null;
}

/** What is compared with each other: bars on one scale. */
export interface BarRow {
  title: string;
  /** At least one. */
  bars: readonly Bar[];
}

/** Rows of bars; each row has its own scale, as rows may differ by orders of magnitude. */
export interface BarChart {
  title: string;
  /** One line, or several. */
  subtitle: string | string[];
  unit: string;
  /** At least one. */
  rows: readonly BarRow[];
}

/** Height of one bar with its gap, px. */
export const STEP = 22;

/** What the axis' labels may take before the bars become shorter, px. */
const LABELS = 62;

/** Width of the bars' part, px: with their labels, all figures are about equally wide. */
export function widthBeside(rows: readonly { bars: readonly { series: string }[] }[]): number {
  const labels = rows.flatMap(({ bars }) => bars.map(({ series }) => textWidth(series)));
  return Math.round(WIDTH - Math.max(0, Math.max(...labels) - LABELS));
}

function rowOf({ title, bars }: BarRow, unit: string, width: number) {
  const reach = Math.max(...bars.map(({ value, high }) => Math.max(value, high ?? value)));
  // Room for the number at the longest bar's end.
  const scale = { domain: [0, reach > 0 ? reach * 1.25 : 1], nice: false };
  const x = { type: "quantitative" as const, title: unit, scale, axis: { tickCount: 5 } };
  const y = { field: "series", type: "nominal" as const, title: null, sort: null };
  const values = bars.map((bar) => ({
    ...bar,
    end: Math.max(bar.value, bar.high ?? bar.value),
    text: formatNumber(bar.value),
  }));
  const intervals = { values: values.filter((bar) => bar.low !== null) };
  const end = (field: "low" | "high") => ({
    data: intervals,
    mark: {
      type: "tick" as const,
      orient: "vertical" as const,
      size: 8,
      thickness: 1.5,
      color: INK,
    },
    encoding: { x: { ...x, field }, y },
  });
  return {
    title: { text: title, anchor: "start" as const, fontSize: 15, offset: 4 },
    width,
    height: { step: STEP },
    layer: [
      {
        data: { values },
        mark: { type: "bar" as const, height: { band: 0.7 } },
        encoding: {
          x: { ...x, field: "value" },
          y,
          color: { field: "colour", type: "nominal" as const, scale: null },
        },
      },
      {
        data: intervals,
        mark: { type: "rule" as const, strokeWidth: 1.5, color: INK },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y },
      },
      end("low"),
      end("high"),
      {
        data: { values },
        mark: { type: "text" as const, align: "left" as const, dx: 5, color: INK, fontSize: 14 },
        encoding: { x: { ...x, field: "end" }, y, text: { field: "text" } },
      },
    ],
  };
}

/** Draws rows of bars as an SVG document, without a browser. */
export async function renderBars({ title, subtitle, unit, rows }: BarChart): Promise<string> {
  const width = widthBeside(rows);
  const spec: TopLevelSpec = {
    background: "white",
    padding: 8,
    title: { text: title, subtitle, anchor: "start", frame: "bounds" },
    config: CONFIG,
    resolve: { scale: { x: "independent", y: "independent" } },
    vconcat: rows.map((row) => rowOf(row, unit, width)),
  };
  return toSvg(spec);
}
