import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Context } from "../resource.ts";
import { HostKeyMismatch } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import type { Connection } from "../ssh/target.ts";
import { pause, untilReachable } from "../ssh/wait.ts";
import { FILES } from "./arguments.ts";
import { GuestAgent } from "./guestAgent.ts";
import { within } from "../host/within.ts";

/** What makes a machine one stack's and no other's. */
export interface Identity {
  folder: string;
  connection: Connection;
  /** Private half of the host key that the connection pins, OpenSSH format. */
  hostPrivateKey: string;
  /** Public keys that may log in as root, one a line. */
  authorizedKeys: string;
}

/** File of a machine whose id is not to stay: it was frozen with it, and others go on from the same state. */
export const PASSING_ID = "/etc/machine-id.passing";

/**
 * On standard input, for no process list shows that: fresh randomness, a new machine id, the host key and a line with a
 * dot, authorised keys. The randomness is mixed in and used from now on (RNDRESEEDCRNG, random(4)): machines resumed
 * from one frozen state would otherwise draw the same numbers, session keys among them. A machine that booted without
 * an id has a passing one mounted over the file, which setup tools would take again. The journal goes into a folder
 * named by the id, where journalctl looks for it.
 */
const IDENTIFY = `
umask 077
date -u -s "@$1" >/dev/null
read -r random
echo "$random" | perl -e 'open(my $r, "+<", "/dev/urandom") or die; syswrite($r, pack("H*", <STDIN>)) or die; ioctl($r, 0x5207, 0) or die'
read -r id
while read -r line && [ "$line" != . ]; do echo "$line"; done >/etc/ssh/ssh_host_ed25519_key
mkdir -p /root/.ssh
cat >/root/.ssh/authorized_keys
umask 022
if mountpoint -q /etc/machine-id; then umount /etc/machine-id; touch ${PASSING_ID}; fi
if [ -e ${PASSING_ID} ]; then echo "$id" >/etc/machine-id; rm ${PASSING_ID}; fi
[ -s /etc/machine-id ] || echo "$id" >/etc/machine-id
sync
systemctl reset-failed ssh.service 2>/dev/null || true
systemctl restart --no-block systemd-journald.service ssh.service`;

/** Lays keys, time and randomness into a running machine through its agent; its sshd is this stack's from then on. */
async function identifyMachine(identity: Identity, agent: GuestAgent): Promise<void> {
  const input = [
    randomBytes(64).toString("hex"),
    randomBytes(16).toString("hex"),
    identity.hostPrivateKey.trimEnd(),
    ".",
    identity.authorizedKeys.trim(),
    "",
  ].join("\n");
  const now = String(Math.floor(Date.now() / 1000));
  await agent.run("/bin/sh", ["-euc", IDENTIFY, "sh", now], input);
}

/** Whether the machine's SSH answers as this stack's, asked once. */
export async function answers(
  connection: Connection,
  signal: AbortSignal,
  seconds: number,
): Promise<boolean> {
  const remote = new Remote(connection, within(signal, seconds));
  try {
    return (await remote.once("true")).exitCode === 0;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HostKeyMismatch) throw error;
    return false;
  }
}

/** Waits until the agent of a booting machine answers; `use` may fail and is tried again until it succeeds. */
export async function withAgent<T>(
  context: Context,
  folder: string,
  what: string,
  use: (agent: GuestAgent) => Promise<T>,
): Promise<T> {
  const started = Date.now();
  for (;;) {
    try {
      const agent = await GuestAgent.connect(join(folder, FILES.agent), 2000);
      try {
        return await use(agent);
      } finally {
        agent.close();
      }
    } catch (error) {
      context.status(`${what} for ${Math.round((Date.now() - started) / 1000)} s`);
      await pause(500, context.signal, what, error);
    }
  }
}

/**
 * Waits until the machine has booted as far as its agent, gives it its identity, and waits for its SSH.
 *
 * @param fresh it was started just now: no use asking whether it is whole already
 */
export async function waitForLogin(
  context: Context,
  identity: Identity,
  fresh: boolean,
): Promise<void> {
  // A machine that runs already may be whole, or have been left before it got its keys.
  if (!fresh && (await answers(identity.connection, context.signal, 15))) return;
  await withAgent(context, identity.folder, "waiting for the machine to boot", (agent) =>
    identifyMachine(identity, agent),
  );
  const started = Date.now();
  const remote = new Remote(identity.connection, context.signal);
  await untilReachable(
    "waiting for SSH",
    context.signal,
    () => remote.once("true"),
    () => {
      context.status(`waiting for SSH for ${Math.round((Date.now() - started) / 1000)} s`);
    },
  );
}
