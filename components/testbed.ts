import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import { Builds } from "./builds.ts";
import { GuestModule } from "./guestModule.ts";
import { Domains } from "./domains.ts";
import { Machine } from "./machine.ts";
import { XenHost } from "./xenHost.ts";

export interface TestbedArgs {
  /** Folder of the project. */
  project: string;
  /** The stack's folder on the controller. */
  folder: string;
  settings: Settings;
}

/** The whole testbed: builds, machine, Xen host, domUs and evaluation, joined. */
export class Testbed extends pulumi.ComponentResource {
  readonly builds: Builds;
  readonly machine: Machine;
  readonly xenHost: XenHost;
  /** Absent with v4v.enabled false. */
  readonly guestModule: GuestModule | undefined;
  readonly domains: Domains;

  constructor(name: string, args: TestbedArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Testbed", name, {}, options);
    const { project, settings } = args;
    const inside = { parent: this };
    this.builds = new Builds("build", { project, settings }, inside);
    this.machine = new Machine(
      "machine",
      {
        folder: args.folder,
        image: pulumi.interpolate`${this.builds.hostImage.path}/disk.img`,
        settings: settings.machine,
      },
      inside,
    );
    const { runFolder } = this.machine;
    this.xenHost = new XenHost(
      "host",
      {
        host: this.machine,
        project,
        hypervisor: this.builds.hypervisor,
        settings,
        dom0PrivateKey: runFolder.dom0PrivateKey,
      },
      inside,
    );
    this.guestModule =
      this.builds.module === undefined
        ? undefined
        : new GuestModule("module", { xenHost: this.xenHost, project, module: this.builds.module }, inside);
    this.domains = new Domains(
      "domus",
      {
        xenHost: this.xenHost,
        project,
        count: settings.vmCount,
        settings: settings.domU,
        image: this.builds.domUImage,
        payload: this.#payload(),
        authorizedKeys: pulumi.interpolate`${runFolder.publicKey}\n${runFolder.dom0PublicKey}`,
      },
      inside,
    );
    this.registerOutputs({});
  }

  /** The testbed's own programs, for every domU. */
  #payload(): pulumi.Output<RemoteFile[]> {
    return pulumi.all([this.builds.tools.path, this.guestModule?.payload ?? []]).apply(([tools, module]) => [
      { path: "/usr/local/bin/v4v-bench", mode: "755", source: `${tools}/bin/v4v-bench` },
      ...module,
    ]);
  }
}
