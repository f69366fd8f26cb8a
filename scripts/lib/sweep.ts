import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "./userError.ts";

/**
 * The steps of a sweep, fewest domUs first: the testbed grows in place.
 *
 * @throws UserError for anything but different whole numbers
 */
export function parseCounts(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  const counts = parts.map(Number);
  if (!parts.every((part) => /^[0-9]{1,4}$/.test(part)))
    throw new UserError(`--vms: ${JSON.stringify(text)} is not a list of numbers such as 2,4,8,16`);
  if (new Set(counts).size < counts.length)
    throw new UserError(`--vms: ${text} names a number twice`);
  return counts.sort((a, b) => a - b);
}

/** `sweep-` and the moment, as runs are named. */
export const sweepName = (now: Date): string =>
  `sweep-${now
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(/[-:]/g, "")}`;

/** What a sweep does to the testbed and with the runs; tests hand in their own. */
export interface SweepActions {
  /** Refuses the step if the configuration would not allow it; nothing is started. */
  check: (vmCount: number) => void;
  /** Brings the testbed to so many domUs and measures; the run's folder. */
  measure: (vmCount: number) => Promise<string>;
  /** Writes the summary of the runs so far. */
  summarise: (runs: readonly string[]) => Promise<void>;
}

/** Measures at each step; what there is so far is written after every one, so that a sweep cut off has a result. */
export async function sweep(counts: readonly number[], actions: SweepActions): Promise<void> {
  for (const count of counts) actions.check(count);
  const runs: string[] = [];
  for (const count of counts) {
    runs.push(await actions.measure(count));
    await actions.summarise(runs);
  }
}

/** Folder of the run that an `up` has ended with. */
export function runFolderOf({ report }: Record<string, unknown>): string {
  if (typeof report === "string" && existsSync(join(dirname(report), "manifest.json")))
    return dirname(report);
  throw new UserError("the testbed is up, but nothing was measured: name a profile with --profile");
}
