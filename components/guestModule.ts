import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { KernelModule, type Built } from "../provider/sdk.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import { render } from "../templates/render.ts";
import { goesWith } from "./host.ts";
import { LIBRARY, type XenHost } from "./xenHost.ts";

export interface ModuleSettings {
  project: string;
  module: Built;
  /** Receive ring of one connection and direction, KiB. */
  ringKiB: number;
  /** How long a reader looks out for data before it sleeps, us. */
  spinUs: number;
}

export interface GuestModuleArgs extends ModuleSettings {
  xenHost: XenHost;
}

const IN_GUEST = "/usr/local/lib/v4v";
const IN_DOM0 = `${LIBRARY}/v4v.ko`;
export const MODULE_UNIT = "v4v-module.service";

const parametersOf = ({ ringKiB, spinUs }: ModuleSettings) =>
  `ring_kib=${ringKiB} spin_us=${spinUs}`;
const unitFileOf = (settings: ModuleSettings) =>
  render("v4v-module.service", { parameters: parametersOf(settings) });

/** dom0's files of the module. */
export function dom0Module(settings: ModuleSettings): pulumi.Output<RemoteFile[]> {
  return settings.module.path.apply((path): RemoteFile[] => [
    { path: IN_DOM0, mode: "644", source: `${path}/v4v.ko` },
    { path: `/etc/systemd/system/${MODULE_UNIT}`, mode: "644", content: unitFileOf(settings) },
  ]);
}

/** The domUs' files of the module. */
export function guestModule(settings: ModuleSettings): pulumi.Output<RemoteFile[]> {
  const loader = readFileSync(join(settings.project, "dom0", "load-v4v"), "utf8");
  const hook = `#!/bin/sh\nexec ${IN_GUEST}/load-v4v ${IN_GUEST}/v4v.ko ${parametersOf(settings)}\n`;
  return settings.module.path.apply((path): RemoteFile[] => [
    { path: `${IN_GUEST}/v4v.ko`, mode: "644", source: `${path}/v4v.ko` },
    { path: `${IN_GUEST}/load-v4v`, mode: "755", content: loader },
    { path: "/etc/v4v/boot.d/50-v4v", mode: "755", content: hook },
  ]);
}

/** The V4V module in dom0; domUs load it themselves. */
export class GuestModule extends pulumi.ComponentResource {
  readonly dom0: KernelModule;

  constructor(name: string, args: GuestModuleArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:GuestModule", name, {}, options);
    const { xenHost, module } = args;
    this.dom0 = new KernelModule(
      `${name}-dom0`,
      {
        connection: xenHost.host.connection,
        dom0BootId: xenHost.bootId,
        source: pulumi.interpolate`${module.path}/v4v.ko`,
        path: IN_DOM0,
        srcversion: module.fact("srcversion"),
        unit: MODULE_UNIT,
        unitFile: unitFileOf(args),
      },
      { parent: this, ...goesWith(xenHost.host), dependsOn: [xenHost.hypervisor] },
    );
    this.registerOutputs({});
  }
}
