import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessIdentity } from "./processes.ts";

/**
 * Side effects of a stack outside its run folder, each written down before it happens, so that the next `up` or
 * `destroy` can sweep what a killed run left. Files inside the run folder need no entry: the folder goes as a whole.
 */
export type Entry =
  /** About to start a process that carries `marker` in its arguments. */
  | { kind: "process-intended"; marker: string }
  | ({ kind: "process"; marker: string } & ProcessIdentity)
  | { kind: "file"; path: string };

const NAME = "ledger.jsonl";

export function record(folder: string, entry: Entry): void {
  const path = join(folder, NAME);
  // What a kill or a full disk cut short must not swallow the next entry.
  const torn = existsSync(path) && !/(^|\n)$/.test(readFileSync(path, "utf8"));
  appendFileSync(
    path,
    `${torn ? "\n" : ""}${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`,
    { mode: 0o600 },
  );
}

function parse(line: string): Entry[] {
  try {
    return [JSON.parse(line) as Entry];
  } catch {
    return [];
  }
}

/** All entries; lines that were cut short are left out. */
export function readLedger(folder: string): Entry[] {
  const path = join(folder, NAME);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n").slice(0, -1).flatMap(parse);
}
