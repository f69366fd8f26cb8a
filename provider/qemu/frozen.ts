import { createHash } from "node:crypto";
import { chmodSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ensureEntry, entryPath } from "../build/entry.ts";
import { record } from "../host/ledger.ts";
import { chooseFreePort } from "../host/ports.ts";
import { end, gone, type ProcessIdentity } from "../host/processes.ts";
import type { Context } from "../resource.ts";
import { placeFiles, type TextFile } from "../resources/files.ts";
import { RemoteFailure } from "../ssh/errors.ts";
import { newKey } from "../ssh/keys.ts";
import { Remote, sha256File } from "../ssh/remote.ts";
import { hangUp } from "../ssh/session.ts";
import type { Connection } from "../ssh/target.ts";
import { install, parseProbe, PROBE, runs, type RunningXen, type XenBoot } from "../xen/boot.ts";
import { BOOTS, clockRate, isRight, UPTIME } from "../xen/clock.ts";
import { placeRoot, type GuestRoot } from "../xen/guestRoot.ts";
import { FILES, qemuArguments, type MachineSpec } from "./arguments.ts";
import { freezeMachine } from "./freeze.ts";
import { PASSING_ID, waitForLogin, withAgent } from "./identity.ts";
import { machineProcesses, prepareDisk, startMachine } from "./machine.ts";

/** What a frozen machine is made from. */
export interface FrozenSpec {
  /** Plain Debian disk, raw. */
  image: string;
  /** Empty UEFI variables. */
  firmwareVariables: string;
  hardware: Omit<MachineSpec, "marker" | "sshPort">;
  boot: XenBoot;
  /** What the domUs are going to boot from. */
  root: GuestRoot;
  /** What the host needs for that and before Xen boots; nothing secret. */
  files: TextFile[];
  /** QEMU's version: another one may not read the state. */
  emulator: string;
}

/** A Xen host that has just booted, with its domUs' image and without identity or domUs, as files in the cache. */
export interface FrozenMachine {
  disk: string;
  firmwareVariables: string;
  state: string;
}

/** Another number for another way to make them, so that older ones are not used. */
const VERSION = 3;

const STATE = "machine.state";

/** The same inputs give the same key on every controller and in every clone. */
export async function frozenKey(spec: FrozenSpec): Promise<string> {
  const { image, buildId, ...boot } = spec.boot;
  const cpu =
    spec.hardware.accelerator === "kvm"
      ? (/^model name\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "")
      : "";
  const text = JSON.stringify([
    VERSION,
    // A cache entry's name is the hash of its inputs.
    basename(dirname(spec.image)),
    await sha256File(spec.firmwareVariables),
    statSync(spec.hardware.firmwareCode).size,
    qemuArguments({ ...spec.hardware, marker: "", sshPort: 0 }),
    spec.emulator,
    cpu,
    boot,
    buildId,
    spec.root.imageSha256,
    spec.root.makeInitrdSha256,
    spec.root.folder,
    spec.files,
    await sha256File(image),
  ]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** What made the machine this one's: keys, names, logs, seeds, and the blocks that they lay in. */
const STRIP = `
rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys /var/lib/systemd/random-seed /root/.bash_history
: >/etc/machine-id
journalctl -q --rotate 2>/dev/null; rm -rf /var/log/journal/*
sync
fstrim / 2>/dev/null || true
systemctl --no-block poweroff`;

/** Until nothing is starting any more; a host whose sshd has no keys counts as degraded. */
const SETTLED =
  "for i in $(seq 240); do case $(systemctl is-system-running) in running|degraded) exit 0;; esac; sleep 0.5; done; exit 1";

async function untilEnded(
  context: Context,
  identity: ProcessIdentity,
  seconds: number,
): Promise<void> {
  const until = Date.now() + seconds * 1000;
  while (!(await gone(identity, 500))) {
    context.signal.throwIfAborted();
    if (Date.now() > until) throw new Error(`it did not power off within ${seconds} s`);
  }
}

async function bootXen(
  context: Context,
  scratch: string,
  machine: MachineSpec,
): Promise<RunningXen> {
  for (let tries = 1; ; tries++) {
    context.status("booting Xen");
    const identity = await startMachine(scratch, machine);
    const running = await withAgent(context, scratch, "waiting for Xen to boot", async (agent) => {
      await agent.shell(SETTLED);
      return parseProbe(await agent.shell(PROBE));
    });
    const rate = await withAgent(context, scratch, "looking at its clock", (agent) =>
      clockRate(() => agent.shell(UPTIME), context.signal),
    );
    if (isRight(rate)) {
      // Booted without an id, it has made itself one. Its network needs that as long as it has no other.
      await withAgent(context, scratch, "marking its machine id", (agent) =>
        agent.shell(`touch ${PASSING_ID}; sync`),
      );
      return running;
    }
    if (tries === BOOTS)
      throw new Error(`its clock runs at ${rate.toFixed(2)} of real time, after ${BOOTS} boots`);
    await end(identity, 2000);
  }
}

/**
 * Turns a plain Debian into a Xen host by way of SSH, under keys that are thrown away, takes every identity off its
 * disk, and starts it anew in empty memory: what is frozen then never held a key of anybody.
 */
async function make(context: Context, spec: FrozenSpec, marker: string, scratch: string) {
  const say = (text: string) => {
    context.status(`freezing a machine for later: ${text}`);
  };
  const stage: Context = {
    urn: context.urn,
    signal: context.signal,
    status: say,
    info: (line) => {
      context.info(line);
    },
    warn: (line) => {
      context.warn(line);
    },
  };
  const port = await chooseFreePort();
  const login = newKey("v4v-frozen");
  const host = newKey("v4v-frozen-host");
  const connection: Connection = {
    host: "127.0.0.1",
    port,
    user: "root",
    privateKey: login.privateKey,
    hostKey: host.publicKey,
  };
  const machine: MachineSpec = { ...spec.hardware, marker, sshPort: port };
  await prepareDisk(scratch, { path: spec.image, format: "raw" }, spec.firmwareVariables);

  say("booting Debian");
  const debian = await startMachine(scratch, machine);
  await waitForLogin(
    stage,
    {
      folder: scratch,
      connection,
      hostPrivateKey: host.privateKey,
      authorizedKeys: login.publicKey,
    },
    true,
  );
  const remote = new Remote(connection, context.signal);
  say("installing the hypervisor");
  await install(remote, spec.boot);
  await placeFiles(remote, spec.files);
  await placeRoot(remote, spec.root, say);
  await remote.run("taking its identity from the machine", STRIP).catch((error: unknown) => {
    // The machine may be gone before its answer.
    context.signal.throwIfAborted();
    if (error instanceof RemoteFailure) throw error;
  });
  await hangUp(connection);
  await untilEnded(context, debian, 120);

  const running = await bootXen(stage, scratch, machine);
  if (!runs(running, spec.boot)) {
    throw new Error(
      `the machine came up with hypervisor "${running.runningBuildId}", expected was ${spec.boot.buildId}`,
    );
  }
  say("saving its state");
  const xen = machineProcesses(marker)[0];
  await freezeMachine(scratch, join(scratch, STATE), context.signal);
  if (xen !== undefined && !(await gone(xen, 10_000))) await end(xen, 2000);
}

/**
 * The frozen machine for these inputs, made if need be.
 *
 * @param ledger folder of the stack on whose behalf processes are started
 */
export async function frozenMachine(
  context: Context,
  spec: FrozenSpec,
  ledger: string,
): Promise<FrozenMachine> {
  const key = await frozenKey(spec);
  const waiting = () => {
    context.status("another process is freezing the same machine; waiting for it");
  };
  // As long as every marker: it is part of tables whose size a resumed machine must find unchanged.
  const marker = `v4v-testbed-${key}`;
  const sweep = async () => {
    for (const left of machineProcesses(marker)) await end(left, 2000);
  };
  const name = `frozen-${key}`;
  await ensureEntry(name, context.signal, waiting, async (scratch, out) => {
    chmodSync(scratch, 0o700);
    chmodSync(out, 0o700);
    await sweep();
    record(ledger, { kind: "process-intended", marker });
    try {
      await make(context, spec, marker, scratch);
    } catch (error) {
      await sweep();
      rmSync(scratch, { recursive: true, force: true });
      throw error;
    }
    for (const file of [FILES.disk, FILES.firmwareVariables, STATE])
      renameSync(join(scratch, file), join(out, file));
  });
  const path = entryPath(name);
  return {
    disk: join(path, FILES.disk),
    firmwareVariables: join(path, FILES.firmwareVariables),
    state: join(path, STATE),
  };
}
