import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { consoleTail } from "../host/console.ts";
import { portIsFree } from "../host/ports.ts";
import { end, type ProcessIdentity } from "../host/processes.ts";
import { missing, typed } from "../inputs.ts";
import { chooseAccelerator } from "../qemu/accelerator.ts";
import { FILES, type MachineSpec } from "../qemu/arguments.ts";
import { findFirmware } from "../qemu/firmware.ts";
import { thawMachine } from "../qemu/freeze.ts";
import { frozenMachine, type FrozenSpec } from "../qemu/frozen.ts";
import { answers, waitForLogin } from "../qemu/identity.ts";
import { killMachine, machineProcesses, prepareDisk, startMachine } from "../qemu/machine.ts";
import { Refused, type Context, type Prior, type Properties, type Resource } from "../resource.ts";
import { HostKeyMismatch } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import { hangUp } from "../ssh/session.ts";
import type { Connection } from "../ssh/target.ts";
import { pause } from "../ssh/wait.ts";
import { within } from "../host/within.ts";

/** What a frozen machine holds, as far as it is not this controller's or hardware. */
export type Freeze = Pick<
  FrozenSpec,
  | "boot"
  | "root"
  | "files"
  | "programs"
  | "packages"
  | "payload"
  | "units"
  | "guests"
  | "awaitIdentity"
>;

/** Inputs of `v4v:index:Machine`, an emulated machine. */
export interface MachineInputs {
  folder: string;
  marker: string;
  /** Disk image that the machine's own disk lies over. */
  image: string;
  memoryMiB: number;
  cpus: number;
  accelerator: "auto" | "tcg" | "kvm";
  /** An IOMMU, and a display device that a domU can be given. */
  gpu?: boolean;
  connection: Connection;
  /** Private half of the host key that the connection pins. */
  hostPrivateKey: string;
  /** Public keys that may log in as root, one a line. */
  authorizedKeys: string;
  /** Seconds without an answer after which a machine is switched off and on, once. */
  silence: number;
  /** Go on from a frozen machine with this in it, and make that one first if need be. */
  freeze?: Freeze;
}

export interface MachineOutputs {
  /** `silent`: the process runs and its SSH does not answer. */
  state: "running" | "silent" | "stopped";
  acceleratorUsed: "tcg" | "kvm";
  acceleratorReason: string;
  /** QEMU's version and the controller's CPU, for the report. */
  emulator: string;
  consoleLog: string;
  /** Another value after each start of the machine: what runs in it has to be looked at again. */
  incarnation: string;
}

const run = promisify(execFile);

function availableMiB(): number {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"));
  return Math.floor(Number(match?.[1] ?? 0) / 1024);
}

async function emulatorVersion(): Promise<string> {
  try {
    return (await run("qemu-system-x86_64", ["--version"])).stdout.split("\n")[0] ?? "";
  } catch (error) {
    throw new Refused(
      "qemu-system-x86_64 is not installed; ./scripts/up installs what is missing",
      { cause: error },
    );
  }
}

function incarnation(identity: ProcessIdentity): string {
  return `${identity.bootId}:${identity.pid}:${identity.startTicks}`;
}

async function stopGently(
  context: Context,
  inputs: MachineInputs,
  identity: ProcessIdentity,
): Promise<void> {
  context.status("shutting the machine down to change its hardware");
  try {
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    await remote.once("sync; systemctl poweroff");
  } catch {
    // It does not answer: the power switch then.
  }
  await hangUp(inputs.connection);
  const until = Date.now() + 60_000;
  while (Date.now() < until && machineProcesses(inputs.marker).length > 0)
    await pause(500, context.signal, "shutting down");
  if (machineProcesses(inputs.marker).length > 0) await killMachine(inputs.folder, identity);
}

/** Powers the machine on. */
async function boot(
  inputs: MachineInputs,
  spec: MachineSpec,
  firmwareVariables: string,
): Promise<ProcessIdentity> {
  await prepareDisk(inputs.folder, { path: inputs.image, format: "raw" }, firmwareVariables);
  return startMachine(inputs.folder, spec);
}

/** Goes on from a frozen machine; undefined if this one has a disk already, or it cannot be had. */
async function resume(
  context: Context,
  inputs: MachineInputs,
  start: Omit<FrozenSpec, keyof Freeze>,
  spec: MachineSpec,
): Promise<ProcessIdentity | undefined> {
  const disk = join(inputs.folder, FILES.disk);
  if (inputs.freeze === undefined || existsSync(disk)) return undefined;
  try {
    const frozen = await frozenMachine(context, { ...start, ...inputs.freeze }, inputs.folder);
    context.status("going on from the frozen machine");
    await prepareDisk(
      inputs.folder,
      { path: frozen.disk, format: "qcow2" },
      frozen.firmwareVariables,
    );
    const identity = await startMachine(inputs.folder, spec, frozen.state);
    await thawMachine(inputs.folder, context.signal);
    return identity;
  } catch (error) {
    context.signal.throwIfAborted();
    // Only time is lost: a machine can always be booted.
    context.warn(
      `no frozen machine to go on from (${error instanceof Error ? error.message : String(error)}); booting one instead`,
    );
    for (const process of machineProcesses(inputs.marker)) await end(process, 2000);
    for (const name of [FILES.disk, FILES.firmwareVariables])
      rmSync(join(inputs.folder, name), { force: true });
    return undefined;
  }
}

export const machineResource: Resource = {
  deadlines: { create: 900, update: 900, delete: 60 },
  replaceOn: ["folder", "marker", "image"],
  // A machine that exists is not made again for another hypervisor: that one is installed and booted.
  quietInputs: ["authorizedKeys", "freeze", "silence"],

  id: (inputs) => typed<MachineInputs>(inputs).marker,

  check: (inputs) =>
    Promise.resolve({
      inputs,
      failures: missing(inputs, [
        "folder",
        "marker",
        "image",
        "memoryMiB",
        "cpus",
        "accelerator",
        "connection",
        "hostPrivateKey",
      ]),
    }),

  diff(prior: Prior) {
    return typed<Partial<MachineOutputs>>(prior.outputs).state === "running"
      ? {}
      : { changed: ["state"] };
  },

  async ensure(
    context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    const inputs = typed<MachineInputs>(properties);
    const before = prior === undefined ? undefined : typed<MachineInputs>(prior.inputs);
    const firmware = findFirmware();
    if (firmware === undefined)
      throw new Refused(
        "no UEFI firmware (OVMF) is installed; ./scripts/up installs what is missing",
      );
    const emulator = await emulatorVersion();
    const choice = await chooseAccelerator(inputs.accelerator).catch((error: unknown) => {
      throw new Refused(error instanceof Error ? error.message : String(error));
    });

    const [first, ...surplus] = machineProcesses(inputs.marker);
    let identity = first;
    for (const process of surplus) await end(process, 2000);
    const hardwareChanged =
      before !== undefined &&
      (before.memoryMiB !== inputs.memoryMiB ||
        before.cpus !== inputs.cpus ||
        (before.gpu ?? false) !== (inputs.gpu ?? false) ||
        before.connection.port !== inputs.connection.port ||
        before.accelerator !== inputs.accelerator);
    if (identity !== undefined && hardwareChanged) {
      await stopGently(context, { ...inputs, connection: before.connection }, identity);
      identity = undefined;
    }
    const powerOn = async (): Promise<ProcessIdentity> => {
      if (availableMiB() < inputs.memoryMiB) {
        throw new Refused(
          `too little memory: the machine wants ${inputs.memoryMiB} MiB, ${availableMiB()} MiB are available; ` +
            `lower machine.memoryMiB (and vmCount), or end other programs`,
        );
      }
      if (!(await portIsFree(inputs.connection.port))) {
        throw new Refused(
          `port ${inputs.connection.port} of loopback, which belongs to this stack, is in use by another program; ` +
            `end that program, or move: pulumi config set --path machine.sshPort PORT`,
        );
      }
      const hardware = {
        accelerator: choice.accelerator,
        cpus: inputs.cpus,
        memoryMiB: inputs.memoryMiB,
        firmwareCode: firmware.code,
        gpu: inputs.gpu ?? false,
      };
      const spec = { ...hardware, marker: inputs.marker, sshPort: inputs.connection.port };
      const start = {
        image: inputs.image,
        firmwareVariables: firmware.variables,
        hardware,
        emulator,
      };
      return (
        (await resume(context, inputs, start, spec)) ??
        (await boot(inputs, spec, firmware.variables))
      );
    };
    const consoleLog = join(inputs.folder, FILES.console);
    const answer = async (signal: AbortSignal, fresh: boolean): Promise<void> => {
      try {
        await waitForLogin({ ...context, signal }, inputs, fresh);
      } catch (error) {
        if (error instanceof HostKeyMismatch) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(
          `the machine does not answer (${why}); its console ends with:\n${consoleTail(consoleLog, 15)}\n` +
            `Run up again to go on, or destroy to start over. The whole console is in ${consoleLog}`,
          { cause: error },
        );
      }
    };
    // An up that was killed while it resumed the machine leaves it standing still. Without a monitor it is not a
    // machine that can be helped by this; whether it answers is asked next.
    if (identity !== undefined)
      await thawMachine(inputs.folder, context.signal).catch(() => undefined);
    // One that runs already may hang, and so may one that came up before and boots once more: it is switched off and on.
    // A new one, and the last attempt, have the rest of the deadline.
    for (const attempt of [1, 2]) {
      const fresh = identity === undefined;
      const isNew = prior === undefined || prior.unfinished === true;
      const last = attempt === 2 || (fresh && isNew);
      identity ??= await powerOn();
      const patience = within(context.signal, inputs.silence);
      try {
        await answer(last ? context.signal : patience, fresh);
        break;
      } catch (error) {
        if (last || !patience.aborted || context.signal.aborted) throw error;
        context.warn(
          `the machine runs and has not answered for ${inputs.silence} s; it is switched off and on. ` +
            `Its console ended with:\n${consoleTail(consoleLog, 15)}`,
        );
        await killMachine(inputs.folder, identity);
        identity = undefined;
      }
    }
    if (identity === undefined) throw new Error("the machine was not switched on again");
    const outputs: MachineOutputs = {
      state: "running",
      acceleratorUsed: choice.accelerator,
      acceleratorReason: choice.reason,
      emulator,
      consoleLog,
      incarnation: incarnation(identity),
    };
    return { ...outputs };
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<MachineInputs>(prior.inputs);
    if (!existsSync(join(inputs.folder, FILES.disk))) return undefined;
    const [identity] = machineProcesses(inputs.marker);
    let state: MachineOutputs["state"] = "stopped";
    if (identity !== undefined)
      state = (await answers(inputs.connection, context.signal, 15)) ? "running" : "silent";
    return {
      inputs: prior.inputs,
      outputs: {
        ...prior.outputs,
        state,
        ...(identity !== undefined && { incarnation: incarnation(identity) }),
      },
    };
  },

  async delete(_context: Context, prior: Prior): Promise<void> {
    const inputs = typed<MachineInputs>(prior.inputs);
    await hangUp(inputs.connection);
    for (const identity of machineProcesses(inputs.marker))
      await killMachine(inputs.folder, identity);
  },
};
