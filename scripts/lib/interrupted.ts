import { readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { localBackend, lockFiles } from "./backend.ts";
import { UserError } from "./userError.ts";
import type { Workspace } from "./workspace.ts";

/** A lock file of Pulumi's local backend. Source: pkg/backend/diy/lock.go. */
export interface Lock {
  pid: number;
  username: string;
  hostname: string;
  timestamp: string;
}

/** Whether a process is an engine that still runs. */
export function alive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]?.endsWith("pulumi") === true;
  } catch {
    return false;
  }
}

const isOurs = ({ hostname: host }: Lock): boolean => host === hostname();

/** @throws UserError if the lock is a living engine's, or another computer's: somebody's work */
function checkDead(workspace: Workspace, lock: Lock): void {
  const ours = isOurs(lock);
  if (ours && !alive(lock.pid)) return;
  throw new UserError(
    `stack ${workspace.stack} is being worked on by process ${lock.pid} of ${lock.username} on ${lock.hostname} since ${lock.timestamp}; ` +
      `wait for it to end${ours ? "" : `, or run "pulumi cancel" if that computer is gone`}`,
  );
}

const removed = ({ pid }: Lock): string =>
  `An earlier run (process ${pid}) was killed; its lock is removed`;

/**
 * Removes locks of engines of this computer that are no longer running, where they are files here; a backend elsewhere tells of
 * them when the engine meets them ({@link pastDeadLocks}).
 *
 * @throws UserError naming a living holder
 */
export function clearDeadLocks(workspace: Workspace, say: (line: string) => void): void {
  const backend = localBackend(workspace.backend.url);
  if (backend === undefined) return;
  for (const path of lockFiles(backend, workspace.stack)) {
    const lock = JSON.parse(readFileSync(path, "utf8")) as Lock;
    checkDead(workspace, lock);
    rmSync(path);
    rmSync(`${path}.attrs`, { force: true });
    say(removed(lock));
  }
}

/** The locks that an engine met, by what it said. Source: pkg/backend/diy/lock.go, checkForLock. */
export function locksIn(said: string): Lock[] {
  // Colours of a terminal may be among the words.
  // eslint-disable-next-line no-control-regex -- escape sequences are what is taken out
  const plain = said.replaceAll(/\u001b\[[0-9;]*m/g, "");
  if (!plain.includes("the stack is currently locked by")) return [];
  return [...plain.matchAll(/: created by (\S*)@(\S*) \(pid (\d+)\) at (\S+)/g)].map(
    ([, username = "", host = "", pid, timestamp = ""]) => ({
      pid: Number(pid),
      username,
      hostname: host,
      timestamp,
    }),
  );
}

/**
 * Runs something of the engine's, and once more if all that kept it are locks of engines of this computer that are no longer running.
 *
 * @param run is given a listener to what is said of errors, if anybody wants to know
 * @throws UserError naming a living holder
 */
export async function pastDeadLocks(
  workspace: Workspace,
  say: (line: string) => void,
  run: (hear?: (text: string) => void) => Promise<number>,
): Promise<number> {
  // Locks in a folder of this computer have been looked at.
  if (localBackend(workspace.backend.url) !== undefined) return run();
  let said = "";
  const code = await run((text) => {
    said += text;
  });
  const locks = code === 0 ? [] : locksIn(said);
  if (locks.length === 0) return code;
  for (const lock of locks) checkDead(workspace, lock);
  workspace.must("cancel", "--yes", "--stack", workspace.stack);
  for (const lock of locks) say(removed(lock));
  return run();
}
