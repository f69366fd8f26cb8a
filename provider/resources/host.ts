import { hostProblems, hostWarnings, type Needs } from "../existing/preflight.ts";
import { lookAtHost, type HostFacts } from "../existing/facts.ts";
import { differences, LISTING } from "../existing/listing.ts";
import { addedPackages, installPackages, removePackages } from "../existing/packages.ts";
import { within } from "../host/within.ts";
import { missing, typed } from "../inputs.ts";
import { Refused, type Context, type Prior, type Properties, type Resource } from "../resource.ts";
import { HostKeyMismatch, NoLogin, Unreachable } from "../ssh/errors.ts";
import { Remote } from "../ssh/remote.ts";
import { BOOTED_BY_ENTRY } from "../xen/boot.ts";
import { hangUp } from "../ssh/session.ts";
import type { Connection } from "../ssh/target.ts";
import { untilReachable } from "../ssh/wait.ts";

/** Inputs of `v4v:index:Host`: a host that is there before the testbed and after it. */
export interface HostInputs {
  connection: Connection;
  /** Folder on the host for what has to be put back: listing, packages, originals of files. */
  state: string;
  /** Debian packages that dom0 needs. */
  packages: string[];
  needs: Needs;
  /** Folders of the testbed's own on the host, gone at the end if they are empty. */
  folders: string[];
}

/** What is known of the host as its owner boots it; all of the facts but those of the moment. */
export type HostOutputs = Pick<
  HostFacts,
  | "machineId"
  | "kernel"
  | "commandLine"
  | "bootUuid"
  | "bootPath"
  | "virtualisation"
  | "processor"
  | "cores"
  | "memoryMiB"
  | "system"
>;

const kept = (facts: HostOutputs): HostOutputs => ({
  machineId: facts.machineId,
  kernel: facts.kernel,
  commandLine: facts.commandLine,
  bootUuid: facts.bootUuid,
  bootPath: facts.bootPath,
  virtualisation: facts.virtualisation,
  processor: facts.processor,
  cores: facts.cores,
  memoryMiB: facts.memoryMiB,
  system: facts.system,
});

/** How long a host may take to answer the first time, s: it is not being booted, and may be slow or on a bad line. */
const PATIENCE_S = 45;

/**
 * Logs in, and says what to do if that fails. A key or user that is wrong stays wrong, and is not tried again.
 *
 * @throws Refused
 */
async function logIn(context: Context, connection: Connection, number = 0): Promise<void> {
  const remote = new Remote(connection, within(context.signal, PATIENCE_S));
  const named = `hosts[${number}]`;
  const refuse = (why: string, error?: unknown) => {
    throw new Refused(`${remote.name}: ${why}`, { cause: error });
  };
  const attempt = async () => {
    try {
      return await remote.once("id -u");
    } catch (error) {
      if (error instanceof Unreachable && error.message.includes("authentication"))
        refuse(
          `the key is not accepted: put its public half into ~/.ssh/authorized_keys of that user, or name another one (${named}.user, ${named}.keyFile)`,
          error,
        );
      throw error;
    }
  };
  let last: Unreachable | undefined;
  try {
    // Of an earlier look: the host may have been rebooted since.
    await hangUp(connection);
    const { exitCode, stdout, stderr } = await untilReachable(
      "logging in",
      remote.signal,
      attempt,
      (error) => {
        last = error;
        context.status(`logging in; so far: ${error.message}`);
      },
    );
    if (exitCode !== 0 || stdout.trim() !== "0")
      refuse(
        `the user does not become root (${stderr.trim() || `id ${stdout.trim()}`}): name root as ${named}.user, or let the user run sudo without a password (sudoers: USER ALL=(ALL) NOPASSWD: ALL)`,
      );
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof Refused) throw error;
    // What the attempt was cut short by says less than the one before it.
    const cause = remote.signal.aborted && last !== undefined ? last : error;
    const said = cause instanceof Error ? cause.message : String(cause);
    if (error instanceof HostKeyMismatch)
      refuse(
        `${said}. If it was installed anew, put its new key into ${named}.hostKey; if not, somebody else answers there`,
        error,
      );
    if (error instanceof NoLogin) refuse(`${said} (${named}.keyFile)`, error);
    refuse(
      `${said}; is the host on, and are ${named}.address and port right? ssh has to reach it from here`,
      error,
    );
  }
}

/** Written before anything is changed; what is in it is never written again. */
const BEGIN = `${LISTING}
umask 077
state=$1
shift
mkdir -p "$state"
[ ! -e "$state/listing" ] || exit 0
# Who was cut off may still be writing his.
for folder; do [ ! -d "$folder" ] || echo "$folder"; done >"$state/folders.$$"
mv "$state/folders.$$" "$state/folders"
listed >"$state/listing.$$"
[ -e "$state/listing" ] || mv "$state/listing.$$" "$state/listing"
rm -f "$state/listing.$$"`;

/** Another kernel of the host's own, which it has booted since, is the one that dom0 gets, too. */
const AGAIN = `
[ -e "$1/listing" ] || exit 0
cat /etc/machine-id
grep -qw "$2" /proc/cmdline || { uname -r; cat /proc/cmdline; }`;

const COMPARE = `${LISTING}
[ -e "$1/listing" ] || exit 0
listed >"$1/listing.now"
diff "$1/listing" "$1/listing.now" || :`;

/** What Xen's daemons write of themselves, and the toolstack of domains that are no more: no package takes it away. */
const LEAVE = `
rm -f /var/log/xen/xenstored.log* /var/log/xen/xenstored-access.log* /var/lib/xen/userdata-*
# xendomains and xenstored make the inner ones; not being empty, the outer one stayed when its package went.
for folder in /var/lib/xen/save /var/lib/xen/xenstore /var/lib/xen; do
  [ ! -d "$folder" ] || rmdir --ignore-fail-on-non-empty "$folder"
done`;

/** Of packages, those that what runs on Xen needs. */
const XENS = /^(xen|libxen)/;

/** Folders that were there before stay, also if they are empty. */
const END = `
state=$1
shift
systemctl daemon-reload
# Nobody has looked which were there, and so nobody has made one.
[ -e "$state/folders" ] || exit 0
for folder; do
  [ -d "$folder" ] && ! grep -qsxF -- "$folder" "$state/folders" || continue
  find "$folder" -depth -type d -empty -delete
done`;

/** A host over SSH that is somebody else's: looked at, given the packages that it lacks, and put back as it was. */
export const hostResource: Resource = {
  // An installation that was cut off is waited for.
  deadlines: { create: 1800, update: 1800, delete: 1800 },
  // The host is the same whatever its testbed needs of it.
  quietInputs: ["folders"],

  id: (inputs) => `host@${typed<HostInputs>(inputs).connection.host}`,

  check: (inputs) =>
    Promise.resolve({
      inputs,
      failures: missing(inputs, ["connection", "state", "packages", "needs", "folders"]),
    }),

  async ensure(
    context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    const inputs = typed<HostInputs>(properties);
    const { connection, state, packages, needs } = inputs;
    context.status("logging in");
    const remote = new Remote(connection, context.signal);
    let facts: HostFacts;
    try {
      await logIn(context, connection, needs.number);
      context.status("looking at the host");
      facts = await lookAtHost(remote, state, packages);
    } catch (error) {
      // Not half made: there would be nothing to take down, and maybe nobody to log in to for it.
      if (!context.signal.aborted || error instanceof Refused) throw error;
      throw new Refused(`${remote.name}: ended before anything was changed`, { cause: error });
    }
    const problems = hostProblems(facts, needs);
    const before = prior === undefined ? undefined : typed<Partial<HostOutputs>>(prior.outputs);
    if (before?.machineId !== undefined && before.machineId !== facts.machineId)
      problems.unshift(
        `it is another machine than the one of this stack (machine id ${facts.machineId} instead of ${before.machineId}); "npm run destroy" first`,
      );
    if (problems.length > 0) {
      const count = problems.length === 1 ? "1 thing" : `${problems.length} things`;
      throw new Refused(
        `${remote.name} cannot be the testbed's host as it is; ${count} to see to, nothing was changed:\n` +
          problems.map((problem) => `  - ${problem}`).join("\n"),
      );
    }
    for (const warning of hostWarnings(facts)) context.warn(`${remote.name}: ${warning}`);
    context.status("listing what is there");
    await remote.run("listing what the host has", BEGIN, state, ...inputs.folders);
    await installPackages(context, remote, state, facts.missingPackages);
    // Booted by the testbed's entry it does not show its own command line; what was seen before does.
    const own = `${state}/own`;
    if (!facts.ours) {
      const seen = kept(facts);
      await remote.write([{ path: own, content: JSON.stringify(seen), mode: 0o600 }]);
      return { ...seen };
    }
    // The last look at it (read) may have been at a later boot of its own than the first one, which is noted there.
    if (before?.commandLine !== undefined) return { ...kept(before as HostOutputs) };
    const noted = await remote.readFile(own);
    if (noted === undefined)
      throw new Error(
        `${remote.name} is booted by the testbed's entry and ${own} is gone; reboot it into its own entry and run up again`,
      );
    return { ...(JSON.parse(noted) as HostOutputs) };
  },

  async read(context: Context, prior: Prior) {
    const { connection, state } = typed<HostInputs>(prior.inputs);
    const remote = new Remote(connection, within(context.signal, 20));
    const said = await remote.run("looking at the host", AGAIN, state, BOOTED_BY_ENTRY);
    const [machineId = "", kernel, commandLine] = said.split("\n").filter(Boolean);
    if (machineId === "") return undefined;
    const own = kernel !== undefined && commandLine !== undefined ? { kernel, commandLine } : {};
    return { inputs: prior.inputs, outputs: { ...prior.outputs, machineId, ...own } };
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const { connection, state, packages, needs, folders } = typed<HostInputs>(prior.inputs);
    try {
      await logIn(context, connection, needs.number);
    } catch (error) {
      if (prior.unfinished !== true || !(error instanceof Refused)) throw error;
      throw new Refused(
        `${error.message}. If the testbed has never been there, have it forgotten: pulumi state delete '${context.urn}'`,
        { cause: error },
      );
    }
    const remote = new Remote(connection, context.signal);
    context.status("looking at the host");
    const { domains, silent } = await lookAtHost(remote, state, packages);
    const added = await addedPackages(remote, state);
    const broughtXen = added.some((name) => XENS.test(name));
    // Whoever had Xen before loses nothing that runs needs when the rest goes.
    if (domains.length > 0 && broughtXen)
      throw new Error(
        `${remote.name} still runs ${domains.join(", ")}, which need the hypervisor and Xen's tools that the testbed brought; ` +
          `shut them down (xl shutdown NAME) and run destroy again`,
      );
    if (silent && broughtXen)
      throw new Error(
        `${remote.name} still runs Xen, and its toolstack does not tell whether domUs need it (xl list); ` +
          `start it (systemctl start xen.service), or reboot the host if none runs, and run destroy again`,
      );
    context.status("removing the packages that were added");
    const others = await removePackages(remote, state);
    if (others.length > 0)
      context.warn(
        `${remote.name}: ${others.join(", ")} have come to need packages that the testbed brought, which stay: ${added.join(", ")}`,
      );
    if (others.length === 0 && broughtXen)
      await remote.run("removing what Xen's tools have left", LEAVE);
    await remote.run("removing empty folders", END, state, ...folders);
    context.status("comparing with what was there before");
    const left = differences(await remote.run("comparing", COMPARE, state));
    if (left.length > 0)
      context.warn(
        `${remote.name}: ${left.length} differences to before the testbed came; who else changed something will know them:\n` +
          left
            .slice(0, 40)
            .map((line) => `  - ${line}`)
            .join("\n"),
      );
    else context.info(`${remote.name} is as it was before the testbed came`);
    await remote.run("removing the testbed's notes", 'rm -rf -- "$1"', state);
    await hangUp(connection);
  },
};
