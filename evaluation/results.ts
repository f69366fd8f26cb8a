import { isOfTransfers } from "./gpu/observations.ts";
import { UNITS, type Observation } from "./observations.ts";
import type { RatioPoint } from "./summary.ts";
import { BASELINE, compareTransports, UNMODIFIED } from "./transports.ts";

/** One line of results.csv: the median of one repetition, or what all of them together say. */
export interface ResultRow {
  experiment: string;
  transport: string;
  metric: string;
  sizeBytes: number;
  pairs: number;
  /** From 1; 0 of all together. */
  repetition: number;
  value: number;
  /** `us`, `MB/s`; see the design's list. */
  unit: string;
  /** Of a GPU's experiments: the kind of device that computed; else empty. */
  computedBy: string;
  /** Ends of the 95% interval, of all repetitions together; null for a single one. */
  low: number | null;
  high: number | null;
}

export const COLUMNS = [
  "experiment",
  "transport",
  "metric",
  "size_bytes",
  "pairs",
  "repetition",
  "value",
  "unit",
  "computed_by",
  "low",
  "high",
] as const;

/** Columns that results of earlier versions have not. */
const LATER: readonly string[] = ["computed_by", "low", "high"];

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function compareRows(a: ResultRow, b: ResultRow): number {
  return (
    byText(a.experiment, b.experiment) ||
    byText(a.metric, b.metric) ||
    a.sizeBytes - b.sizeBytes ||
    a.pairs - b.pairs ||
    compareTransports(a.transport, b.transport) ||
    a.repetition - b.repetition
  );
}

/** How many times TCP's bandwidth a GPU's transfers have, by size and direction: the ratios of tables and claims. */
function speedUps(observed: readonly Observation[], ratios: readonly RatioPoint[]): ResultRow[] {
  return ratios
    .filter(
      (one) => isOfTransfers(one) && one.numerator === UNMODIFIED && one.denominator === BASELINE,
    )
    .map(({ experiment, metric, sizeBytes, pairs, ratio, interval }) => {
      const kinds = observed
        .filter((one) => one.experiment === experiment && one.sizeBytes === sizeBytes)
        .flatMap(({ computedBy }) => computedBy?.split("+") ?? []);
      return {
        ...{ experiment, transport: UNMODIFIED, metric: `${metric}_speedup`, sizeBytes, pairs },
        ...{ repetition: 0, value: ratio, unit: "1" },
        computedBy: [...new Set(kinds)].sort().join("+"),
        low: interval?.low ?? null,
        high: interval?.high ?? null,
      };
    });
}

/** Tidy rows, ordered by experiment, metric, size, transport and repetition. */
export function resultRows(
  observed: readonly Observation[],
  ratios: readonly RatioPoint[] = [],
): ResultRow[] {
  const rows = observed.map((observation): ResultRow => {
    const { experiment, transport, metric, sizeBytes, pairs, repetition, median } = observation;
    const { computedBy = "" } = observation;
    return {
      ...{ experiment, transport, metric, sizeBytes, pairs, repetition },
      ...{ value: median, unit: UNITS[metric], computedBy, low: null, high: null },
    };
  });
  return [...rows, ...speedUps(observed, ratios)].sort(compareRows);
}

const quoted = (field: string): string =>
  /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;

/** results.csv: fields quoted as in RFC 4180, lines ended by LF for the sake of line-based tools. */
export function formatCsv(rows: readonly ResultRow[]): string {
  const lines = rows.map((row) =>
    [
      row.experiment,
      row.transport,
      row.metric,
      String(row.sizeBytes),
      String(row.pairs),
      String(row.repetition),
      String(row.value),
      row.unit,
      row.computedBy,
      row.low === null ? "" : String(row.low),
      row.high === null ? "" : String(row.high),
    ]
      .map(quoted)
      .join(","),
  );
  return `${[COLUMNS.join(","), ...lines].join("\n")}\n`;
}

/** A csv that cannot be read; the message names the record, counted from 1 with the heading. */
export class CsvError extends Error {
  override readonly name = "CsvError";
}

/** Records of fields, RFC 4180; CRLF or LF. */
function parseRecords(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  // A field: quoted (quotes doubled) or plain, and what ends it.
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length || record.length > 0) {
    const match = field.exec(text);
    if (match === null) throw new CsvError(`record ${records.length + 1}: a quote out of place`);
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] !== ",") {
      records.push(record);
      record = [];
    }
  }
  return records;
}

/** JavaScript's Number() is generous ("" is 0, "0x10" 16); a results file is not. */
function numberOf(text: string | undefined, column: string, record: number): number {
  const number = Number(text);
  if (
    text === undefined ||
    !/^-?\d/.test(text) ||
    !/^[-+.\deE]+$/.test(text) ||
    !Number.isFinite(number)
  ) {
    throw new CsvError(`record ${record}: ${column} is ${JSON.stringify(text)}, not a number`);
  }
  return number;
}

/**
 * Reads results.csv; columns are found by name, further ones are ignored.
 *
 * @throws CsvError
 */
export function parseCsv(text: string): ResultRow[] {
  const [heading, ...records] = parseRecords(text);
  const missing = COLUMNS.filter(
    (column) => heading?.includes(column) !== true && !LATER.includes(column),
  );
  if (heading === undefined || missing.length > 0) {
    throw new CsvError(`record 1: no column ${missing.join(", ")}`);
  }
  return records.map((fields, index) => {
    const record = index + 2;
    if (fields.length !== heading.length) {
      throw new CsvError(`record ${record}: ${fields.length} fields, not ${heading.length}`);
    }
    const get = (column: (typeof COLUMNS)[number]): string => fields[heading.indexOf(column)] ?? "";
    const number = (column: (typeof COLUMNS)[number]): number =>
      numberOf(get(column), column, record);
    const numberIfThere = (column: (typeof COLUMNS)[number]): number | null =>
      get(column) === "" ? null : number(column);
    return {
      experiment: get("experiment"),
      transport: get("transport"),
      metric: get("metric"),
      sizeBytes: number("size_bytes"),
      pairs: number("pairs"),
      repetition: number("repetition"),
      value: number("value"),
      unit: get("unit"),
      computedBy: get("computed_by"),
      low: numberIfThere("low"),
      high: numberIfThere("high"),
    };
  });
}
