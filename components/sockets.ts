import * as pulumi from "@pulumi/pulumi";
import { packageVersion } from "../provider/build/packageVersion.ts";
import { Packages, type Build } from "../provider/sdk.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import type { RemotePackage } from "../provider/resources/packages.ts";
import { goesWith } from "./host.ts";
import type { XenHost } from "./xenHost.ts";

export interface SocketsArgs {
  xenHost: XenHost;
  project: string;
  sockets: Build;
}

/** Where the packages have what is called by its path. */
export const V4VRUN = "/usr/bin/v4vrun";
export const VIPTABLES = "/usr/sbin/viptables";

/** The package has started it anew, and is content if it could not; this is not. */
const APPLY = "systemctl start v4vd.service";

/** Of dom0. */
const PACKAGES = ["v4v-sockets", "v4v-dom0"];

/** What a domU has of v4v-sockets on top of its image, dpkg's records included: the layer of recipes/domu-packages.sh. */
const LAYER: [string, string][] = [
  [V4VRUN, "755"],
  ["/usr/bin/v4vctl", "755"],
  ["/usr/lib/libv4vsockets.so", "644"],
  ["/var/lib/dpkg/status", "644"],
  ["/var/lib/dpkg/info/v4v-sockets.list", "644"],
  ["/var/lib/dpkg/info/v4v-sockets.md5sums", "644"],
  ["/var/lib/dpkg/info/v4v-sockets.prerm", "755"],
  ["/var/lib/dpkg/info/v4v-sockets.postrm", "755"],
];

/** dom0's packages of the socket layer. */
export function dom0Packages(project: string, sockets: Build): pulumi.Output<RemotePackage[]> {
  const version = packageVersion(project);
  return pulumi
    .all([sockets.path, ...PACKAGES.map((name) => sockets.fact(`${name}-build`))])
    .apply(([path, ...builds]): RemotePackage[] =>
      PACKAGES.map((name, i) => ({
        name,
        source: `${path}/packages/${name}_${version}_amd64.deb`,
        build: builds[i] ?? "",
      })),
    );
}

/** The domUs' package of the socket layer, in the image that they boot from. */
export function guestPackages(packages: Build): pulumi.Output<RemoteFile[]> {
  return packages.path.apply((build) =>
    LAYER.map(([path, mode]) => ({ path, mode, source: `${build}/root${path}` })),
  );
}

/** What lets unmodified programs use V4V: discovery and rules in dom0, library and tools everywhere. */
export class Sockets extends pulumi.ComponentResource {
  readonly dom0: Packages;

  constructor(name: string, args: SocketsArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Sockets", name, {}, options);
    const { xenHost, sockets } = args;
    this.dom0 = new Packages(
      `${name}-dom0`,
      {
        connection: xenHost.host.connection,
        incarnation: xenHost.bootId,
        packages: dom0Packages(args.project, sockets),
        then: APPLY,
      },
      { parent: this, ...goesWith(xenHost.host), dependsOn: [xenHost.hypervisor] },
    );
    this.registerOutputs({});
  }
}
