import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ensureEntry, entryPath } from "../build/entry.ts";
import { record } from "../host/ledger.ts";
import { chooseFreePort } from "../host/ports.ts";
import { end, gone, type ProcessIdentity } from "../host/processes.ts";
import type { Context } from "../resource.ts";
import { placeFiles, type RemoteFile, type TextFile } from "../resources/files.ts";
import { payloadDigest, placePayload } from "../resources/guestImage.ts";
import { installPackages, type RemotePackage } from "../resources/packages.ts";
import { RemoteFailure } from "../ssh/errors.ts";
import { newKey } from "../ssh/keys.ts";
import { Remote, sha256File } from "../ssh/remote.ts";
import { hangUp } from "../ssh/session.ts";
import type { Connection } from "../ssh/target.ts";
import { install, parseProbe, PROBE, runs, type RunningXen, type XenBoot } from "../xen/boot.ts";
import { BOOTS, clockRate, isRight, RIGHT, UPTIME } from "../xen/clock.ts";
import {
  anonymousDigest,
  AWAIT_IDENTITY,
  guestFiles,
  INSTALL_GUEST,
  type Guest,
} from "../xen/guest.ts";
import { bootDigest, placeRoot, type GuestRoot } from "../xen/guestRoot.ts";
import { FILES, qemuArguments, type MachineSpec } from "./arguments.ts";
import { freezeMachine } from "./freeze.ts";
import { PASSING_ID, waitForLogin, withAgent } from "./identity.ts";
import { machineProcesses, prepareDisk, startMachine } from "./machine.ts";
import { within } from "../host/within.ts";

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
  /** What it has besides, in dom0 and in its domUs on top of their image; nothing secret either. */
  programs: RemoteFile[];
  /** The project's own packages in dom0. */
  packages: RemotePackage[];
  payload: RemoteFile[];
  /** Units that its boots start. */
  units: string[];
  /** domUs that have booted and wait for their identity, and the hook with which they do. */
  guests: Guest[];
  awaitIdentity: string;
  /** QEMU's version: another one may not read the state. */
  emulator: string;
}

/** A Xen host that has just booted, with domUs that have too, and none of them with an identity: files in the cache. */
export interface FrozenMachine {
  disk: string;
  firmwareVariables: string;
  state: string;
}

/** Another number for another way to make them, so that older ones are not used. */
const VERSION = 5;

const STATE = "machine.state";

const hashOf = (parts: unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);

/**
 * What a machine is frozen under: the same inputs give the same names on every controller and in every clone. Whoever
 * goes on from one of the same `base` puts right what else is different, as after any other change.
 */
export async function frozenKey(spec: FrozenSpec): Promise<{ base: string; content: string }> {
  const { image, buildId, ...boot } = spec.boot;
  // Xen's and the domUs' clocks go on counting this computer's cycles.
  const cpu = /^model name\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  const base = hashOf([
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
    spec.awaitIdentity,
    await sha256File(image),
  ]);
  const content = hashOf([
    await payloadDigest(spec.programs),
    spec.packages.map(({ name, build }) => [name, build]),
    await payloadDigest(spec.payload),
    spec.units,
    spec.guests,
  ]);
  return { base, content };
}

/** What made the machine this one's: keys, names, logs, seeds, and the blocks that they lay in. */
const STRIP = `
rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys /var/lib/systemd/random-seed /root/.bash_history
: >/etc/machine-id
journalctl -q --rotate 2>/dev/null; rm -rf /var/log/journal/*
sync
fstrim / 2>/dev/null || true
systemctl --no-block poweroff`;

/** Starts the units at each boot. */
const ENABLE = `
for unit in "$@"; do
  ln -sf "/etc/systemd/system/$unit" "/etc/systemd/system/multi-user.target.wants/$unit"
done`;

/** How long Xen and dom0 may take to boot, and the domUs after them, s: under emulation, beside other work. */
const BOOT_S = 900;
const GUESTS_S = 300;

/** Once all domUs wait for their identity; what the first login needs is read from the disk now. */
const READY = `
for name in "$@"; do
  grep -qs "$name waits for its identity" "/var/log/xen/console/guest-$name.log" || { echo "$name is not ready" >&2; exit 1; }
done
/usr/sbin/sshd -t 2>/dev/null || :
cat /usr/lib/openssh/sshd* /usr/lib/*/security/*.so /usr/bin/sha256sum /usr/bin/stat /usr/bin/base64 >/dev/null 2>&1 || :
sync`;

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
    const look = () =>
      withAgent(context, scratch, "waiting for Xen to boot", (agent) =>
        clockRate(() => agent.shell(UPTIME), context.signal),
      );
    // A clock that is wrong is so by far. With it, booting to the end would take that much longer.
    let rate = await look();
    if (rate > 0.5 && rate < 2) {
      await withAgent(context, scratch, "waiting for dom0 to boot", (agent) =>
        agent.shell(SETTLED),
      );
      rate = await look();
    }
    if (isRight(rate)) {
      const running = parseProbe(
        await withAgent(context, scratch, "asking which hypervisor runs", (agent) =>
          agent.shell(PROBE),
        ),
      );
      // Booted without an id, it has made itself one. Its network needs that as long as it has no other.
      await withAgent(context, scratch, "marking its machine id", (agent) =>
        agent.shell(`touch ${PASSING_ID} ${RIGHT}; sync`),
      );
      return running;
    }
    if (tries === BOOTS)
      throw new Error(`its clock runs at ${rate.toFixed(2)} of real time, after ${BOOTS} boots`);
    await end(identity, 2000);
  }
}

/** Puts everything in place that is no stack's: Xen, and what the next boot starts with it. */
async function provision(
  remote: Remote,
  spec: FrozenSpec,
  say: (text: string) => void,
): Promise<void> {
  const { root } = spec;
  say("installing the hypervisor");
  await install(remote, spec.boot);
  await placeFiles(remote, [...spec.files, ...spec.programs]);
  await installPackages(remote, spec.packages, say);
  await remote.run("enabling units", ENABLE, ...spec.units);
  const digest = bootDigest(root, await placeRoot(remote, root, say));
  say("packing the domUs' programs");
  await placePayload(remote, root.folder, spec.payload, await payloadDigest(spec.payload));
  say("preparing the domUs");
  const hook = (name: string) => ({
    path: `${root.folder}/domains/${name}/payload/payload${AWAIT_IDENTITY}`,
    content: spec.awaitIdentity,
    mode: 0o755,
  });
  await remote.write(
    spec.guests.flatMap((guest) => [...guestFiles(root.folder, guest), hook(guest.name)]),
  );
  for (const guest of spec.guests) {
    const started = anonymousDigest(guest, digest);
    await remote.run(`installing ${guest.name}`, INSTALL_GUEST, guest.name, root.folder, started);
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
  await provision(remote, spec, say);
  await remote.run("taking its identity from the machine", STRIP).catch((error: unknown) => {
    // The machine may be gone before its answer.
    context.signal.throwIfAborted();
    if (error instanceof RemoteFailure) throw error;
  });
  await hangUp(connection);
  await untilEnded(context, debian, 120);

  const bounded = (seconds: number): Context => ({
    ...stage,
    signal: within(context.signal, seconds),
  });
  const running = await bootXen(bounded(BOOT_S), scratch, machine);
  if (!runs(running, spec.boot)) {
    throw new Error(
      `the machine came up with hypervisor "${running.runningBuildId}", expected was ${spec.boot.buildId}`,
    );
  }
  await withAgent(bounded(GUESTS_S), scratch, "booting its domUs", (agent) =>
    agent.shell(READY, ...spec.guests.map(({ name }) => name)),
  );
  say("saving its state");
  const xen = machineProcesses(marker)[0];
  await freezeMachine(scratch, join(scratch, STATE), context.signal);
  if (xen !== undefined && !(await gone(xen, 10_000))) await end(xen, 2000);
}

/** Name of the cache's entry with this prefix and ending, or of the newest that only has the prefix. */
function similarEntry(prefix: string, ending: string): string {
  const wanted = prefix + ending;
  const builds = dirname(entryPath(wanted));
  if (existsSync(entryPath(wanted)) || !existsSync(builds)) return wanted;
  const made = (name: string) => statSync(join(builds, name)).mtimeMs;
  const [newest] = readdirSync(builds)
    .filter((name) => name.startsWith(prefix))
    .sort((a, b) => made(b) - made(a));
  return newest ?? wanted;
}

/**
 * The frozen machine for these inputs, or one that differs in what can be put right; made if there is none.
 *
 * @param ledger folder of the stack on whose behalf processes are started
 */
export async function frozenMachine(
  context: Context,
  spec: FrozenSpec,
  ledger: string,
): Promise<FrozenMachine> {
  const { base, content } = await frozenKey(spec);
  const name = similarEntry(`frozen-${base}-`, content);
  const waiting = () => {
    context.status("another process is freezing the same machine; waiting for it");
  };
  // As long as every marker: it is part of tables whose size a resumed machine must find unchanged.
  const marker = `v4v-testbed-${hashOf([name])}`;
  const sweep = async () => {
    for (const left of machineProcesses(marker)) await end(left, 2000);
  };
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
