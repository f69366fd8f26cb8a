import * as pulumi from "@pulumi/pulumi";
import { gpuDevice, mayBeHvm } from "../config/gpu.ts";
import { linkOf } from "../config/hosts.ts";
import { neededMiB } from "../config/memory.ts";
import { domUsOn } from "../config/spread.ts";
import type { HostSettings, LoginSettings, Settings } from "../config/types.ts";
import { acceleratorOf, type Accelerator } from "../evaluation/accelerator.ts";
import { GPU_PACKAGES, HVM_PACKAGES, PACKAGES } from "../provider/existing/packages.ts";
import {
  ExistingHost as HostResource,
  HostModule,
  RunFolder,
  type Built,
} from "../provider/sdk.ts";
import type { Connection } from "../provider/ssh/target.ts";
import { GPU_GUEST } from "./gpuDomain.ts";
import { HOST_STATE, hostName, ofHost } from "./host.ts";
import { hostBridgeOf, type Bridge } from "./network.ts";
import type { Computer, Place } from "./place.ts";
import { LIBRARY, type OwnBoot } from "./xenHost.ts";

export interface ExistingHostArgs {
  /** The stack's folder on the controller. */
  folder: string;
  host: HostSettings;
  settings: Settings;
  /** Which of several it is, from 0. */
  number?: number;
  /** Of several hosts all but the first: the first one's. */
  runFolder?: RunFolder;
}

/** Folders of the testbed's own on the host; its files are removed by those who put them there. */
const FOLDERS = [
  LIBRARY,
  "/etc/v4v-testbed",
  "/etc/v4v",
  "/var/lib/v4v-testbed",
  "/var/log/xen/console",
  "/var/log/xen",
  "/boot/v4v-testbed",
];

const loginTo = ({ address, port, user, keyFile, hostKey }: LoginSettings): Connection => ({
  host: address,
  port,
  user,
  // A comment after the key is nothing that a host presents.
  hostKey: hostKey.split(" ").slice(0, 2).join(" "),
  ...(keyFile !== "" && { keyFile }),
});

/** How the provider reaches a host as root. */
export function connectionTo({ jump, ...host }: HostSettings): Connection {
  return {
    ...loginTo(host),
    ...(host.user !== "root" && { sudo: true }),
    ...(jump !== undefined && { via: loginTo(jump) }),
  };
}

/** A host that is somebody else's: looked at, and given the packages that dom0 needs. */
export class ExistingHost extends pulumi.ComponentResource implements Place {
  readonly runFolder: RunFolder;
  readonly connection: pulumi.Output<Connection>;
  /** It is the same host whenever it was started: what runs on it is asked by boot id. */
  readonly incarnation: pulumi.Output<string>;
  readonly consoleLog = undefined;
  readonly bridge: Bridge;
  readonly resource = undefined;
  readonly accelerator: pulumi.Output<Accelerator>;
  readonly acceleratorReason: pulumi.Output<string>;
  readonly emulator: pulumi.Output<string>;
  readonly computer: pulumi.Output<Computer>;
  readonly kernel: pulumi.Output<string>;
  /** What it boots by itself. */
  readonly own: pulumi.Output<OwnBoot>;
  readonly #number: number;

  constructor(name: string, args: ExistingHostArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:ExistingHost", name, {}, options);
    const { settings } = args;
    const reached = connectionTo(args.host);
    const number = args.number ?? 0;
    this.#number = number;
    this.bridge = hostBridgeOf(number);
    this.runFolder =
      args.runFolder ??
      new RunFolder(
        `${name}-folder`,
        {
          path: args.folder,
          sshPort: 0,
          reached,
          ...(settings.hosts.length > 1 && {
            further: settings.hosts
              .map((host, i) => ({ name: hostName(i), reached: connectionTo(host) }))
              .slice(1),
          }),
        },
        { parent: this },
      );
    // The first has the GPU.
    const gpu = number === 0 && gpuDevice(settings) !== undefined;
    const domUs = domUsOn(number, settings);
    const guests = domUs.map((domU) => `domu${domU}`);
    const { gateway, prefixLength } = this.bridge;
    const host = new HostResource(
      `${name}-host`,
      {
        // Refused there if the stack is on another host.
        connection: this.runFolder.path.apply(() => reached),
        state: HOST_STATE,
        packages: [
          ...PACKAGES,
          ...(gpu ? GPU_PACKAGES : []),
          // Which kind the domU is, is known when the device has been looked at under Xen.
          ...(gpu && mayBeHvm(settings) ? HVM_PACKAGES : []),
        ],
        needs: {
          memoryMiB: neededMiB(settings, domUs.length, gpu),
          dom0MemoryMiB: settings.xen.dom0MemoryMiB,
          dom0Vcpus: settings.xen.dom0Vcpus,
          gpu,
          guests: gpu ? [...guests, GPU_GUEST] : guests,
          bridge: this.bridge.name,
          network: `${gateway}/${prefixLength}`,
          ...(number > 0 && { number }),
          ...(settings.hosts.length > 1 && { link: linkOf(args.host) }),
        },
        folders: FOLDERS,
      },
      { parent: this },
    );
    // Nothing else is done on the host before it has been looked at.
    this.connection = host.machineId.apply(() => reached);
    this.incarnation = host.machineId;
    this.accelerator = host.virtualisation.apply(acceleratorOf);
    this.acceleratorReason = host.virtualisation.apply((kind) =>
      kind === "none"
        ? "an existing host"
        : `an existing host, which systemd-detect-virt calls ${kind}`,
    );
    this.emulator = pulumi.output("none of the testbed's own");
    this.computer = pulumi
      .all([host.processor, host.cores, host.memoryMiB, host.system])
      .apply(([cpuModel, cores, memoryMiB, os]) => ({ cpuModel, cores, memoryMiB, os }));
    this.kernel = host.kernel;
    this.own = pulumi
      .all([host.kernel, host.commandLine, host.bootUuid, host.bootPath])
      .apply(([kernel, commandLine, bootUuid, bootPath]) => ({
        kernel,
        commandLine,
        bootUuid,
        bootPath,
      }));
    this.registerOutputs({ accelerator: this.accelerator });
  }

  /** The V4V module for the host's kernel: the one that the controller has built, if it fits. */
  module(project: string, built: Built): HostModule {
    return new HostModule(
      ofHost("module-build", this.#number),
      {
        connection: this.connection,
        project,
        built: { path: built.path, facts: built.facts },
        kernel: this.kernel,
        state: HOST_STATE,
        // Hosts with the same kernel do not write the same file.
        runFolder:
          this.#number === 0
            ? this.runFolder.path
            : pulumi.interpolate`${this.runFolder.path}/${hostName(this.#number)}`,
      },
      { parent: this },
    );
  }
}
