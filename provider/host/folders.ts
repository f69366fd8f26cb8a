import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** XDG base directory specification 0.8: an environment variable counts only if it is an absolute path. */
function base(variable: string, fallback: string): string {
  const value = process.env[variable];
  return value?.startsWith("/") === true ? value : join(homedir(), fallback);
}

/** Rebuildable things: image, build root, hypervisor, engine. */
export function cacheFolder(): string {
  return join(base("XDG_CACHE_HOME", ".cache"), "v4v-testbed");
}

/** What belongs to one clone of the project: backend, passphrase, run folders. */
export function cloneStateFolder(projectFolder: string): string {
  const clone = createHash("sha256").update(resolve(projectFolder)).digest("hex").slice(0, 12);
  return join(base("XDG_STATE_HOME", ".local/state"), "v4v-testbed", clone);
}

/** The folder of one stack: disks, sockets, console log, ledger. */
export function runFolder(projectFolder: string, stack: string): string {
  return join(cloneStateFolder(projectFolder), "stacks", stack);
}
