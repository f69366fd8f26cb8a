import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../host/folders.ts";
import { end, identify, processesIn } from "../host/processes.ts";
import { withLock } from "./lock.ts";

/** Where the entry with this key is, or is going to be. */
export function entryPath(key: string): string {
  return join(cacheFolder(), "builds", key);
}

/**
 * Makes an entry of the cache unless it is there. It appears in one step when complete and is never changed; of two
 * processes that want the same one makes it; an interrupted attempt leaves only a scratch folder that the next removes.
 *
 * @param waiting called once if another process is making it
 * @param make fills `out`, which becomes the entry, and may use the rest of `scratch`
 */
export async function ensureEntry(
  key: string,
  signal: AbortSignal,
  waiting: () => void,
  make: (scratch: string, out: string) => Promise<void>,
): Promise<void> {
  const path = entryPath(key);
  if (existsSync(path)) return;
  const root = cacheFolder();
  for (const folder of ["builds", "locks", "scratch"])
    mkdirSync(join(root, folder), { recursive: true });
  await withLock(join(root, "locks", key), signal, waiting, async () => {
    if (existsSync(path)) return;
    // A folder of this attempt's own: what a killed controller began may still be writing into the last one.
    for (const name of readdirSync(join(root, "scratch")))
      if (name.startsWith(`${key}.`)) await removeAttempt(join(root, "scratch", name));
    const scratch = join(root, "scratch", `${key}.${randomBytes(4).toString("hex")}`);
    const out = join(scratch, "out");
    mkdirSync(out, { recursive: true });
    await make(scratch, out);
    renameSync(out, path);
    rmSync(scratch, { recursive: true, force: true });
  });
}

/** Ends what still works in an earlier attempt's folder, and removes that. */
async function removeAttempt(scratch: string): Promise<void> {
  for (const pid of processesIn(scratch)) {
    const left = identify(pid);
    if (left !== undefined) await end(left, 0);
  }
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}
