import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify, isRunning, type ProcessIdentity } from "../host/processes.ts";
import { pause } from "../ssh/wait.ts";

function owner(path: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(join(path, "owner.json"), "utf8")) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function take(path: string): boolean {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  writeFileSync(join(path, "owner.json"), JSON.stringify(identify(process.pid)));
  return true;
}

/**
 * Runs `work` while holding a lock folder; waits for a living owner, and takes over from a dead one.
 *
 * @param waiting called once if another process holds the lock
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal,
  waiting: (owner: ProcessIdentity | undefined) => void,
  work: () => Promise<T>,
): Promise<T> {
  let told = false;
  let ownerless = 0;
  while (!take(path)) {
    const holder = owner(path);
    // Between mkdir and the owner's name there is an instant without one; a second of it means a killed process.
    ownerless = holder === undefined ? ownerless + 1 : 0;
    if ((holder !== undefined && !isRunning(holder)) || ownerless > 5) {
      rmSync(path, { recursive: true, force: true });
      continue;
    }
    if (!told) waiting(holder);
    told = true;
    await pause(200, signal, `waiting for ${path}`);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
