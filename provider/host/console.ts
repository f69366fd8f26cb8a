import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** The last lines of a console log, without control characters: what to show when a machine does not answer. */
export function consoleTail(path: string, lines: number): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return "(no console output)";
  }
  try {
    const { size } = fstatSync(file);
    const length = Math.min(size, 64 * 1024);
    const buffer = Buffer.alloc(length);
    readSync(file, buffer, 0, length, size - length);
    return clean(buffer.toString("latin1")).split("\n").slice(-lines).join("\n");
  } finally {
    closeSync(file);
  }
}

/** ANSI escape sequences (ECMA-48) of firmware and boot loader. */
// eslint-disable-next-line no-control-regex -- the escape character is what they start with
const ESCAPE_SEQUENCE = /\u001b\[[0-9;?]*[ -/]*[@-~]/g;

function clean(text: string): string {
  const printable = text.replace(ESCAPE_SEQUENCE, "").replace(/[^\n\t\x20-\x7e]/g, "");
  const kept = printable
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  return kept.length === 0 ? "(no console output)" : kept.join("\n");
}
