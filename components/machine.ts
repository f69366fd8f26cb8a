import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import type { Accelerator } from "../evaluation/accelerator.ts";
import { EmulatedMachine, RunFolder } from "../provider/sdk.ts";
import type { MachineInputs } from "../provider/resources/machine.ts";
import type { Connection } from "../provider/ssh/target.ts";
import { bridge } from "./network.ts";
import { thisComputer, type Computer, type Place } from "./place.ts";

type Freeze = NonNullable<MachineInputs["freeze"]>;

export interface MachineArgs {
  /** The stack's folder on the controller. */
  folder: string;
  /** Disk image to boot. */
  image: pulumi.Input<string>;
  settings: Settings["machine"];
  /** Whether it has a device to pass through. */
  gpu: boolean;
  /** What it is going to run, as far as a frozen machine may hold it. */
  freeze: pulumi.Input<Freeze>;
}

/** The emulated machine, from its folder and keys to an answering SSH: a plain Debian, or one resumed. */
export class Machine extends pulumi.ComponentResource implements Place {
  readonly runFolder: RunFolder;
  readonly connection: pulumi.Output<Connection>;
  readonly incarnation: pulumi.Output<string>;
  readonly consoleLog: pulumi.Output<string>;
  readonly bridge = bridge;
  readonly accelerator: pulumi.Output<Accelerator>;
  readonly acceleratorReason: pulumi.Output<string>;
  readonly emulator: pulumi.Output<string>;
  readonly computer: pulumi.Output<Computer>;
  readonly resource: EmulatedMachine;

  constructor(name: string, args: MachineArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Machine", name, {}, options);
    const { settings } = args;
    // That a machine with an IOMMU goes on from a frozen one has not been tried.
    const freeze = settings.freeze && !args.gpu;
    this.runFolder = new RunFolder(
      `${name}-folder`,
      { path: args.folder, sshPort: settings.sshPort },
      { parent: this },
    );
    const folder = this.runFolder;
    this.connection = pulumi.secret(
      pulumi
        .all([folder.port, folder.privateKey, folder.hostPublicKey])
        .apply(([port, privateKey, hostKey]): Connection => ({
          host: "127.0.0.1",
          port,
          user: "root",
          privateKey,
          hostKey,
        })),
    );
    this.resource = new EmulatedMachine(
      `${name}-qemu`,
      {
        folder: folder.path,
        marker: folder.marker,
        image: args.image,
        memoryMiB: settings.memoryMiB,
        cpus: settings.cpus,
        accelerator: settings.accelerator,
        ...(args.gpu && { gpu: true }),
        connection: this.connection,
        hostPrivateKey: folder.hostPrivateKey,
        authorizedKeys: folder.publicKey,
        // What reboots gets the time for it, and a machine that hangs leaves some for another boot.
        silence: Math.ceil(settings.bootTimeout / 2),
        ...(freeze && { freeze: args.freeze }),
      },
      {
        parent: this,
        customTimeouts: {
          // A frozen machine is booted twice before it serves this one: as Debian and as Xen host.
          create: `${settings.bootTimeout * (freeze ? 3 : 1)}s`,
          update: `${settings.bootTimeout + 120}s`,
        },
      },
    );
    this.incarnation = this.resource.incarnation;
    this.consoleLog = this.resource.consoleLog;
    this.accelerator = this.resource.acceleratorUsed;
    this.acceleratorReason = this.resource.acceleratorReason;
    this.emulator = this.resource.emulator;
    this.computer = pulumi.output(thisComputer());
    this.registerOutputs({ accelerator: this.accelerator });
  }
}
