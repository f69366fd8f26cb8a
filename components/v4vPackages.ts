import * as pulumi from "@pulumi/pulumi";
import { packageVersion } from "../provider/build/packageVersion.ts";
import { Packages } from "../provider/sdk.ts";
import type { Connection } from "../provider/ssh/target.ts";
import type { PackageBuilds } from "./builds.ts";

export interface V4vPackagesArgs {
  /** Folder of the testbed's sources: {@link PROJECT}. */
  project: string;
  builds: PackageBuilds;
  /** dom0, or a domU: Debian 13 with apt, on a host whose hypervisor has V4V. */
  connection: pulumi.Input<Connection>;
  /** dom0 has discovery and rules besides. */
  role: "dom0" | "domU";
}

const ARCHITECTURE = { "v4v-sockets": "amd64", "v4v-dom0": "amd64", "v4v-module-dkms": "all" };

/** What the packages depend on: DKMS, and what it compiles with. */
const NEEDS = ["dkms", "kmod", "init-system-helpers", "gcc", "make", "linux-headers"];
/** v4vd and viptables call Xen's libraries. */
const NEEDS_OF_DOM0 = ["libxencall1", "libxenstore4"];

/** The packages are content if nothing could be loaded; this is not. */
const apply = (units: readonly string[]): string =>
  `systemctl restart ${units.join(" ")} && grep -q '^v4v ' /proc/modules`;

/** V4V on a machine that is there already: module by DKMS, library and tools; in dom0 `v4vd` and `viptables`. */
export class V4vPackages extends pulumi.ComponentResource {
  readonly packages: Packages;

  constructor(name: string, args: V4vPackagesArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:V4vPackages", name, {}, options);
    const { builds, role } = args;
    const version = packageVersion(args.project);
    const from = (build: PackageBuilds["sockets"], packageName: keyof typeof ARCHITECTURE) => ({
      name: packageName,
      source: pulumi.interpolate`${build.path}/packages/${packageName}_${version}_${ARCHITECTURE[packageName]}.deb`,
      build: build.fact(`${packageName}-build`),
    });
    const dom0 = role === "dom0";
    this.packages = new Packages(
      `${name}-packages`,
      {
        connection: args.connection,
        incarnation: "",
        needs: [...NEEDS, ...(dom0 ? NEEDS_OF_DOM0 : [])],
        packages: [
          from(builds.module, "v4v-module-dkms"),
          from(builds.sockets, "v4v-sockets"),
          ...(dom0 ? [from(builds.sockets, "v4v-dom0")] : []),
        ],
        then: apply(["v4v.service", ...(dom0 ? ["v4vd.service"] : [])]),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
