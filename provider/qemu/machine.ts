import { execFile, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  renameSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { record } from "../host/ledger.ts";
import {
  end,
  gone,
  identify,
  processesWithArgument,
  type ProcessIdentity,
} from "../host/processes.ts";
import { FILES, qemuArguments, type MachineSpec } from "./arguments.ts";
import { Monitor } from "./monitor.ts";
import { unprivileged } from "./privileges.ts";

const run = promisify(execFile);

/** What a machine's own disk lies over: a plain image, or the disk of a frozen machine. */
export interface Backing {
  path: string;
  format: "raw" | "qcow2";
}

/** Makes the machine's own disk over a shared one, and its UEFI variables, if they are not there yet. */
export async function prepareDisk(
  folder: string,
  { path, format }: Backing,
  firmwareVariables: string,
): Promise<void> {
  const disk = join(folder, FILES.disk);
  if (!existsSync(disk)) {
    await run("qemu-img", ["create", "-q", "-f", "qcow2", "-F", format, "-b", path, `${disk}.new`]);
    renameSync(`${disk}.new`, disk);
  }
  const variables = join(folder, FILES.firmwareVariables);
  if (!existsSync(variables)) copyFileSync(firmwareVariables, variables);
}

/**
 * Starts QEMU in a session of its own, so that it outlives the engine and no Ctrl-C reaches it.
 *
 * @param frozenState file with the state to go on from; the machine then waits for thawMachine()
 */
export async function startMachine(
  folder: string,
  spec: MachineSpec,
  frozenState?: string,
): Promise<ProcessIdentity> {
  for (const name of [FILES.agent, FILES.monitor]) rmSync(join(folder, name), { force: true });
  record(folder, { kind: "process-intended", marker: spec.marker });
  const log = openSync(join(folder, FILES.log), "w", 0o600);
  const state = frozenState === undefined ? undefined : openSync(frozenState, "r");
  // The fourth of its descriptors, after the three standard ones.
  const args = qemuArguments(spec, state === undefined ? undefined : 3);
  const [program = "", ...given] = unprivileged(["qemu-system-x86_64", ...args], folder);
  const child = spawn(program, given, {
    cwd: folder,
    detached: true,
    stdio: ["ignore", log, log, ...(state === undefined ? [] : [state])],
  });
  closeSync(log);
  if (state !== undefined) closeSync(state);
  const failure = new Promise<Error>((resolve) => {
    child.once("error", resolve);
    child.once("exit", (code) => {
      resolve(new Error(`QEMU ended with code ${code ?? "none"}: ${qemuLog(folder)}`));
    });
  });
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (identity === undefined) throw await failure;
  record(folder, { kind: "process", marker: spec.marker, ...identity });
  // A wrong argument or a taken port shows at once; the monitor answers only when all of it was accepted.
  await Promise.race([
    failure.then((error) => {
      throw error;
    }),
    monitorAnswers(folder),
  ]);
  child.removeAllListeners();
  return identity;
}

async function monitorAnswers(folder: string): Promise<void> {
  const until = Date.now() + 30_000;
  for (;;) {
    try {
      (await Monitor.connect(join(folder, FILES.monitor))).close();
      return;
    } catch (error) {
      if (Date.now() > until) throw new Error("QEMU's monitor does not answer", { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export function qemuLog(folder: string): string {
  try {
    return readFileSync(join(folder, FILES.log), "utf8").trim().split("\n").slice(-5).join("\n");
  } catch {
    return "";
  }
}

/** Stops a machine at once: its disk is about to be thrown away, or its guest is past helping. */
export async function killMachine(folder: string, identity: ProcessIdentity): Promise<void> {
  try {
    const monitor = await Monitor.connect(join(folder, FILES.monitor));
    await monitor.execute("quit").catch(() => undefined);
    monitor.close();
    if (await gone(identity, 5000)) return;
  } catch {
    // No monitor: signals do it.
  }
  await end(identity, 2000);
}

/** Every process that carries the marker, whoever started it and whether or not that was written down. */
export function machineProcesses(marker: string): ProcessIdentity[] {
  return processesWithArgument(`value=${marker}`)
    .map(identify)
    .filter((identity) => identity !== undefined);
}
