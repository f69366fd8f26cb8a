import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { KernelModule, type Build } from "../provider/sdk.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import { render } from "../templates/render.ts";
import type { XenHost } from "./xenHost.ts";

export interface GuestModuleArgs {
  xenHost: XenHost;
  project: string;
  module: Build;
  /** Receive ring of one connection and direction, KiB. */
  ringKiB: number;
  /** How long a reader looks out for data before it sleeps, us. */
  spinUs: number;
}

const IN_GUEST = "/usr/local/lib/v4v";

/** The V4V module: loaded in dom0, and what domUs need to load it themselves. */
export class GuestModule extends pulumi.ComponentResource {
  readonly dom0: KernelModule;
  /** Files for the domUs' payload. */
  readonly payload: pulumi.Output<RemoteFile[]>;

  constructor(name: string, args: GuestModuleArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:GuestModule", name, {}, options);
    const { xenHost, module } = args;
    const parameters = `ring_kib=${args.ringKiB} spin_us=${args.spinUs}`;
    this.dom0 = new KernelModule(
      `${name}-dom0`,
      {
        connection: xenHost.host.connection,
        dom0BootId: xenHost.bootId,
        source: pulumi.interpolate`${module.path}/v4v.ko`,
        path: "/usr/local/lib/v4v-testbed/v4v.ko",
        srcversion: module.fact("srcversion"),
        unit: "v4v-module.service",
        unitFile: render("v4v-module.service", { parameters }),
      },
      { parent: this, deletedWith: xenHost.host.resource, dependsOn: [xenHost] },
    );
    const loader = readFileSync(join(args.project, "dom0", "load-v4v"), "utf8");
    const hook = `#!/bin/sh\nexec ${IN_GUEST}/load-v4v ${IN_GUEST}/v4v.ko ${parameters}\n`;
    this.payload = module.path.apply((path): RemoteFile[] => [
      { path: `${IN_GUEST}/v4v.ko`, mode: "644", source: `${path}/v4v.ko` },
      { path: `${IN_GUEST}/load-v4v`, mode: "755", content: loader },
      { path: "/etc/v4v/boot.d/50-v4v", mode: "755", content: hook },
    ]);
    this.registerOutputs({});
  }
}
