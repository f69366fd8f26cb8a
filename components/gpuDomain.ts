import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import { Domain, GuestImage, Passthrough } from "../provider/sdk.ts";
import type { GpuBuilds } from "./builds.ts";
import { DOMU_FOLDER, guestConfig, guestEnvironment, guestRoot } from "./domains.ts";
import { goesWith } from "./host.ts";
import { gpuGuest } from "./network.ts";
import { NVIDIA_NEEDS } from "./nvidiaDriver.ts";
import type { XenHost } from "./xenHost.ts";

/** Name of the domU that has the device. */
export const GPU_GUEST = "gpu";

const IMAGE_FOLDER = `${DOMU_FOLDER}/gpu-image`;

/** What a PV guest sees its PCI devices with; an HVM guest sees them as a machine does. */
const PV_MODULES = ["xen-pcifront"];

/** Where dom0 has its kernels as boot loaders take them. */
const KERNELS = "/boot";

export interface GpuDomainArgs {
  xenHost: XenHost;
  project: string;
  /** PCI address, or `auto` for the host's only display device that dom0 can spare. */
  device: string;
  settings: Settings;
  builds: GpuBuilds;
  /** Files that it gets on top of its image. */
  payload: pulumi.Input<RemoteFile[]>;
  /** The stack's folder on the controller. */
  runFolder: pulumi.Input<string>;
  /** Public keys that may log in as root. */
  authorizedKeys: pulumi.Input<string>;
  /** As that of the other domUs. */
  loginKey?: pulumi.Input<string>;
  /** What has to be in force on the host before a domU runs, and what goes after it. */
  after: pulumi.Resource[];
}

/** Programs of the GPU domU itself. */
export function gpuPrograms(builds: GpuBuilds): pulumi.Output<RemoteFile[]> {
  return builds.tools.path.apply((path) =>
    ["gpu-bench", "pci-bar"].map((program) => ({
      path: `/usr/local/bin/${program}`,
      mode: "755",
      source: `${path}/bin/${program}`,
    })),
  );
}

/** The GPU, taken from dom0 with all its functions, and the domU that has it. */
export class GpuDomain extends pulumi.ComponentResource {
  readonly passthrough: Passthrough;
  readonly image: GuestImage;
  readonly domain: Domain;

  constructor(name: string, args: GpuDomainArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:GpuDomain", name, {}, options);
    const { settings } = args;
    const { host, bootId, key, hypervisor } = args.xenHost;
    const { connection } = host;
    const on = { parent: this, ...goesWith(host) };
    this.passthrough = new Passthrough(
      `${name}-device`,
      {
        connection,
        dom0BootId: bootId,
        device: args.device,
        domain: GPU_GUEST,
        guestType: settings.gpu.type,
        driver: settings.gpu.driver,
        ...(args.builds.driver !== undefined && {
          driverKernel: args.builds.driver.fact("kernel-release"),
        }),
        folder: `${DOMU_FOLDER}/passthrough`,
        sysfs: "/sys",
      },
      { ...on, dependsOn: [args.xenHost, ...args.after] },
    );
    const { functions, guestType } = this.passthrough;
    const root = guestRoot(args.project, args.builds.image, host);
    this.image = new GuestImage(
      `${name}-image`,
      {
        connection,
        incarnation: bootId,
        folder: IMAGE_FOLDER,
        image: root.image,
        imageSha256: root.imageSha256,
        makeInitrd: root.makeInitrd,
        makeInitrdSha256: root.makeInitrdSha256,
        modules: guestType.apply((type) => [
          ...(type === "pv" ? PV_MODULES : []),
          ...(args.builds.driver === undefined ? [] : NVIDIA_NEEDS),
        ]),
        // Nothing changes for a PV domU, whose inputs have no such member.
        packedKernels: guestType.apply((type) => (type === "hvm" ? KERNELS : undefined)),
        payload: args.payload,
      },
      { ...on, dependsOn: [hypervisor, ...args.after] },
    );
    this.domain = new Domain(
      GPU_GUEST,
      {
        connection,
        dom0BootId: bootId,
        name: GPU_GUEST,
        address: gpuGuest.address,
        config: pulumi.all([functions, guestType]).apply(([pci, type]) =>
          guestConfig(
            GPU_GUEST,
            gpuGuest,
            {
              memoryMiB: settings.gpu.memoryMiB,
              vcpus: settings.gpu.vcpus,
              image: IMAGE_FOLDER,
              pci,
              type,
            },
            host.bridge,
          ),
        ),
        environment: guestEnvironment(GPU_GUEST, gpuGuest, host.bridge),
        authorizedKeys: args.authorizedKeys,
        ...(args.loginKey !== undefined && { loginKey: args.loginKey }),
        folder: DOMU_FOLDER,
        imageFolder: this.image.folder,
        runFolder: args.runFolder,
        bootDigest: this.image.bootDigest,
        packedDigest: this.image.packedDigest,
        taking: this.passthrough.taking,
      },
      { ...on, dependsOn: [key, this.passthrough, ...args.after] },
    );
    this.registerOutputs({ functions });
  }
}
