import * as pulumi from "@pulumi/pulumi";
import type { BuildInputs, BuildOutputs } from "./resources/build.ts";
import type { DomainInputs, DomainOutputs } from "./resources/domain.ts";
import type { EvaluationInputs, EvaluationOutputs } from "./resources/evaluation.ts";
import type { FilesInputs } from "./resources/files.ts";
import type { GuestImageInputs, GuestImageOutputs } from "./resources/guestImage.ts";
import type { HostInputs, HostOutputs } from "./resources/host.ts";
import type { HostModuleInputs, HostModuleOutputs } from "./resources/hostModule.ts";
import type { HypervisorInputs, HypervisorOutputs } from "./resources/hypervisor.ts";
import type { MachineInputs, MachineOutputs } from "./resources/machine.ts";
import type { ModuleInputs } from "./resources/module.ts";
import type { PackagesInputs } from "./resources/packages.ts";
import type { PassthroughInputs, PassthroughOutputs } from "./resources/passthrough.ts";
import type { RulesInputs } from "./resources/rules.ts";
import type { RunFolderInputs, RunFolderOutputs } from "./resources/runFolder.ts";

/** Arguments of a resource class: the provider's inputs, each of which may be another resource's output. */
export type Args<T> = { [K in keyof T]: pulumi.Input<Deep<T[K]>> };
type Deep<T> = T extends (infer U)[]
  ? pulumi.Input<Deep<U>>[]
  : T extends object
    ? { [K in keyof T]: pulumi.Input<Deep<T[K]>> }
    : T;

/** Outputs are declared by name so that the SDK makes an Output of each. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- makes the names those of T
function outputs<T>(...names: (keyof T & string)[]): Record<string, undefined> {
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/** What was built, wherever: a folder, and facts about what is in it. */
export interface Built {
  readonly path: pulumi.Output<string>;
  readonly facts: pulumi.Output<Record<string, string>>;
  fact(name: string): pulumi.Output<string>;
}

/** A fact that the recipe recorded; its absence is an error of the recipe. */
const factOf = (facts: pulumi.Output<Record<string, string>>, name: string) =>
  facts.apply((all) => {
    const value = all[name];
    if (value === undefined) throw new Error(`the build recorded no fact "${name}"`);
    return value;
  });

/** Something that the controller builds and caches. */
export class Build extends pulumi.CustomResource implements Built {
  declare readonly path: pulumi.Output<string>;
  declare readonly key: pulumi.Output<string>;
  declare readonly facts: pulumi.Output<Record<string, string>>;

  constructor(
    name: string,
    args: Args<Omit<BuildInputs, "sourceDigest">>,
    options?: pulumi.CustomResourceOptions,
  ) {
    super(
      "v4v:index:Build",
      name,
      { ...outputs<BuildOutputs>("path", "key", "facts"), ...args },
      options,
    );
  }

  fact(name: string): pulumi.Output<string> {
    return factOf(this.facts, name);
  }
}

/** The V4V module for the kernel of a host that is somebody else's. */
export class HostModule extends pulumi.CustomResource implements Built {
  declare readonly path: pulumi.Output<string>;
  declare readonly facts: pulumi.Output<Record<string, string>>;

  constructor(
    name: string,
    args: Args<Omit<HostModuleInputs, "sourceDigest">>,
    options?: pulumi.CustomResourceOptions,
  ) {
    const names = outputs<HostModuleOutputs>("path", "facts");
    super("v4v:index:HostModule", name, { ...names, ...args }, options);
  }

  fact(name: string): pulumi.Output<string> {
    return factOf(this.facts, name);
  }
}

/** The stack's folder, keys and port. */
export class RunFolder extends pulumi.CustomResource {
  declare readonly path: pulumi.Output<string>;
  declare readonly marker: pulumi.Output<string>;
  declare readonly port: pulumi.Output<number>;
  declare readonly privateKey: pulumi.Output<string>;
  declare readonly publicKey: pulumi.Output<string>;
  declare readonly hostPrivateKey: pulumi.Output<string>;
  declare readonly hostPublicKey: pulumi.Output<string>;
  declare readonly dom0PrivateKey: pulumi.Output<string>;
  declare readonly dom0PublicKey: pulumi.Output<string>;

  constructor(name: string, args: Args<RunFolderInputs>, options?: pulumi.CustomResourceOptions) {
    const names = outputs<RunFolderOutputs>(
      "marker",
      "port",
      "privateKey",
      "publicKey",
      "hostPrivateKey",
      "hostPublicKey",
      "dom0PrivateKey",
      "dom0PublicKey",
    );
    const secrets = { additionalSecretOutputs: ["privateKey", "hostPrivateKey", "dom0PrivateKey"] };
    super(
      "v4v:index:RunFolder",
      name,
      { ...names, ...args },
      pulumi.mergeOptions(options, secrets),
    );
  }
}

/** An emulated machine that answers over SSH. */
export class EmulatedMachine extends pulumi.CustomResource {
  declare readonly acceleratorUsed: pulumi.Output<"tcg" | "kvm">;
  declare readonly acceleratorReason: pulumi.Output<string>;
  declare readonly emulator: pulumi.Output<string>;
  declare readonly consoleLog: pulumi.Output<string>;
  declare readonly incarnation: pulumi.Output<string>;

  constructor(name: string, args: Args<MachineInputs>, options?: pulumi.CustomResourceOptions) {
    const names = outputs<MachineOutputs>(
      "state",
      "acceleratorUsed",
      "acceleratorReason",
      "emulator",
      "consoleLog",
      "incarnation",
    );
    super("v4v:index:Machine", name, { ...names, ...args }, options);
  }
}

/** A host that is somebody else's. */
export class ExistingHost extends pulumi.CustomResource {
  declare readonly machineId: pulumi.Output<string>;
  declare readonly kernel: pulumi.Output<string>;
  declare readonly commandLine: pulumi.Output<string>;
  declare readonly bootUuid: pulumi.Output<string>;
  declare readonly bootPath: pulumi.Output<string>;
  declare readonly virtualisation: pulumi.Output<string>;
  declare readonly processor: pulumi.Output<string>;
  declare readonly cores: pulumi.Output<number>;
  declare readonly memoryMiB: pulumi.Output<number>;
  declare readonly system: pulumi.Output<string>;

  constructor(name: string, args: Args<HostInputs>, options?: pulumi.CustomResourceOptions) {
    const names = outputs<HostOutputs>(
      "machineId",
      "kernel",
      "commandLine",
      "bootUuid",
      "bootPath",
      "virtualisation",
      "processor",
      "cores",
      "memoryMiB",
      "system",
    );
    super("v4v:index:Host", name, { ...names, ...args }, options);
  }
}

/** The hypervisor that a host runs. */
export class Hypervisor extends pulumi.CustomResource {
  declare readonly bootId: pulumi.Output<string>;
  declare readonly version: pulumi.Output<string>;
  declare readonly runningBuildId: pulumi.Output<string>;

  constructor(name: string, args: Args<HypervisorInputs>, options?: pulumi.CustomResourceOptions) {
    const names = outputs<HypervisorOutputs>(
      "version",
      "bootId",
      "runningBuildId",
      "runningCommandLine",
    );
    super("v4v:index:Hypervisor", name, { ...names, ...args }, options);
  }
}

/** Files on a host. */
export class Files extends pulumi.CustomResource {
  constructor(
    name: string,
    args: Args<Omit<FilesInputs, "digests">>,
    options?: pulumi.CustomResourceOptions,
  ) {
    super("v4v:index:Files", name, { ...args }, options);
  }
}

/** Debian packages on a host. */
export class Packages extends pulumi.CustomResource {
  constructor(name: string, args: Args<PackagesInputs>, options?: pulumi.CustomResourceOptions) {
    super("v4v:index:Packages", name, { ...args }, options);
  }
}

/** The V4V module of dom0. */
export class KernelModule extends pulumi.CustomResource {
  constructor(name: string, args: Args<ModuleInputs>, options?: pulumi.CustomResourceOptions) {
    super("v4v:index:Module", name, { ...args }, options);
  }
}

/** The hypervisor's table of rules. */
export class Rules extends pulumi.CustomResource {
  constructor(name: string, args: Args<RulesInputs>, options?: pulumi.CustomResourceOptions) {
    super("v4v:index:Rules", name, { ...args }, options);
  }
}

/** A PCI device that dom0 keeps for a domU. */
export class Passthrough extends pulumi.CustomResource {
  declare readonly functions: pulumi.Output<string[]>;
  declare readonly guestType: pulumi.Output<PassthroughOutputs["guestType"]>;
  declare readonly taking: pulumi.Output<string>;

  constructor(
    name: string,
    args: Args<Omit<PassthroughInputs, "state">>,
    options?: pulumi.CustomResourceOptions,
  ) {
    super(
      "v4v:index:Passthrough",
      name,
      { ...outputs<PassthroughOutputs>("functions", "guestType", "taking"), ...args },
      options,
    );
  }
}

/** What all domUs of a host boot from. */
export class GuestImage extends pulumi.CustomResource {
  declare readonly folder: pulumi.Output<string>;
  declare readonly bootDigest: pulumi.Output<string>;
  declare readonly packedDigest: pulumi.Output<string>;

  constructor(
    name: string,
    args: Args<Omit<GuestImageInputs, "payloadDigest">>,
    options?: pulumi.CustomResourceOptions,
  ) {
    super(
      "v4v:index:GuestImage",
      name,
      { ...outputs<GuestImageOutputs>("bootDigest", "packedDigest"), ...args },
      options,
    );
  }
}

/** One domU. */
export class Domain extends pulumi.CustomResource {
  declare readonly name: pulumi.Output<string>;
  declare readonly address: pulumi.Output<string>;
  declare readonly domid: pulumi.Output<number>;
  declare readonly cid: pulumi.Output<number>;
  declare readonly bootId: pulumi.Output<string>;
  declare readonly hostPublicKey: pulumi.Output<string>;

  constructor(name: string, args: Args<DomainInputs>, options?: pulumi.CustomResourceOptions) {
    const names = outputs<DomainOutputs>(
      "domid",
      "cid",
      "bootId",
      "hostPrivateKey",
      "hostPublicKey",
    );
    const secrets = { additionalSecretOutputs: ["hostPrivateKey"] };
    super("v4v:index:Domain", name, { ...names, ...args }, pulumi.mergeOptions(options, secrets));
  }
}

/** One run of the evaluation. */
export class Evaluation extends pulumi.CustomResource {
  declare readonly runId: pulumi.Output<string>;
  declare readonly path: pulumi.Output<string>;
  declare readonly report: pulumi.Output<string>;
  declare readonly claims: pulumi.Output<EvaluationOutputs["claims"]>;

  constructor(name: string, args: Args<EvaluationInputs>, options?: pulumi.CustomResourceOptions) {
    const names = outputs<EvaluationOutputs>(
      "runId",
      "path",
      "report",
      "manifestHash",
      "complete",
      "claims",
    );
    super("v4v:index:Evaluation", name, { ...names, ...args }, options);
  }
}
