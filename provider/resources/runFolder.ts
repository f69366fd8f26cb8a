import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import { readLedger } from "../host/ledger.ts";
import { chooseFreePort, portIsFree } from "../host/ports.ts";
import { end, isRunning } from "../host/processes.ts";
import { missing, typed } from "../inputs.ts";
import { writeHostConfig, type Reached } from "../ssh/clientConfig.ts";
import { newKey } from "../ssh/keys.ts";
import { machineProcesses } from "../qemu/machine.ts";
import { Refused, type Context, type Prior, type Properties, type Resource } from "../resource.ts";

/** Inputs of `v4v:index:RunFolder`. */
export interface RunFolderInputs {
  path: string;
  /** Loopback port for the machine's SSH; 0 chooses one. */
  sshPort: number;
  /** The host that stays, if the stack has one instead of a machine of its own. */
  reached?: Reached;
  /** Further hosts that stay, by their names in ssh's configuration. */
  further?: { name: string; reached: Reached }[];
}

export interface RunFolderOutputs {
  /** Names this stack's machine in process arguments. */
  marker: string;
  port: number;
  /** Key that the controller logs in with, OpenSSH format. */
  privateKey: string;
  publicKey: string;
  /** Key that the machine identifies itself with. */
  hostPrivateKey: string;
  hostPublicKey: string;
  /** Key that dom0 logs in to its domUs with. */
  dom0PrivateKey: string;
  dom0PublicKey: string;
}

/** Free space below which nothing is started, MiB: the machine's overlay grows to about 1.5 GiB. */
const NEEDED_MIB = 2500;

/** Keys of a stack; those of the machine are of no use where there is none of its own. */
function newKeys(): Omit<RunFolderOutputs, "marker" | "port"> {
  const login = newKey("v4v-testbed");
  const host = newKey("v4v-host");
  const dom0 = newKey("v4v-dom0");
  return {
    privateKey: login.privateKey,
    publicKey: login.publicKey,
    hostPrivateKey: host.privateKey,
    hostPublicKey: host.publicKey,
    dom0PrivateKey: dom0.privateKey,
    dom0PublicKey: dom0.publicKey,
  };
}

/** What a stack keeps wherever its folder is. */
const IDENTITY = [
  ...["marker", "port", "privateKey", "publicKey", "hostPrivateKey", "hostPublicKey"],
  ...["dom0PrivateKey", "dom0PublicKey"],
];

const identityOf = ({ outputs }: Prior): Properties =>
  Object.fromEntries(Object.entries(outputs).filter(([name]) => IDENTITY.includes(name)));

/** An emulated machine is where its folder is; a stack on hosts that stay has all that it needs in its state. */
const isBound = (inputs: Properties): boolean =>
  typed<RunFolderInputs>(inputs).reached === undefined;

/** Where it is now; its id is where it was made. */
const pathOf = (prior: Prior): string =>
  typed<Partial<RunFolderInputs>>(prior.inputs).path ?? prior.id;

const newMarker = () => `v4v-testbed-${randomBytes(8).toString("hex")}`;

/** The folder of a stack on a host that stays: no machine, so no port; the keys are for its domUs. */
function withHost(
  path: string,
  { reached, further }: { reached: Reached; further: RunFolderInputs["further"] },
  prior: Prior | undefined,
  kept: Partial<RunFolderOutputs> | undefined,
): Properties {
  const outputs =
    prior !== undefined && kept?.privateKey !== undefined
      ? identityOf(prior)
      : { ...newKeys(), marker: newMarker(), port: 0 };
  const { privateKey, hostPublicKey } = typed<RunFolderOutputs>(outputs);
  writeHostConfig(path, {
    port: 0,
    privateKey,
    hostKey: hostPublicKey,
    reached,
    ...(further !== undefined && { further }),
  });
  return outputs;
}

/** The stack's own folder, keys and port: made once, kept for the stack's life, swept at its end. */
export const runFolderResource: Resource = {
  deadlines: { create: 60, update: 60, delete: 120 },

  id: (inputs) => typed<RunFolderInputs>(inputs).path,

  check: (inputs) => Promise.resolve({ inputs, failures: missing(inputs, ["path", "sshPort"]) }),

  diff: (prior: Prior, inputs: Properties) => ({
    ...(prior.inputs.path !== inputs.path &&
      (isBound(prior.inputs) || isBound(inputs)) && { replace: ["path"] }),
    ...(prior.outputs.absent === true && { changed: ["path"] }),
  }),

  async ensure(
    _context: Context,
    properties: Properties,
    prior: Prior | undefined,
  ): Promise<Properties> {
    const inputs = typed<RunFolderInputs>(properties);
    const kept = prior === undefined ? undefined : typed<Partial<RunFolderOutputs>>(prior.outputs);
    const { reached } = inputs;
    if (prior !== undefined && prior.unfinished !== true) {
      const before = typed<RunFolderInputs>(prior.inputs).reached?.hostKey;
      if (before !== reached?.hostKey)
        throw new Refused(
          `this stack is on ${before === undefined ? "its emulated machine" : "another host"}; "npm run destroy" first, or choose another stack (--stack)`,
        );
    }
    const samePort =
      kept?.port !== undefined && (inputs.sshPort === 0 || inputs.sshPort === kept.port);
    if (!samePort && inputs.sshPort !== 0 && !(await portIsFree(inputs.sshPort))) {
      throw new Refused(
        `machine.sshPort: port ${inputs.sshPort} of loopback is in use by another program; choose another one, or 0 for a free one`,
      );
    }
    mkdirSync(inputs.path, { recursive: true, mode: 0o700 });
    chmodSync(inputs.path, 0o700);
    if (reached !== undefined)
      return withHost(inputs.path, { reached, further: inputs.further }, prior, kept);
    const { bavail, bsize } = statfsSync(inputs.path);
    const freeMiB = Math.floor((bavail * bsize) / 2 ** 20);
    if (freeMiB < NEEDED_MIB) {
      throw new Refused(
        `too little disk space: ${inputs.path} has ${freeMiB} MiB free, the machine's disk needs ${NEEDED_MIB} MiB; ` +
          `free some, or point XDG_STATE_HOME to another file system`,
      );
    }
    const port = samePort
      ? kept.port
      : inputs.sshPort === 0
        ? await chooseFreePort()
        : inputs.sshPort;
    if (kept?.privateKey !== undefined && kept.hostPublicKey !== undefined) {
      writeHostConfig(inputs.path, {
        port: port ?? 0,
        privateKey: kept.privateKey,
        hostKey: kept.hostPublicKey,
      });
      return { ...prior?.outputs, port: port ?? 0 };
    }
    const outputs: RunFolderOutputs = { marker: newMarker(), port: port ?? 0, ...newKeys() };
    writeHostConfig(inputs.path, {
      port: outputs.port,
      privateKey: outputs.privateKey,
      hostKey: outputs.hostPublicKey,
    });
    return { ...outputs };
  },

  read(_context: Context, prior: Prior) {
    const { inputs, outputs } = prior;
    if (existsSync(pathOf(prior))) return Promise.resolve({ inputs, outputs });
    // Its machine is gone with it. On another computer, or removed, that of hosts that stay is written again from the state.
    return Promise.resolve(
      isBound(inputs) ? undefined : { inputs, outputs: { ...outputs, absent: true } },
    );
  },

  async delete(context: Context, prior: Prior): Promise<void> {
    const folder = pathOf(prior);
    if (!existsSync(folder)) return;
    const markers = new Set<string>();
    for (const entry of readLedger(folder)) {
      if (entry.kind === "file") rmSync(entry.path, { force: true });
      else markers.add(entry.marker);
    }
    // The machine resource has ended its own process; what still runs was left by an update that was killed.
    for (const marker of markers) {
      for (const process of machineProcesses(marker).filter(isRunning)) {
        context.warn(`ending process ${process.pid}, left behind by an interrupted run`);
        await end(process, 2000);
      }
    }
    rmSync(folder, { recursive: true, force: true });
  },
};
