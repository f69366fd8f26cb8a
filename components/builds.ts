import * as pulumi from "@pulumi/pulumi";
import { gpuDevice, usesArchive, usesNvidia } from "../config/gpu.ts";
import type { Settings } from "../config/types.ts";
import { packageVersion } from "../provider/build/packageVersion.ts";
import { sourcesOf } from "../provider/build/sources.ts";
import { Build, type Built } from "../provider/sdk.ts";

export interface BuildsArgs {
  /** Folder of the project. */
  project: string;
  settings: Settings;
}

/** What only a testbed with a GPU domU is made of. */
export interface GpuBuilds {
  /** The GPU domU's root file system. */
  image: Build;
  /** The socket layer's package in it; absent with v4v.enabled false. */
  packages: Build | undefined;
  /** PoCL's remote driver and server. */
  pocl: Build;
  /** What that is compiled with and from. */
  poclRoot: Build;
  /** gpu-bench and pci-bar. */
  tools: Build;
  /** What the user's archive holds; absent without one. */
  archive: Build | undefined;
  /** NVIDIA's kernel modules; absent but for a card of NVIDIA's. */
  driver: Build | undefined;
}

/** What goes into hosts and domUs. */
export interface Parts {
  tools: Built;
  module: Built | undefined;
  /** Of domUs, in the domUs' image. */
  domUPackages: Build | undefined;
  gpu: GpuBuilds | undefined;
}

type Make = (
  recipe: string,
  parameters: Record<string, string>,
  dependencies: Record<string, Build>,
  as?: string,
) => Build;

/** Makes builds of recipes as children of a component. */
function maker(name: string, project: string, parent: pulumi.Resource): Make {
  return (recipe, parameters, dependencies, as = recipe) =>
    new Build(
      `${name}-${as}`,
      {
        project,
        recipe,
        // Lists fetched anew may name other packages: what was made from the old ones is not what they would give.
        parameters:
          dependencies.index === undefined
            ? parameters
            : { ...parameters, RELEASE_SHA256: dependencies.index.fact("release-sha256") },
        sources: sourcesOf(recipe),
        dependencies: Object.fromEntries(
          Object.entries(dependencies).map(([key, build]) => [key, build.path]),
        ),
      },
      { parent },
    );
}

interface HypervisorBuilds {
  index: Build;
  buildroot: Build;
  xenSource: Build;
  hypervisor: Build;
}

/** What the hypervisor takes to be built. */
function hypervisorBuilds(make: Make, settings: Settings): HypervisorBuilds {
  const index = make("index", { SUITE: "trixie", MIRROR: settings.machine.mirror }, {});
  const buildroot = make("buildroot", {}, { index });
  const xenSource = make("xen-source", {}, { index });
  const hypervisor = make(
    "hypervisor",
    {
      V4V: settings.v4v.enabled ? "y" : "n",
      DEBUG: settings.xen.debug ? "y" : "n",
      // Both modules are in one build: which it is, is said at boot.
      XSM: settings.xen.xsm === "none" ? "n" : "y",
    },
    { index, buildroot, xen_source: xenSource },
  );
  return { index, buildroot, xenSource, hypervisor };
}

/** The hypervisor alone, for a project that wants a Xen host and no testbed. */
export class HypervisorBuild extends pulumi.ComponentResource {
  readonly hypervisor: Build;

  constructor(name: string, args: BuildsArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:HypervisorBuild", name, {}, options);
    const make = maker(name, args.project, this);
    this.hypervisor = hypervisorBuilds(make, args.settings).hypervisor;
    this.registerOutputs({ hypervisor: this.hypervisor.fact("build-id") });
  }
}

/** The packages of V4V for hosts and domUs that are there already, and no testbed. */
export class PackageBuilds extends pulumi.ComponentResource {
  /** v4v-sockets and v4v-dom0. */
  readonly sockets: Build;
  /** v4v-module-dkms. */
  readonly module: Build;

  constructor(name: string, args: BuildsArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:PackageBuilds", name, {}, options);
    const { project, settings } = args;
    const make = maker(name, project, this);
    const index = make("index", { SUITE: "trixie", MIRROR: settings.machine.mirror }, {});
    const buildroot = make("buildroot", {}, { index });
    const version = { VERSION: packageVersion(project) };
    this.sockets = make("sockets", version, { index, buildroot });
    this.module = make("module-package", version, { index, buildroot });
    this.registerOutputs({});
  }
}

/** Everything that is compiled or put together on the controller; independent builds run side by side. */
export class Builds extends pulumi.ComponentResource {
  readonly index: Build;
  /** Compilers and headers; nothing of it is in a machine. */
  readonly buildroot: Build;
  readonly xenSource: Build;
  /** The emulated machine's disk; absent for an existing host. */
  readonly hostImage: Build | undefined;
  readonly domUImage: Build;
  readonly hypervisor: Build;
  readonly tools: Build;
  /** The guest module; absent with v4v.enabled false. */
  readonly module: Build | undefined;
  /** The socket layer's packages; absent with v4v.enabled false. */
  readonly sockets: Build | undefined;
  /** Those of domUs in the domUs' image; absent with v4v.enabled false. */
  readonly domUPackages: Build | undefined;
  /** Absent without a GPU domU. */
  readonly gpu: GpuBuilds | undefined;

  constructor(name: string, args: BuildsArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Builds", name, {}, options);
    const { project, settings } = args;
    const make = maker(name, project, this);
    const { index, buildroot, xenSource, hypervisor } = hypervisorBuilds(make, settings);
    this.index = index;
    this.buildroot = buildroot;
    this.xenSource = xenSource;
    this.hypervisor = hypervisor;
    this.hostImage =
      settings.target === "existing"
        ? undefined
        : make(
            "host-image",
            {
              DISK_MIB: String(settings.machine.diskMiB),
              // Without: the image that everybody else has.
              ...(gpuDevice(settings) !== undefined && settings.gpu.type === "hvm" && { HVM: "y" }),
            },
            { index },
          );
    this.domUImage = make("domu-image", {}, { index });
    this.tools = make("tools", {}, { buildroot });
    this.module = settings.v4v.enabled ? make("module", {}, { buildroot }) : undefined;
    const sockets = settings.v4v.enabled
      ? make("sockets", { VERSION: packageVersion(project) }, { index, buildroot })
      : undefined;
    this.sockets = sockets;
    const packagesIn = (image: Build, as?: string) =>
      sockets && make("domu-packages", {}, { buildroot, image, sockets }, as);
    this.domUPackages = packagesIn(this.domUImage);
    if (gpuDevice(settings) !== undefined) {
      const poclRoot = make("pocl-root", {}, { index });
      const nvidia = usesNvidia(settings) ? make("nvidia-index", {}, { index }) : undefined;
      const image =
        nvidia === undefined
          ? make("gpu-image", {}, { index })
          : make("gpu-image", { NVIDIA: "y" }, { index: nvidia });
      this.gpu = {
        image,
        packages: packagesIn(image, "gpu-packages"),
        pocl: make("pocl", {}, { pocl_root: poclRoot }),
        poclRoot,
        tools: make("gpu-tools", {}, { buildroot }),
        driver: nvidia && make("nvidia-module", {}, { index: nvidia, buildroot }),
        archive: usesArchive(settings)
          ? make(
              "remote-archive",
              {
                ARCHIVE: settings.remoteGpu.rcuda.archive,
                SHA256: settings.remoteGpu.rcuda.sha256,
              },
              {},
            )
          : undefined,
      };
    }
    this.registerOutputs({ hypervisor: this.hypervisor.fact("build-id") });
  }
}
