import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { afterEach } from "vitest";

/** Starts programs that are gone, with their process groups, when the test is over. */
export function useChildren(): (
  program: string,
  args: string[],
  options?: SpawnOptions,
) => Promise<ChildProcess & { pid: number }> {
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
      const gone = once(child, "exit");
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended; this process has not been told yet.
      }
      await gone;
    }
  });
  return async (program, args, options = {}) => {
    const child = spawn(program, args, { stdio: "ignore", ...options, detached: true });
    children.push(child);
    await once(child, "spawn");
    return child as ChildProcess & { pid: number };
  };
}
