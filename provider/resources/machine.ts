import { existsSync, readFileSync } from "node:fs";
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
import { GuestAgent } from "../qemu/guestAgent.ts";
import { killMachine, machineProcesses, prepareDisk, startMachine } from "../qemu/machine.ts";
import { Refused, type Context, type Prior, type Properties, type Resource } from "../resource.ts";
import { HostKeyMismatch } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import { hangUp } from "../ssh/session.ts";
import type { Connection } from "../ssh/target.ts";
import { pause, untilReachable } from "../ssh/wait.ts";

/** Inputs of `v4v:index:Machine`, an emulated machine. */
export interface MachineInputs {
  folder: string;
  marker: string;
  /** Disk image that the machine's own disk lies over. */
  image: string;
  memoryMiB: number;
  cpus: number;
  accelerator: "auto" | "tcg" | "kvm";
  connection: Connection;
  /** Private half of the host key that the connection pins. */
  hostPrivateKey: string;
  /** Public keys that may log in as root, one a line. */
  authorizedKeys: string;
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

/** Lays keys and time into a running machine through its agent, so that its sshd is this stack's and no other's. */
async function identifyMachine(inputs: MachineInputs, agent: GuestAgent): Promise<void> {
  await agent.shell('date -u -s "@$1" >/dev/null', String(Math.floor(Date.now() / 1000)));
  await agent.run(
    "/bin/sh",
    ["-eu", "-c", "umask 077; cat >/etc/ssh/ssh_host_ed25519_key"],
    inputs.hostPrivateKey,
  );
  await agent.run(
    "/bin/sh",
    ["-eu", "-c", "umask 077; mkdir -p /root/.ssh; cat >/root/.ssh/authorized_keys"],
    `${inputs.authorizedKeys.trim()}\n`,
  );
  await agent.shell(
    "systemd-machine-id-setup >/dev/null 2>&1 || true; sync; systemctl restart --no-block ssh.service",
  );
}

/** Whether the machine's SSH answers as this stack's, asked once. */
async function answers(
  connection: Connection,
  signal: AbortSignal,
  seconds: number,
): Promise<boolean> {
  const remote = new Remote(
    connection,
    AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]),
  );
  try {
    return (await remote.once("true")).exitCode === 0;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HostKeyMismatch) throw error;
    return false;
  }
}

/** Waits until the machine boots as far as its agent, if need be, and then until its SSH is this stack's. */
async function waitForLogin(
  context: Context,
  inputs: MachineInputs,
  fresh: boolean,
): Promise<void> {
  // A machine that runs already may be whole, or have been left before it got its keys.
  if (!fresh && (await answers(inputs.connection, context.signal, 15))) return;
  const agentSocket = join(inputs.folder, FILES.agent);
  const started = Date.now();
  const elapsed = () => `${Math.round((Date.now() - started) / 1000)} s`;
  for (let identified = false; !identified;) {
    try {
      const agent = await GuestAgent.connect(agentSocket, 2000);
      try {
        await identifyMachine(inputs, agent);
        identified = true;
      } finally {
        agent.close();
      }
    } catch {
      context.status(`booting for ${elapsed()}`);
      await pause(500, context.signal, "waiting for the machine to boot");
    }
  }
  const remote = new Remote(inputs.connection, context.signal);
  await untilReachable(
    "waiting for SSH",
    context.signal,
    () => remote.once("true"),
    () => {
      context.status(`waiting for SSH for ${elapsed()}`);
    },
  );
}

async function stopGently(
  context: Context,
  inputs: MachineInputs,
  identity: ProcessIdentity,
): Promise<void> {
  context.status("shutting the machine down to change its hardware");
  try {
    const remote = new Remote(
      inputs.connection,
      AbortSignal.any([context.signal, AbortSignal.timeout(20_000)]),
    );
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

export const machineResource: Resource = {
  deadlines: { create: 900, update: 900, delete: 60 },
  replaceOn: ["folder", "marker", "image"],
  quietInputs: ["authorizedKeys"],

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
        before.accelerator !== inputs.accelerator);
    if (identity !== undefined && hardwareChanged) {
      await stopGently(context, inputs, identity);
      identity = undefined;
    }
    const fresh = identity === undefined;
    if (identity === undefined) {
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
      await prepareDisk(inputs.folder, inputs.image, firmware.variables);
      const spec: MachineSpec = {
        marker: inputs.marker,
        accelerator: choice.accelerator,
        cpus: inputs.cpus,
        memoryMiB: inputs.memoryMiB,
        sshPort: inputs.connection.port,
        firmwareCode: firmware.code,
      };
      identity = await startMachine(inputs.folder, spec);
    }
    const consoleLog = join(inputs.folder, FILES.console);
    try {
      await waitForLogin(context, inputs, fresh);
    } catch (error) {
      if (error instanceof HostKeyMismatch) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(
        `the machine does not answer (${why}); its console ends with:\n${consoleTail(consoleLog, 15)}\n` +
          `Run up again to go on, or destroy to start over. The whole console is in ${consoleLog}`,
        { cause: error },
      );
    }
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
