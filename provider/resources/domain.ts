import { createHash } from "node:crypto";
import { isAbsolute } from "node:path";
import { Semaphore } from "../host/semaphore.ts";
import { missing, typed } from "../inputs.ts";
import type { Context, Prior, Properties, Resource, Value } from "../resource.ts";
import { HostKeyMismatch, RemoteFailure } from "../ssh/errors.ts";
import { hasDomainConfig, removeDomainConfig, writeDomainConfig } from "../ssh/clientConfig.ts";
import { newKey } from "../ssh/keys.ts";
import { Remote } from "../ssh/remote.ts";
import { hangUp } from "../ssh/session.ts";
import { isName, sessionName, type Connection } from "../ssh/target.ts";
import { untilReachable } from "../ssh/wait.ts";
import { anonymousDigest, AWAIT_IDENTITY, guestFiles, INSTALL_GUEST } from "../xen/guest.ts";
import { within } from "../host/within.ts";

/** Inputs of `v4v:index:Domain`. */
export interface DomainInputs {
  /** Connection to dom0. */
  connection: Connection;
  /** dom0's boot id: after a reboot the domain has to be looked at again. */
  dom0BootId: string;
  name: string;
  /** The domU's address on the internal bridge, without prefix length. */
  address: string;
  /** Complete xl configuration (xl.cfg(5)). */
  config: string;
  /** Shell assignments that the guest's boot script reads. */
  environment: string;
  /** Public keys that may log in as root, one a line. */
  authorizedKeys: string;
  /** With which the controller logs in to it, if that is another key than the one for dom0. */
  loginKey?: string;
  /** Folder of the domUs on the host, which also is that of the image that most of them boot from. */
  folder: string;
  /** Folder of the image, if it is another one. */
  imageFolder?: string;
  /** Of the Passthrough whose device it has: another one means that the domU was ended, and is looked at again. */
  taking?: string;
  /** The stack's folder on the controller, for the client's ssh configuration. */
  runFolder: string;
  /** Name there of the host that it is on, if that is not the only or first one. */
  jump?: string;
  /** Outputs of the GuestImage: another boot digest needs a restart, another packed digest does not. */
  bootDigest: string;
  packedDigest: string;
}

export interface DomainOutputs {
  domid: number;
  /** AF_VSOCK context id: domid + 2. */
  cid: number;
  bootId: string;
  hostPrivateKey: string;
  hostPublicKey: string;
}

/** dom0 has one virtual CPU and does most of the work of a creation: more at once take longer each and finish no sooner. */
const CREATIONS = 2;
const creations = new Map<string, Semaphore>();

/** Of the host: what one of several is busy with keeps no domU of another waiting. */
function creationsOn(connection: Connection): Semaphore {
  const host = sessionName(connection);
  const known = creations.get(host) ?? new Semaphore(CREATIONS);
  creations.set(host, known);
  return known;
}

/** How long a domU may take to answer, s: one that boots, and one that has booted. */
const BOOT_S = 300;
const IDENTIFIED_S = 60;

/** Attempts at reaching it, of a second or more, before dom0 is asked whether it is still there: that costs dom0's CPU. */
const TRIES_A_LOOK = 15;

/** It is gone before it answered: its kernel panicked, as under emulation one of hundreds does. */
class EndedWhileBooting extends Error {}

/** dom0/domu on the host. */
const DOMU = "/usr/local/lib/v4v-testbed/domu";

/** First CID that a domU can have; dom0 is 2. Source: docs of the module, AF_VSOCK reserves 0 and 1. */
const CID_OFFSET = 2;

/** It is not there, and its folder and unit are: the engine's to start again, or to remove. */
const GONE = "gone";

/**
 * Prints: domid, xl's state letters, target of its balloon in KiB, what it was started from; of one that is not there, {@link GONE} or
 * nothing.
 */
const LOOK = `
name=$1 folder=$2
list=$(xl list "$name" 2>/dev/null) || {
  # A toolstack that does not know even dom0 has not said that the domain is gone: XenStore may not be there yet.
  xl list 0 >/dev/null || exit 1
  [ ! -e "$folder/domains/$name" ] || echo ${GONE}
  exit 0
}
set -- \${list##*'
'}
# Name, id, MiB, CPUs, state, seconds.
echo "$2"
echo "$5"
xenstore-read "/local/domain/$2/memory/target" 2>/dev/null || echo 0
cat "$folder/domains/$name/started" 2>/dev/null || echo none`;

const INSTALL = `
hook=$2/domains/$1/payload/payload${AWAIT_IDENTITY}
[ ! -e "$hook" ] || rm -f "$hook"
${INSTALL_GUEST}
${LOOK}`;

interface Seen {
  domid: number;
  /** Letters of xl list: r b p s c d. */
  state: string;
  /** What the toolstack wants it to have; what it has is the guest's to decide below that. */
  targetKiB: number;
  started: string;
}

/** It is gone, or shut down, crashed or dying: it does nothing any more. */
const hasEnded = (seen: Seen | undefined): boolean =>
  seen === undefined || /[scd]/.test(seen.state);

function parseSeen(printed: string): Seen | undefined {
  const [domid = "", state = "", target, started = ""] = printed.trim().split("\n");
  return domid === "" || domid === GONE
    ? undefined
    : { domid: Number(domid), state, targetKiB: Number(target), started };
}

const ask = (remote: Remote, { name, folder }: DomainInputs): Promise<string> =>
  remote.run(`looking for ${name}`, LOOK, name, folder);

async function look(remote: Remote, inputs: DomainInputs): Promise<Seen | undefined> {
  return parseSeen(await ask(remote, inputs));
}

/** MiB that the configuration gives a domU; undefined if it does not say. */
const memoryOf = (inputs: DomainInputs): number | undefined => {
  const found = /^memory *= *(\d+)/m.exec(inputs.config)?.[1];
  return found === undefined ? undefined : Number(found);
};

/** "running", or what is wrong with it. */
function stateOf(inputs: DomainInputs, seen: Seen): string {
  const letter = /[psdc]/.exec(seen.state)?.[0];
  if (letter !== undefined) return letter;
  const memory = memoryOf(inputs);
  return memory === undefined || seen.targetKiB === memory * 1024
    ? "running"
    : `running with ${Math.round(seen.targetKiB / 1024)} MiB`;
}

/** Restart, not start: systemd holds a unit for active whose domain was destroyed behind its back. */
const START = `
unit=v4v-domu@$1.service
systemctl restart "$unit" && exit
journalctl -q -o cat -n 12 -u "$unit"
exit 9`;

async function start(context: Context, remote: Remote, inputs: DomainInputs): Promise<void> {
  context.status("waiting for its turn");
  await creationsOn(inputs.connection).run(async () => {
    context.status("creating it");
    const { exitCode, stdout, stderr } = await remote.tryRun(
      `starting ${inputs.name}`,
      START,
      inputs.name,
    );
    if (exitCode === 0) return;
    throw new Error(
      `${inputs.name} could not be created; v4v-domu@${inputs.name}.service on ${remote.name} said:\n${(stdout + stderr).trim()}`,
    );
  });
}

/** Gives a domU that came with a frozen machine its identity; false if it has to be created instead. */
async function identify(
  context: Context,
  remote: Remote,
  { name }: DomainInputs,
): Promise<boolean> {
  context.status("giving it its identity");
  const result = await remote.tryRun(
    `giving ${name} its identity`,
    '"$1" identify "$2"',
    DOMU,
    name,
  );
  if (result.exitCode === 0) return true;
  context.warn(`${name} took no identity and is created instead: ${result.stderr.trim()}`);
  return false;
}

async function consoleEnd(remote: Remote, name: string): Promise<string> {
  const result = await remote
    .tryRun("reading the console", 'tail -n 15 "/var/log/xen/console/guest-$1.log"', name)
    .catch(() => undefined);
  const text = result?.stdout.replace(/[^\n\t\x20-\x7e]/g, "").trim() ?? "";
  return text === "" ? "(no console output)" : text;
}

/**
 * Brings a running domU's programs to what the payload holds now, without restarting it; the digest comes last. Which packages
 * it has is its own to say: it may have got others since it booted.
 */
const REFRESH_GUEST = `
name=$1 folder=$2
cd "$folder/payload/payload"
tar -cf - --exclude=./etc/v4v/payload.digest --exclude=./var/lib/dpkg/status . | ssh -F /etc/v4v-testbed/ssh_config "$name" \\
  'tar -xf - -C / --no-same-owner && for hook in /etc/v4v/boot.d/*; do [ ! -x "$hook" ] || "$hook" || exit 1; done'
ssh -F /etc/v4v-testbed/ssh_config "$name" 'cat >/etc/v4v/payload.digest' <etc/v4v/payload.digest`;

async function ensureDomain(
  context: Context,
  inputs: DomainInputs,
  prior: Prior | undefined,
): Promise<DomainOutputs> {
  const remote = new Remote(inputs.connection, context.signal);
  const kept = prior === undefined ? {} : typed<Partial<DomainOutputs>>(prior.outputs);
  const key =
    kept.hostPrivateKey !== undefined && kept.hostPublicKey !== undefined
      ? { privateKey: kept.hostPrivateKey, publicKey: kept.hostPublicKey }
      : newKey(inputs.name);
  const own = `${inputs.folder}/domains/${inputs.name}`;
  const wanted = createHash("sha256")
    .update(
      JSON.stringify([
        inputs.config,
        inputs.environment,
        inputs.bootDigest,
        inputs.authorizedKeys,
        key.publicKey,
      ]),
    )
    .digest("hex");
  context.status("writing its configuration");
  const payload = `${own}/payload/payload`;
  await remote.write([
    ...guestFiles(inputs.folder, inputs),
    ...(inputs.imageFolder === undefined
      ? []
      : [{ path: `${own}/image`, content: `${inputs.imageFolder}\n`, mode: 0o644 }]),
    {
      path: `${own}/known_host`,
      content: `${inputs.address},${inputs.name} ${key.publicKey}\n`,
      mode: 0o644,
    },
    {
      path: `${own}/ssh_config`,
      content: `Host ${inputs.name}\n\tHostName ${inputs.address}\n\tHostKeyAlias ${inputs.name}\n`,
      mode: 0o644,
    },
    {
      path: `${payload}/root/.ssh/authorized_keys`,
      content: `${inputs.authorizedKeys.trim()}\n`,
      mode: 0o600,
    },
    { path: `${payload}/etc/ssh/ssh_host_ed25519_key`, content: key.privateKey, mode: 0o600 },
  ]);
  const installing = `installing ${inputs.name}`;
  let seen = parseSeen(await remote.run(installing, INSTALL, inputs.name, inputs.folder, wanted));
  if (seen?.state.includes("p") === true && seen.started === wanted) {
    await remote.run(`unpausing ${inputs.name}`, 'xl unpause "$1"', inputs.name);
    seen = await look(remote, inputs);
  }
  if (seen?.started === wanted && stateOf(inputs, seen).startsWith("running with")) {
    const memory = `${memoryOf(inputs)}m`;
    await remote.run(
      `giving ${inputs.name} its memory`,
      'xl mem-set "$1" "$2"',
      inputs.name,
      memory,
    );
  }
  const waits =
    seen?.started === anonymousDigest(inputs, inputs.bootDigest) &&
    stateOf(inputs, seen) === "running";
  const identified = waits && (await identify(context, remote, inputs));
  const startAndLook = async () => {
    await start(context, remote, inputs);
    seen = await look(remote, inputs);
  };
  if (!identified && (seen?.started !== wanted || hasEnded(seen))) await startAndLook();

  const loginKey = inputs.loginKey ?? inputs.connection.privateKey;
  const guest: Connection = {
    host: inputs.address,
    port: 22,
    user: "root",
    ...(loginKey !== undefined && { privateKey: loginKey }),
    hostKey: key.publicKey,
    via: inputs.connection,
  };
  const answer = async (seconds: number): Promise<string[]> => {
    if (seen === undefined) {
      throw new Error(
        `${inputs.name} ended right after its creation; its console said:\n${await consoleEnd(remote, inputs.name)}`,
      );
    }
    const signal = within(context.signal, seconds);
    const inGuest = new Remote(guest, signal);
    const started = Date.now();
    let tries = 0;
    try {
      const { stdout } = await untilReachable(
        `waiting for SSH to ${inputs.name}`,
        signal,
        async () => {
          // One that has ended will not answer any more.
          if (tries++ % TRIES_A_LOOK === TRIES_A_LOOK - 1) {
            if (hasEnded(await look(remote, inputs)))
              throw new EndedWhileBooting(`${inputs.name} ended while it booted`);
          }
          return inGuest.once("cat /proc/sys/kernel/random/boot_id /etc/v4v/payload.digest");
        },
        () => {
          context.status(`booting for ${Math.round((Date.now() - started) / 1000)} s`);
        },
      );
      return stdout.trim().split("\n");
    } catch (error) {
      context.signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${why}\nThe console of ${inputs.name} ends with:\n${await consoleEnd(remote, inputs.name)}`,
        { cause: error },
      );
    }
  };
  let answered: string[];
  try {
    answered = await answer(identified ? IDENTIFIED_S : BOOT_S);
  } catch (error) {
    context.signal.throwIfAborted();
    const ended = error instanceof Error && error.cause instanceof EndedWhileBooting;
    if (!(identified || ended) || error instanceof HostKeyMismatch) throw error;
    context.warn(`${error instanceof Error ? error.message : String(error)}\nIt is created anew.`);
    await startAndLook();
    answered = await answer(BOOT_S);
  }
  const [bootId = "", packed = ""] = answered;
  const domid = seen?.domid ?? 0;
  if (packed !== inputs.packedDigest) {
    context.status("updating its programs");
    await remote.run(
      `updating ${inputs.name}`,
      REFRESH_GUEST,
      inputs.name,
      inputs.imageFolder ?? inputs.folder,
    );
  }
  await hangUp(guest);
  writeDomainConfig(inputs.runFolder, {
    name: inputs.name,
    address: inputs.address,
    hostKey: key.publicKey,
    ...(inputs.jump !== undefined && { jump: inputs.jump }),
  });
  return {
    domid,
    cid: domid + CID_OFFSET,
    bootId,
    hostPrivateKey: key.privateKey,
    hostPublicKey: key.publicKey,
  };
}

/** What is missing or not known yet is not this one's to judge. */
const isWord = (value: Value | undefined): boolean => typeof value !== "string" || isName(value);

/** One domU: configuration, systemd unit that creates it (also after a reboot of dom0), and a guest that answers. */
export const domainResource: Resource = {
  // Waiting for its turn behind 15 others counts, too.
  deadlines: { create: 1200, update: 1200, delete: 120 },
  // On another host it is another domU.
  replaceOn: ["name", "jump"],
  quietInputs: ["runFolder"],

  id: (inputs) => typed<DomainInputs>(inputs).name,

  check: (inputs) =>
    Promise.resolve({
      inputs,
      failures: [
        ...missing(inputs, [
          "connection",
          "name",
          "address",
          "config",
          "environment",
          "authorizedKeys",
          "folder",
          "runFolder",
          "bootDigest",
          "packedDigest",
        ]),
        // They are put into paths, units and ssh's files.
        ...["name", "address"]
          .filter((property) => !isWord(inputs[property]))
          .map((property) => ({ property, reason: "is no name or address of a machine" })),
      ],
    }),

  diff(prior: Prior, properties: Properties) {
    const { state } = prior.outputs;
    const { runFolder = "", name } = typed<Partial<DomainInputs>>(properties);
    // A stack whose folder is new on this computer: ssh does not know the domU yet. (In a preview the folder may be unknown.)
    const unknown = isAbsolute(runFolder) && !hasDomainConfig(runFolder, name ?? "");
    return {
      changed: [
        ...(state === "running" || state === undefined ? [] : ["state"]),
        ...(unknown ? ["runFolder"] : []),
      ],
    };
  },

  async ensure(
    context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    return {
      ...(await ensureDomain(context, typed<DomainInputs>(properties), prior)),
      state: "running",
    };
  },

  async read(context: Context, prior: Prior) {
    const inputs = typed<DomainInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, within(context.signal, 20));
    const printed = await ask(remote, inputs);
    if (printed.trim() === "") return undefined;
    const seen = parseSeen(printed);
    const found =
      seen === undefined
        ? { state: GONE }
        : { domid: seen.domid, cid: seen.domid + CID_OFFSET, state: stateOf(inputs, seen) };
    const outputs = { ...prior.outputs, ...found };
    return { inputs: prior.inputs, outputs };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const inputs = typed<DomainInputs>(prior.inputs);
    const remote = new Remote(inputs.connection, context.signal);
    removeDomainConfig(inputs.runFolder, inputs.name);
    const script = `
rm -f "/etc/systemd/system/multi-user.target.wants/v4v-domu@$1.service"
systemctl stop "v4v-domu@$1.service" 2>/dev/null || :
! xl domid "$1" >/dev/null 2>&1 || xl destroy "$1"
# Of ours that was half made when dom0 was shut down, xendomains may have saved what it could not restore.
[ ! -e "$2/domains/$1" ] || rm -f -- "/var/lib/xen/save/$1"
rm -rf -- "$2/domains/$1"
rm -f -- "/var/log/xen/console/guest-$1.log" "/var/log/xen/xl-$1.log" "/var/log/xen/xl-$1.log."*`;
    try {
      await remote.run(`removing ${inputs.name}`, script, inputs.name, inputs.folder);
    } catch (error) {
      if (error instanceof RemoteFailure) throw error;
      throw new Error(
        `${inputs.name} could not be removed: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  },
};
