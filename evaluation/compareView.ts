import Handlebars from "handlebars";
import type { Change, Finding, PooledChange, RunComparison } from "./compare.ts";
import { claimTitle } from "./claimTitles.ts";
import { columns } from "./columns.ts";
import { counted, formatNumber, formatPlace, formatRange } from "./format.ts";
import { gpuSize } from "./gpu/figures.ts";
import { gpuLabel } from "./gpu/labels.ts";
import { isOfGpu } from "./gpu/observations.ts";
import { PAGE_STYLE } from "./page.ts";
import { MARGIN } from "./pooled.ts";
import { transportLabel } from "./transports.ts";
import { agreement, type VerdictRow } from "./verdicts.ts";

/** What the numbers do not say. */
const LIMITS = [
  "None shown is not none: the interval says how much may hide in the repetitions' spread.",
  "A change lies between these two runs; repetitions share a run's boot and moment.",
];

const ORDER: readonly Finding[] = ["worse", "better", "none shown", "cannot be compared"];

const place = ({ experiment, sizeBytes, pairs }: Change): string =>
  isOfGpu({ experiment })
    ? gpuSize({ experiment, sizeBytes, pairs })
    : formatPlace({ sizeBytes, pairs });

const shownP = (p: number | null): string =>
  p === null ? "–" : p < 0.001 ? "<0.001" : p.toFixed(3);

const HEADINGS = [
  ...["experiment", "metric", "size", "transport"],
  ...["base", "run", "ratio", "95% interval", "p", "change"],
];

/** Beside a GPU's experiments what computed: a CPU's figures must not be taken for a GPU's. */
const experimentCell = ({ experiment, computedBy }: Change): string =>
  computedBy === "" || computedBy === "none" ? experiment : `${experiment} (by ${computedBy})`;

const cells = (change: Change): string[] => [
  experimentCell(change),
  change.metric,
  place(change),
  change.transport,
  formatNumber(change.base),
  formatNumber(change.run),
  change.ratio === null ? "–" : formatNumber(change.ratio),
  change.interval === null ? "–" : formatRange(change.interval),
  shownP(change.p),
  change.finding,
];

/** Names to the left, numbers to the right. */
const isText = (column: number): boolean => [0, 1, 3, 9].includes(column);

const POOLED_HEADINGS = ["transport", "sizes", "ratio", "95% interval", "p", "change"];

const pooledCells = (one: PooledChange): string[] => [
  one.transport,
  String(one.sizes),
  // Three digits would hide what this table is for.
  one.ratio.toFixed(3),
  formatRange(one.interval),
  shownP(one.p),
  one.finding,
];

const isPooledText = (column: number): boolean => [0, 5].includes(column);

const POOLED_TITLE = "Round trips, all sizes together (the fast tenth of each repetition's)";

const VERDICT_HEADINGS = ["claim", "base", "run", "verdict"];

const verdictCells = (row: VerdictRow): string[] => [
  claimTitle(row.id),
  row.base,
  row.run,
  agreement(row),
];

const VERDICTS_TITLE = "What the runs say of the claims";

/** `20 of 22 claims that both runs measure have the same verdict.` */
function verdictTally({ verdicts }: RunComparison): string {
  const both = verdicts.filter((row) => agreement(row) !== "one run alone");
  const same = both.filter((row) => agreement(row) === "same").length;
  return `${same} of ${counted(both.length, "claim")} that both runs measure have the same verdict.`;
}

/** `2 worse, 1 better, ... of 28 rows`. */
export function tally({ changes }: RunComparison): string {
  const counts = ORDER.map((finding) => ({
    finding,
    count: changes.filter((change) => change.finding === finding).length,
  }));
  const parts = counts
    .filter(({ count }) => count > 0)
    .map(({ count, finding }) => `${count} ${finding}`);
  return `${counted(changes.length, "row")}${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
}

function notes({ onlyBase, onlyRun, tested, pooled, gpuNotes }: RunComparison): string[] {
  const all = [
    `ratio: run over base; p: Welch's test of logarithms, adjusted by Holm for ${counted(tested, "test")}.`,
  ];
  if (pooled.length > 0) {
    all.push(
      `All sizes together: p is that of no change beyond ${Math.round(100 * (MARGIN - 1))}%, by Holm for ${counted(pooled.length, "test")}.`,
    );
  }
  if (onlyBase > 0) all.push(`${counted(onlyBase, "row")} measured in base alone.`);
  if (onlyRun > 0) all.push(`${counted(onlyRun, "row")} measured in run alone.`);
  return [...all, ...gpuNotes];
}

/** For a terminal. */
export function formatComparison(comparison: RunComparison): string {
  const { base, run, changes, pooled, differences, warnings, shortfalls, verdicts } = comparison;
  const lines = [
    `base ${base}`,
    `run  ${run}`,
    ...[...warnings, ...shortfalls].map((warning) => `warning: ${warning}`),
    ...differences.map((one) => `differs: ${one.what}: ${one.base} -> ${one.run}`),
    "",
    ...(changes.length > 0 ? columns([HEADINGS, ...changes.map(cells)], isText) : []),
    "",
    ...(pooled.length > 0
      ? [
          `${POOLED_TITLE}:`,
          ...columns([POOLED_HEADINGS, ...pooled.map(pooledCells)], isPooledText),
          "",
        ]
      : []),
    ...(verdicts.length > 0
      ? [
          `${VERDICTS_TITLE}:`,
          ...columns([VERDICT_HEADINGS, ...verdicts.map(verdictCells)], () => true),
          verdictTally(comparison),
          "",
        ]
      : []),
    tally(comparison),
    ...notes(comparison),
    ...LIMITS,
  ];
  return `${lines.join("\n")}\n`;
}

const CLASSES: Record<Finding, string> = {
  worse: "fail",
  better: "pass",
  "none shown": "open",
  "cannot be compared": "open",
};

const labelled = <T extends { transport: string; experiment?: string }>(one: T): T => ({
  ...one,
  transport: isOfGpu({ experiment: one.experiment ?? "" })
    ? gpuLabel(one.transport)
    : transportLabel(one.transport),
});

/** A table of the page; its last column is the finding, which has a mark of its own. */
function tableView(
  headings: readonly string[],
  left: (column: number) => boolean,
  rows: readonly { cells: string[]; finding: Finding }[],
) {
  const aligned = (texts: readonly string[]) =>
    texts.map((text, column) => ({ text, isText: left(column) }));
  return {
    headings: aligned(headings),
    rows: rows.map(({ cells, finding }) => ({
      cells: aligned(cells.slice(0, -1)),
      finding,
      findingClass: CLASSES[finding],
    })),
  };
}

/**
 * One page that needs no network and no script; Handlebars escapes everything.
 *
 * @param template text of templates/compare.html.hbs
 */
export function renderComparison(template: string, comparison: RunComparison): string {
  const { base, run, changes, pooled, differences, warnings, shortfalls, verdicts } = comparison;
  return Handlebars.compile(template, { strict: true })({
    style: PAGE_STYLE,
    base,
    run,
    warnings: [...warnings, ...shortfalls],
    differences,
    verdictsTitle: VERDICTS_TITLE,
    verdictTally: verdictTally(comparison),
    verdicts: verdicts.map((row) => ({
      ...row,
      title: claimTitle(row.id),
      agreement: agreement(row),
      agreementClass: agreement(row) === "differs" ? "fail" : "open",
    })),
    tally: tally(comparison),
    notes: [...notes(comparison), ...LIMITS],
    changes: tableView(
      HEADINGS,
      isText,
      changes.map((one) => ({ ...one, cells: cells(labelled(one)) })),
    ),
    pooledTitle: POOLED_TITLE,
    pooled:
      pooled.length > 0 &&
      tableView(
        POOLED_HEADINGS,
        isPooledText,
        pooled.map((one) => ({ ...one, cells: pooledCells(labelled(one)) })),
      ),
  });
}
