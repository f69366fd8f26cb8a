import * as pulumi from "@pulumi/pulumi";
import { Passthrough } from "../provider/sdk.ts";
import type { XenHost } from "./xenHost.ts";

/** Name of the domU that is to have the device. */
const GUEST = "gpu";

export interface GpuDomainArgs {
  xenHost: XenHost;
  /** PCI address. */
  device: string;
}

/** Whether the setting names a device, which then is none of dom0's. */
export const passedThrough = (device: string): boolean => device !== "auto" && device !== "none";

/** The GPU, taken from dom0 with all its functions. The domU that it is for is not built yet. */
export class GpuDomain extends pulumi.ComponentResource {
  readonly passthrough: Passthrough;

  constructor(name: string, args: GpuDomainArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:GpuDomain", name, {}, options);
    const { host, bootId } = args.xenHost;
    this.passthrough = new Passthrough(
      `${name}-device`,
      {
        connection: host.connection,
        dom0BootId: bootId,
        device: args.device,
        domain: GUEST,
        folder: "/var/lib/v4v-testbed/passthrough",
        sysfs: "/sys",
      },
      { parent: this, deletedWith: host.resource, dependsOn: [args.xenHost] },
    );
    this.registerOutputs({ functions: this.passthrough.functions });
  }
}
