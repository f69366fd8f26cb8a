import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import { Domain, GuestImage, type Build } from "../provider/sdk.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import type { Guest } from "../provider/xen/guest.ts";
import type { GuestType } from "../provider/xen/guestType.ts";
import type { GuestRoot } from "../provider/xen/guestRoot.ts";
import { render } from "../templates/render.ts";
import { goesWith, type Host } from "./host.ts";
import { bridge, guestAddress, type Bridge, type GuestAddress } from "./network.ts";
import { hostInitrdTools, initrdTools, LIBRARY, type XenHost } from "./xenHost.ts";

export interface DomainsArgs {
  xenHost: XenHost;
  project: string;
  /** Numbers of those of this host. */
  numbers: readonly number[];
  settings: Settings["domU"];
  image: Build;
  /** Files that every domU gets on top of the image. */
  payload: pulumi.Input<RemoteFile[]>;
  /** The stack's folder on the controller. */
  runFolder: pulumi.Input<string>;
  /** Public keys that may log in as root. */
  authorizedKeys: pulumi.Input<string>;
  /** With which the controller logs in to them, if that is another key than the one for the host. */
  loginKey?: pulumi.Input<string>;
  /** What has to be in force on the host before a domU runs. */
  after: pulumi.Resource[];
  /** Name of the host in ssh's configuration, for those that are not on the first. */
  jump?: string;
}

/**
 * Under emulation every CPU's TSC is the controller's, in step by nature, while Xen's clock is set anew each second from
 * a slow emulated timer and jumps by up to a millisecond between CPUs: round trips of nothing would be measured.
 */
const KERNEL_OPTIONS = "clocksource=tsc tsc=nowatchdog";

/** Of the domUs on their host, and of what they boot from. */
export const DOMU_FOLDER = "/var/lib/v4v-testbed";

/** What the domUs of a host boot from. */
export function guestRoot(project: string, image: Build, host?: Host): pulumi.Output<GuestRoot> {
  const stays = host !== undefined && host.resource === undefined;
  const tools = stays ? hostInitrdTools(project) : initrdTools(project);
  const scripts = Buffer.concat(tools.map(({ content }) => Buffer.from(content)));
  return pulumi.all([image.path, image.fact("root-sha256")]).apply(([path, imageSha256]) => ({
    folder: DOMU_FOLDER,
    image: `${path}/root.ext4.zst`,
    imageSha256,
    makeInitrd: `${LIBRARY}/${stays ? "make-initrd-of-image" : "make-initrd"}`,
    makeInitrdSha256: createHash("sha256").update(scripts).digest("hex"),
  }));
}

export interface GuestHardware {
  memoryMiB: number;
  vcpus: number;
  /** Folder on the host of what it boots from. */
  image: string;
  /** Addresses of the PCI devices that it has. */
  pci: string[];
  /** Absent: PV. */
  type?: GuestType;
}

/** The xl configuration of a domU. */
export const guestConfig = (
  name: string,
  { address, mac }: GuestAddress,
  { memoryMiB, vcpus, image, pci, type = "pv" }: GuestHardware,
  on: Bridge = bridge,
): string =>
  render("domu.cfg", {
    name,
    pvh: false,
    hvm: type === "hvm",
    memoryMiB,
    vcpus,
    kernelOptions: KERNEL_OPTIONS,
    folder: image,
    library: LIBRARY,
    bridge: on.name,
    address,
    mac,
    pci,
  });

/** What a domU's boot script is told. */
export function guestEnvironment(
  name: string,
  { address }: GuestAddress,
  { gateway, prefixLength }: Bridge = bridge,
): string {
  return render("domu.env", { name, address, prefixLength, gateway });
}

/** What is known of `domu1`, `domu2`, ... without a stack. */
export function guest(number: number, settings: Settings["domU"], on: Bridge = bridge): Guest {
  const name = `domu${number}`;
  const where = guestAddress(number);
  const { memoryMiB, vcpus } = settings;
  return {
    name,
    config: guestConfig(name, where, { memoryMiB, vcpus, image: DOMU_FOLDER, pci: [] }, on),
    environment: guestEnvironment(name, where, on),
  };
}

/** The benchmark domUs `domu1` to `domuN` of one host, and the image that they share. */
export class Domains extends pulumi.ComponentResource {
  readonly image: GuestImage;
  readonly domains: Domain[];
  /** Of the domUs, in the same order. */
  readonly numbers: readonly number[];

  constructor(name: string, args: DomainsArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Domains", name, {}, options);
    const { host, bootId } = args.xenHost;
    const { connection } = host;
    const on = { parent: this, ...goesWith(host) };
    const root = guestRoot(args.project, args.image, host);
    this.image = new GuestImage(
      `${name}-image`,
      {
        connection,
        incarnation: bootId,
        folder: root.folder,
        image: root.image,
        imageSha256: root.imageSha256,
        makeInitrd: root.makeInitrd,
        makeInitrdSha256: root.makeInitrdSha256,
        payload: args.payload,
      },
      { ...on, dependsOn: [args.xenHost.hypervisor] },
    );

    this.numbers = args.numbers;
    this.domains = args.numbers.map((number) => {
      const { name: own, config, environment } = guest(number, args.settings, host.bridge);
      return new Domain(
        own,
        {
          connection,
          dom0BootId: bootId,
          name: own,
          address: guestAddress(number).address,
          config,
          environment,
          authorizedKeys: args.authorizedKeys,
          ...(args.loginKey !== undefined && { loginKey: args.loginKey }),
          folder: this.image.folder,
          runFolder: args.runFolder,
          ...(args.jump !== undefined && { jump: args.jump }),
          bootDigest: this.image.bootDigest,
          packedDigest: this.image.packedDigest,
        },
        { ...on, dependsOn: [args.xenHost.key, ...args.after] },
      );
    });
    this.registerOutputs({ count: args.numbers.length });
  }
}
