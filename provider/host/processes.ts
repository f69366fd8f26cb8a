import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Start time in clock ticks since boot: field 22 of /proc/PID/stat, proc(5). */
  startTicks: string;
  /** The boot it belongs to; after a reboot of the controller every recorded process is gone. */
  bootId: string;
}

export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses and may hold anything; the state follows the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessIdentity | undefined {
  const ticks = startTicks(pid);
  return ticks === undefined ? undefined : { pid, startTicks: ticks, bootId: bootId() };
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identity.bootId === bootId() && startTicks(identity.pid) === identity.startTicks;
}

/** Running processes of which `matches` holds; one that ends or may not be looked at meanwhile does not count. */
function processesThat(matches: (pid: number) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      if (pid === process.pid) return false;
      try {
        return matches(pid);
      } catch {
        return false;
      }
    });
}

/** Running processes of which one argument contains `text`. */
export function processesWithArgument(text: string): number[] {
  return processesThat((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8")
      .split("\0")
      .some((argument) => argument.includes(text)),
  );
}

/** Running processes whose working directory lies in `folder`. */
export function processesIn(folder: string): number[] {
  return processesThat((pid) => {
    const directory = readlinkSync(`/proc/${pid}/cwd`);
    return directory === folder || directory.startsWith(`${folder}/`);
  });
}

/** Ends a process by SIGTERM, after `graceMs` by SIGKILL, and waits until it is gone. */
export async function end(identity: ProcessIdentity, graceMs: number): Promise<void> {
  const kill = (signal: NodeJS.Signals) => {
    if (!isRunning(identity)) return;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  kill("SIGTERM");
  if (await gone(identity, graceMs)) return;
  kill("SIGKILL");
  if (!(await gone(identity, 10_000))) throw new Error(`process ${identity.pid} does not end`);
}

/** Waits until a process is gone; false if it still runs after `ms`. */
export async function gone(identity: ProcessIdentity, ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  while (isRunning(identity)) {
    if (Date.now() >= until) return false;
    await sleep(50);
  }
  return true;
}
