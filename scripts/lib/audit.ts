import { existsSync, readdirSync, rmSync } from "node:fs";
import { readLedger, type Entry } from "../../provider/host/ledger.ts";
import { end, isRunning, processesWithArgument } from "../../provider/host/processes.ts";
import { machineProcesses } from "../../provider/qemu/machine.ts";
import { portIsFree } from "../../provider/host/ports.ts";

function markersOf(entries: Entry[]): Set<string> {
  return new Set(entries.filter((entry) => entry.kind !== "file").map((entry) => entry.marker));
}

/** Ends and removes what a killed run left and the engine's state does not know of. */
export async function sweep(folder: string, say: (line: string) => void): Promise<void> {
  if (!existsSync(folder)) return;
  for (const marker of markersOf(readLedger(folder))) {
    for (const process of machineProcesses(marker).filter(isRunning)) {
      say(`Ending process ${process.pid}, which an interrupted run left behind`);
      await end(process, 2000);
    }
  }
  rmSync(folder, { recursive: true, force: true });
}

/** What should be gone and is not, one line each; empty if the stack left nothing. */
export async function leftovers(
  folder: string,
  markers: ReadonlySet<string>,
  port: number | undefined,
): Promise<string[]> {
  const found: string[] = [];
  for (const marker of markers) {
    for (const process of machineProcesses(marker))
      found.push(`process ${process.pid} (the emulated machine)`);
  }
  for (const pid of processesWithArgument(folder))
    found.push(`process ${pid} (names the stack's folder in its arguments)`);
  if (port !== undefined && !(await portIsFree(port)))
    found.push(`port ${port} of loopback is still listened on`);
  if (existsSync(folder))
    found.push(...readdirSync(folder).map((name) => `file ${folder}/${name}`), `folder ${folder}`);
  return found;
}

export function markersIn(folder: string): Set<string> {
  return existsSync(folder) ? markersOf(readLedger(folder)) : new Set();
}
