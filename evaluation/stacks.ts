import type { TopLevelSpec } from "vega-lite";
import { STEP, widthBeside } from "./bars.ts";
import { CONFIG, INK, toSvg } from "./drawing.ts";
import { formatNumber } from "./format.ts";

/** A part of a bar, behind those before it. */
export interface StackPart {
  part: string;
  colour: string;
  value: number;
}

export interface Stack {
  series: string;
  parts: readonly StackPart[];
}

/** What is compared with each other: stacks on one scale. */
export interface StackRow {
  title: string;
  /** At least one. */
  bars: readonly Stack[];
}

/** Rows of bars made of parts; each row has its own scale. */
export interface StackChart {
  title: string;
  /** One line, or several. */
  subtitle: string | string[];
  unit: string;
  /** At least one. */
  rows: readonly StackRow[];
}

/** Where each part begins and ends. */
function placed({ series, parts }: Stack) {
  let end = 0;
  return parts.map((one) => {
    const from = end;
    end += one.value;
    return { series, part: one.part, from, to: end };
  });
}

const sumOf = ({ parts }: Stack): number => parts.reduce((sum, { value }) => sum + value, 0);

function rowOf({ title, bars }: StackRow, unit: string, width: number, colours: Colours) {
  const reach = Math.max(...bars.map(sumOf));
  // Room for the number at the longest bar's end.
  const scale = { domain: [0, reach > 0 ? reach * 1.25 : 1], nice: false };
  const x = { type: "quantitative" as const, title: unit, scale, axis: { tickCount: 5 } };
  const y = { field: "series", type: "nominal" as const, title: null, sort: null };
  const sums = bars.map((bar) => ({
    series: bar.series,
    end: sumOf(bar),
    text: formatNumber(sumOf(bar)),
  }));
  return {
    title: { text: title, anchor: "start" as const, fontSize: 15, offset: 4 },
    width,
    height: { step: STEP },
    layer: [
      {
        data: { values: bars.flatMap(placed) },
        mark: { type: "bar" as const, height: { band: 0.7 } },
        encoding: {
          x: { ...x, field: "from" },
          x2: { field: "to" },
          y,
          color: {
            field: "part",
            type: "nominal" as const,
            title: null,
            sort: null,
            scale: colours,
            // More would be wider than the bars, and all text smaller on a phone.
            legend: { columns: 3 },
          },
        },
      },
      {
        data: { values: sums },
        mark: { type: "text" as const, align: "left" as const, dx: 5, color: INK, fontSize: 14 },
        encoding: { x: { ...x, field: "end" }, y, text: { field: "text" } },
      },
    ],
  };
}

interface Colours {
  domain: string[];
  range: string[];
}

/** Draws rows of stacked bars as an SVG document, without a browser. */
export async function renderStacks({ title, subtitle, unit, rows }: StackChart): Promise<string> {
  const width = widthBeside(rows);
  const parts = new Map(
    rows.flatMap(({ bars }) =>
      bars.flatMap((bar) => bar.parts.map((one) => [one.part, one.colour])),
    ),
  );
  const colours = { domain: [...parts.keys()], range: [...parts.values()] };
  const spec: TopLevelSpec = {
    background: "white",
    padding: 8,
    title: { text: title, subtitle, anchor: "start", frame: "bounds" },
    config: CONFIG,
    resolve: { scale: { x: "independent", y: "independent", color: "shared" } },
    vconcat: rows.map((row) => rowOf(row, unit, width, colours)),
  };
  return toSvg(spec);
}
