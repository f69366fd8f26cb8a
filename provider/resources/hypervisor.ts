import { consoleTail } from "../host/console.ts";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource } from "../resource.ts";
import { HostKeyMismatch, Unreachable } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import { hangUp } from "../ssh/session.ts";
import type { Connection } from "../ssh/target.ts";
import { pause } from "../ssh/wait.ts";
import { BOOTS, clockRate, isRight, RIGHT, UPTIME } from "../xen/clock.ts";
import {
  CUSTOM_CFG,
  install,
  lookAtXen,
  runs,
  type RunningXen,
  type XenBoot,
  type XenState,
} from "../xen/boot.ts";
import { within } from "../host/within.ts";

/** Inputs of `v4v:index:Hypervisor`. */
export interface HypervisorInputs extends XenBoot {
  connection: Connection;
  /** Another value after each start of the machine. */
  incarnation: string;
  /** Seconds that the reboot may take. */
  bootTimeout: number;
  /** The machine's console on the controller, if there is one: its end goes into errors. */
  consoleLog?: string;
}

export interface HypervisorOutputs extends RunningXen {
  /** Digest of hypervisor and boot entry when they were put in place. */
  installed: string;
  /** The same as last looked at: another one if somebody edited them. */
  found: string;
}

async function reboot(
  context: Context,
  remote: Remote,
  inputs: HypervisorInputs,
  before: string,
): Promise<void> {
  context.status("rebooting into the hypervisor");
  // The answer may or may not come through before the network goes down.
  await remote.once("sync; systemctl reboot").catch(() => undefined);
  await hangUp(remote.connection);
  const started = Date.now();
  for (;;) {
    const elapsed = Math.round((Date.now() - started) / 1000);
    if (elapsed > inputs.bootTimeout)
      throw new Error(`the host did not come back within ${inputs.bootTimeout} s`);
    context.status(`booting Xen for ${elapsed} s`);
    try {
      const attempt = new Remote(inputs.connection, within(context.signal, 30));
      const answer = await attempt.once("cat /proc/sys/kernel/random/boot_id");
      if (answer.exitCode === 0 && answer.stdout.trim() !== before) return;
    } catch (error) {
      if (error instanceof HostKeyMismatch) throw error;
      context.signal.throwIfAborted();
      if (!(error instanceof Unreachable) && (error as Error).name !== "TimeoutError") throw error;
    }
    await hangUp(inputs.connection);
    await pause(1000, context.signal, "waiting for the host to come back");
  }
}

async function rebootOrExplain(
  context: Context,
  remote: Remote,
  inputs: HypervisorInputs,
  before: string,
): Promise<XenState> {
  try {
    await reboot(context, remote, inputs, before);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const tail =
      inputs.consoleLog === undefined
        ? ""
        : `; its console ends with:\n${consoleTail(inputs.consoleLog, 15)}`;
    throw new Error(`${why}${tail}`, { cause: error });
  }
  return lookAtXen(remote, inputs);
}

/** Our hypervisor as the one that boots: file, boot entry, reboot, and proof that it is the one that runs. */
export const hypervisorResource: Resource = {
  deadlines: { create: 1800, update: 1800, delete: 120 },

  id: (inputs) => `xen@${typed<HypervisorInputs>(inputs).connection.host}`,

  check: (inputs) =>
    Promise.resolve({
      inputs,
      failures: missing(inputs, [
        "connection",
        "image",
        "buildId",
        "bootEntry",
        "imagePath",
        "commandLine",
      ]),
    }),

  diff(prior: Prior, next: Properties) {
    const running = typed<Partial<HypervisorOutputs>>(prior.outputs);
    const changed: string[] = [];
    if (!runs(running, typed<HypervisorInputs>(next))) changed.push("runningBuildId");
    if (running.found !== running.installed || prior.inputs.bootEntry !== next.bootEntry)
      changed.push("bootEntry");
    return { changed };
  },

  async ensure(context: Context, properties: Properties): Promise<Properties> {
    const inputs = typed<HypervisorInputs>(properties);
    const remote = new Remote(inputs.connection, context.signal);
    await install(remote, inputs);
    let state = await lookAtXen(remote, inputs);
    const reboot = () => rebootOrExplain(context, remote, inputs, state.running.bootId);
    if (!runs(state.running, inputs)) state = await reboot();
    for (let tries = 1; runs(state.running, inputs) && !state.clockIsRight; tries++) {
      context.status("looking at its clock");
      const rate = await clockRate(() => remote.run("reading its clock", UPTIME), context.signal);
      if (isRight(rate)) {
        await remote.run("noting that its clock is right", ': >"$1"', RIGHT);
        break;
      }
      const found = `its clock runs at ${rate.toFixed(2)} of real time`;
      if (tries === BOOTS)
        throw new Error(
          `${remote.name}: ${found}, after ${BOOTS} boots; is this computer overloaded?`,
        );
      context.warn(`${found}: Xen mismeasured the TSC as it booted; booting once more`);
      state = await reboot();
    }
    const { running, installed } = state;
    if (running.runningBuildId === "") {
      throw new Error(
        `${remote.name} came back without Xen: ${CUSTOM_CFG} was not used or its kernel could not be loaded`,
      );
    }
    if (!runs(running, inputs)) {
      throw new Error(
        `${remote.name} runs the hypervisor with build id ${running.runningBuildId} and command line "${running.runningCommandLine}", ` +
          `expected were ${inputs.buildId} and "${inputs.commandLine}"`,
      );
    }
    const outputs: HypervisorOutputs = { ...running, installed, found: installed };
    return { ...outputs };
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<HypervisorInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    const { running, installed } = await lookAtXen(remote, inputs);
    return { inputs: prior.inputs, outputs: { ...prior.outputs, ...running, found: installed } };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    // An emulated machine goes with its disk (deletedWith); this is for one that stays.
    const inputs = typed<HypervisorInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, context.signal);
    await remote.run("removing the hypervisor", 'rm -f "$1" "$2"', CUSTOM_CFG, inputs.imagePath);
  },
};
