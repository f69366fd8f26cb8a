import { STRANGERS_IN } from "../existing/strangers.ts";
import { consoleTail } from "../host/console.ts";
import { missing, typed } from "../inputs.ts";
import { Refused, type Context, type Prior, type Properties, type Resource } from "../resource.ts";
import { HostKeyMismatch, Unreachable } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import { hangUp } from "../ssh/session.ts";
import type { Connection } from "../ssh/target.ts";
import { pause } from "../ssh/wait.ts";
import { BOOTS, clockRate, isRight, LONG_LOOK_MS, RIGHT, UPTIME } from "../xen/clock.ts";
import { confirmTrial, prepareTrial, removeTrial } from "../xen/trial.ts";
import {
  BOOTED_BY_ENTRY,
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
  /** The host stays: its own boot entry is what it falls back to, and what it boots again in the end. */
  trial?: boolean;
}

export interface HypervisorOutputs extends RunningXen {
  /** Digest of hypervisor and boot entry when they were put in place. */
  installed: string;
  /** The same as last looked at: another one if somebody edited them. */
  found: string;
  /** Of the boot that was looked at: its clock is known to be right. Not so after a reboot that was somebody else's. */
  clockIsRight: boolean;
}

type Rebooted = Pick<HypervisorInputs, "connection" | "bootTimeout">;

async function reboot(
  context: Context,
  remote: Remote,
  inputs: Rebooted,
  before: string,
  what = "Xen",
): Promise<void> {
  context.status(what === "Xen" ? "rebooting into the hypervisor" : `rebooting into ${what}`);
  // The answer may or may not come through before the network goes down.
  await remote.once("sync; systemctl reboot").catch(() => undefined);
  await hangUp(remote.connection);
  const started = Date.now();
  for (;;) {
    const elapsed = Math.round((Date.now() - started) / 1000);
    if (elapsed > inputs.bootTimeout)
      throw new Error(`the host did not come back within ${inputs.bootTimeout} s`);
    context.status(`booting ${what} for ${elapsed} s`);
    const attempt = new Remote(inputs.connection, within(context.signal, 30));
    try {
      const answer = await attempt.once("cat /proc/sys/kernel/random/boot_id");
      if (answer.exitCode === 0 && answer.stdout.trim() !== before) return;
    } catch (error) {
      if (error instanceof HostKeyMismatch) throw error;
      context.signal.throwIfAborted();
      // A session that was granted just before the reset is never answered.
      if (!(error instanceof Unreachable) && !attempt.signal.aborted) throw error;
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

/** sshd may answer before the toolstack can tell what runs: what is being started is waited for. */
const TOOLSTACK = `
grep -qw "$1" /proc/cmdline || exit 0
systemctl start xen.service || :`;

/** Names of domUs that are not the testbed's: it has a unit for each of its own. */
const STRANGERS = `
${STRANGERS_IN}
[ -e /proc/xen/capabilities ] && grep -q control_d /proc/xen/capabilities || exit 0
# A toolstack that does not tell has not said that none runs.
list=$(timeout 20 xl list) || { echo "xl list does not tell which domUs run" >&2; exit 1; }
strangers "$list"`;

/**
 * A reboot ends whatever runs; what is not the testbed's is not its to end.
 *
 * @throws Refused naming them; nothing has been changed then
 */
async function checkStrangers(remote: Remote): Promise<void> {
  const said = await remote.run("looking at what runs", STRANGERS);
  const names = said.split("\n").filter(Boolean);
  if (names.length > 0)
    throw new Refused(
      `${remote.name} runs ${names.join(", ")}, which the reboot into the hypervisor would end; shut them down or move them first, they can be started again afterwards`,
    );
}

/**
 * The hypervisor on a host that stays: booted once, and the default only if it is the one that then runs.
 *
 * @throws Error that says what the host runs instead; its own entry is its default then
 */
async function tryOnce(
  context: Context,
  remote: Remote,
  inputs: HypervisorInputs,
  before: string,
): Promise<XenState> {
  await checkStrangers(remote);
  context.status("preparing one boot of the hypervisor");
  await prepareTrial(remote, inputs, inputs.bootTimeout);
  // Twice: for the hypervisor, and for the way back that its watch takes when it has not been confirmed in that time.
  const patient = { ...inputs, bootTimeout: 2 * inputs.bootTimeout };
  try {
    await reboot(context, remote, patient, before);
  } catch (error) {
    context.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${why} after a trial boot of the hypervisor. Its own boot entry is still its default: switch ${remote.name} off and on, then run up again, or destroy`,
      { cause: error },
    );
  }
  await remote.run("waiting for the toolstack", TOOLSTACK, BOOTED_BY_ENTRY);
  const state = await lookAtXen(remote, inputs);
  if (!runs(state.running, inputs))
    throw new Error(
      state.running.runningBuildId === ""
        ? `the trial boot of the hypervisor failed, and ${remote.name} came back by its own boot entry, without Xen; nothing else of it was changed. ` +
            `Its console tells why: look at a serial console, or take back what was changed last (xen.options, kernel/xen); then run up again, or destroy`
        : `${remote.name} came back with the hypervisor ${state.running.runningBuildId} and command line "${state.running.runningCommandLine}", ` +
            `expected were ${inputs.buildId} and "${inputs.commandLine}"; its own boot entry is still its default`,
    );
  return state;
}

/** Boot id, if it is the testbed's hypervisor that runs, and the domUs that are not the testbed's: its own are gone by then. */
const DOMAINS = `
grep -qw "$1" /proc/cmdline || exit 0
cat /proc/sys/kernel/random/boot_id
${STRANGERS}`;

/** Gives a host that stays its own boot entry back, and boots that, unless domUs of its own would end by it. */
async function leave(context: Context, inputs: HypervisorInputs): Promise<void> {
  const remote = new Remote(inputs.connection, context.signal);
  await removeTrial(remote, inputs.imagePath);
  await remote.run("waiting for the toolstack", TOOLSTACK, BOOTED_BY_ENTRY);
  const said = await remote.run("looking at what runs", DOMAINS, BOOTED_BY_ENTRY);
  const [bootId = "", ...domains] = said.split("\n").filter(Boolean);
  if (bootId === "") return;
  if (domains.length > 0) {
    context.warn(
      `${remote.name} runs ${domains.join(", ")} and is not rebooted: it leaves the testbed's hypervisor with its next boot`,
    );
    return;
  }
  await reboot(context, remote, inputs, bootId, "the host's own entry");
}

/** Our hypervisor as the one that boots: file, boot entry, reboot, and proof that it is the one that runs. */
export const hypervisorResource: Resource = {
  deadlines: { create: 1800, update: 1800, delete: 900 },

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
    if (running.clockIsRight === false) changed.push("clockIsRight");
    return { changed };
  },

  async ensure(
    context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    const inputs = typed<HypervisorInputs>(properties);
    const remote = new Remote(inputs.connection, context.signal);
    const trial = inputs.trial === true;
    if (!trial) await install(remote, inputs);
    else await remote.run("waiting for the toolstack", TOOLSTACK, BOOTED_BY_ENTRY);
    let state = await lookAtXen(remote, inputs);
    const reboot = () =>
      (trial ? tryOnce : rebootOrExplain)(context, remote, inputs, state.running.bootId);
    // On a host that stays nothing becomes the default that has not been booted once.
    const otherEntry = trial && prior !== undefined && prior.inputs.bootEntry !== inputs.bootEntry;
    if (!runs(state.running, inputs) || otherEntry) state = await reboot();
    for (let tries = 1; runs(state.running, inputs) && !state.clockIsRight; tries++) {
      context.status("looking at its clock");
      const uptime = () => remote.run("reading its clock", UPTIME);
      let rate = await clockRate(uptime, context.signal);
      // One late answer among few: looked at for longer before anything is rebooted for it.
      if (!isRight(rate)) rate = await clockRate(uptime, context.signal, LONG_LOOK_MS);
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
    if (trial) {
      await confirmTrial(remote, inputs);
      state = await lookAtXen(remote, inputs);
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
    const outputs: HypervisorOutputs = {
      ...running,
      installed,
      found: installed,
      clockIsRight: true,
    };
    return { ...outputs };
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<HypervisorInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    const { running, installed, clockIsRight } = await lookAtXen(remote, inputs);
    const outputs = { ...prior.outputs, ...running, found: installed, clockIsRight };
    return { inputs: prior.inputs, outputs };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const inputs = typed<HypervisorInputs>(prior.inputs);
    if (inputs.trial === true) return leave(context, inputs);
    // An emulated machine goes with its disk (deletedWith).
    const remote = new Remote(inputs.connection, context.signal);
    await remote.run("removing the hypervisor", 'rm -f "$1" "$2"', CUSTOM_CFG, inputs.imagePath);
  },
};
