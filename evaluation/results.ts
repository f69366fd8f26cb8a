import { UNITS, type Observation } from "./observations.ts";
import { compareTransports } from "./transports.ts";

/** One line of results.csv: the median of one repetition. */
export interface ResultRow {
  experiment: string;
  transport: string;
  metric: string;
  sizeBytes: number;
  pairs: number;
  repetition: number;
  value: number;
  /** `us`, `MB/s`; see the design's list. */
  unit: string;
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
] as const;

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

/** Tidy rows, ordered by experiment, metric, size, transport and repetition. */
export function resultRows(observed: readonly Observation[]): ResultRow[] {
  const rows = observed.map((observation) => {
    const { experiment, transport, metric, sizeBytes, pairs, repetition, median } = observation;
    const unit = UNITS[metric];
    return { experiment, transport, metric, sizeBytes, pairs, repetition, value: median, unit };
  });
  return rows.sort(compareRows);
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
  const missing = COLUMNS.filter((column) => heading?.includes(column) !== true);
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
    return {
      experiment: get("experiment"),
      transport: get("transport"),
      metric: get("metric"),
      sizeBytes: number("size_bytes"),
      pairs: number("pairs"),
      repetition: number("repetition"),
      value: number("value"),
      unit: get("unit"),
    };
  });
}
