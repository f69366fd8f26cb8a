import { counted, formatNumber, formatSize } from "./format.ts";
import type { Comparison, HeadlineRow, Summary } from "./summary.ts";
import { BASELINE, SUBJECT, transportLabel } from "./transports.ts";

const WIDTHS = [9, 10, 10, 9, 12, 10, 9];

const line = (cells: readonly string[]): string =>
  cells.map((cell, index) => cell.padStart(WIDTHS[index] ?? 0)).join("");

const shown = (value: number | null): string => (value === null ? "–" : formatNumber(value));

const times = (ratio: number | null): string => (ratio === null ? "–" : `${formatNumber(ratio)}x`);

const cells = ({ tcp, v4v, ratio }: Comparison): string[] => [shown(tcp), shown(v4v), times(ratio)];

const body = ({ sizeBytes, halfRtt, bandwidth }: HeadlineRow): string =>
  line([formatSize(sizeBytes), ...cells(halfRtt), ...cells(bandwidth)]);

/**
 * The table that ends an `up`: per size the half round trip (us) and bandwidth (MB/s) of TCP and V4V and their
 * ratio. At most 80 columns.
 */
export function formatTable(summary: Summary): string {
  const [tcp, v4v] = [transportLabel(BASELINE), transportLabel(SUBJECT)];
  const columns = [tcp, v4v, `${v4v}/${tcp}`];
  const notes: string[] = [];
  if (!summary.complete) {
    const most = summary.further === null ? "" : "at most ";
    notes.push(`not complete: ${summary.stepsDone} of ${most}${summary.stepsPlanned} steps`);
  }
  if (summary.samples.failed > 0) {
    notes.push(`${counted(summary.samples.failed, "sample")} failed: see the report`);
  }
  const lines = [
    summary.stamp,
    `${" ".repeat(9)}${"half round trip (us)".padStart(29)}${"bandwidth (MB/s)".padStart(31)}`,
    line(["size", ...columns, ...columns]),
    ...summary.headline.map(body),
    ...notes,
  ];
  return `${lines.join("\n")}\n`;
}
