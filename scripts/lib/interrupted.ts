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

/**
 * Removes locks of engines of this computer that are no longer running. Another computer's lock, or that of a living
 * engine, is somebody's work.
 *
 * @throws UserError naming a living holder
 */
export function clearDeadLocks(workspace: Workspace, say: (line: string) => void): void {
  const backend = localBackend(workspace.env.PULUMI_BACKEND_URL ?? "");
  if (backend === undefined) return;
  for (const path of lockFiles(backend, workspace.stack)) {
    const lock = JSON.parse(readFileSync(path, "utf8")) as Lock;
    const ours = lock.hostname === hostname();
    if (!ours || alive(lock.pid)) {
      throw new UserError(
        `stack ${workspace.stack} is being worked on by process ${lock.pid} of ${lock.username} on ${lock.hostname} since ${lock.timestamp}; ` +
          `wait for it to end${ours ? "" : `, or run "pulumi cancel" if that computer is gone`}`,
      );
    }
    rmSync(path);
    rmSync(`${path}.attrs`, { force: true });
    say(`An earlier run (process ${lock.pid}) was killed; its lock is removed`);
  }
}

/** Forgets creations that a killed engine left half recorded: every resource adopts what it finds when it is made again. */
export function clearPendingCreates(workspace: Workspace, say: (line: string) => void): void {
  const exported = workspace.run("stack", "export", "--stack", workspace.stack);
  if (exported.code !== 0) return;
  const state = JSON.parse(exported.stdout) as {
    deployment?: { pending_operations?: { type: string }[] };
  };
  const pending = state.deployment?.pending_operations ?? [];
  if (pending.length === 0) return;
  say(
    `An earlier run was killed in the middle of ${pending.length === 1 ? "an operation" : `${pending.length} operations`}; going on from there`,
  );
  workspace.must(
    "refresh",
    "--yes",
    "--skip-preview",
    "--clear-pending-creates",
    "--stack",
    workspace.stack,
  );
}
