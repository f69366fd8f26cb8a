import Handlebars from "handlebars";
import { renderChart } from "./chart.ts";
import { columns } from "./columns.ts";
import { styleOf, type Figure } from "./figures.ts";
import { counted, formatNumber, formatRange } from "./format.ts";
import { PAGE_STYLE } from "./page.ts";
import type { Interval } from "./statistics.ts";
import type { Sweep, SweepRow, SweepTable } from "./sweep.ts";
import { BASELINE, compareTransports, transportLabel } from "./transports.ts";

/** A figure of a sweep, named as its table. */
export type SweepFigure = Omit<Figure, "name"> & { name: string };

const Y_TITLES: Record<string, string> = {
  us: "half round trip, µs",
  "MB/s": "MB/s",
  percent: "% of one CPU",
  "1": "1 where all get the same",
};

const unitInWords = (unit: string): string => Y_TITLES[unit] ?? unit;

const inWords = (interval: Interval | null): string =>
  interval === null ? "–" : formatRange(interval);

async function draw({ name, title, unit, scale, rows }: SweepTable, stamp: string) {
  const transports = [...new Set(rows.map((row) => row.transport))].sort(compareTransports);
  const repetitions = [...new Set(rows.map((row) => row.repetitions))].sort((a, b) => a - b);
  const svg = await renderChart({
    title,
    subtitle: stamp,
    by: "domUs",
    yTitle: unitInWords(unit),
    yScale: scale,
    points: rows.map(({ vmCount, transport, median, interval }) => ({
      series: transportLabel(transport),
      x: vmCount,
      value: median,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
    })),
    styles: transports.map((transport) => ({
      series: transportLabel(transport),
      ...styleOf(transport),
    })),
  });
  const many = counted(repetitions.at(-1) ?? 0, "repetition");
  return {
    name,
    title: `${title} – ${stamp}`,
    caption: `Each number of domUs is a run of its own; points: median of up to ${many}, bars: interval of the median.`,
    svg,
  };
}

/** A figure a table. */
export const drawSweep = ({ tables, stamp }: Sweep): Promise<SweepFigure[]> =>
  Promise.all(tables.map((table) => draw(table, stamp)));

const HEADINGS = [
  ...["domUs", "pairs", "transport", "median", "interval"],
  ...[`over ${transportLabel(BASELINE)}`, "its interval", "repetitions"],
];

const isText = (column: number): boolean => column === 2;

const cells = (row: SweepRow): string[] => [
  String(row.vmCount),
  String(row.pairs),
  transportLabel(row.transport),
  formatNumber(row.median),
  inWords(row.interval),
  row.ratio === null ? "–" : formatNumber(row.ratio),
  inWords(row.ratioInterval),
  String(row.repetitions),
];

function warnings({ steps }: Sweep): string[] {
  return steps.flatMap(({ vmCount, complete, failed }) => [
    ...(complete ? [] : [`The run with ${vmCount} domUs is not complete.`]),
    ...(failed === 0 ? [] : [`${counted(failed, "sample")} failed with ${vmCount} domUs.`]),
  ]);
}

/** For a terminal. */
export function formatSweep(sweep: Sweep): string {
  const blocks = sweep.tables.map(({ title, unit, rows }) => {
    const lines = [HEADINGS, ...rows.map(cells)];
    const shown = columns(lines, isText);
    return [`${title}: ${unitInWords(unit)}`, ...shown, ""].join("\n");
  });
  return [sweep.stamp, ...warnings(sweep), "", ...blocks].join("\n");
}

const field = (value: number | null | undefined): string =>
  value === null || value === undefined ? "" : String(value);

/** sweep.csv: a row a transport, quantity and number of domUs. */
export function sweepCsv({ tables }: Sweep): string {
  const lines = tables.flatMap(({ name, metric, unit, rows }) =>
    rows.map((row) =>
      [
        ...[name, row.vmCount, row.runId, row.transport, metric, row.pairs, row.repetitions],
        ...[row.median, field(row.interval?.low), field(row.interval?.high)],
        ...[field(row.ratio), field(row.ratioInterval?.low), field(row.ratioInterval?.high), unit],
      ].join(","),
    ),
  );
  const head =
    "quantity,vm_count,run,transport,metric,pairs,repetitions,median,low,high,ratio,ratio_low,ratio_high,unit";
  return `${[head, ...lines].join("\n")}\n`;
}

/**
 * One page that needs no network and no script. Handlebars escapes everything but the figures, whose texts Vega has escaped.
 *
 * @param template text of templates/sweep.html.hbs
 */
export function renderSweep(
  template: string,
  sweep: Sweep,
  figures: readonly SweepFigure[],
): string {
  return Handlebars.compile(template, { strict: true })({
    style: PAGE_STYLE,
    stamp: sweep.stamp,
    profile: sweep.profile,
    warnings: warnings(sweep),
    steps: sweep.steps,
    headings: HEADINGS.map((text, column) => ({ text, isText: isText(column) })),
    tables: sweep.tables.map(({ name, title, unit, rows }) => ({
      title: `${title}: ${unitInWords(unit)}`,
      figure: figures.find((one) => one.name === name),
      rows: rows.map((row) => cells(row).map((text, column) => ({ text, isText: isText(column) }))),
    })),
  });
}
