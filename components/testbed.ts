import * as pulumi from "@pulumi/pulumi";
import { gpuDevice } from "../config/gpu.ts";
import type { Settings } from "../config/types.ts";
import { Files } from "../provider/sdk.ts";
import { Builds, type Parts } from "./builds.ts";
import { Evaluation } from "./evaluation.ts";
import { freezeOf } from "./freeze.ts";
import { GuestModule } from "./guestModule.ts";
import { Domains } from "./domains.ts";
import { GpuDomain } from "./gpuDomain.ts";
import { RuleTable } from "./ruleTable.ts";
import { ExistingHost } from "./existingHost.ts";
import { goesWith, kept, lastingAfter } from "./host.ts";
import { Machine } from "./machine.ts";
import type { Place } from "./place.ts";
import { dom0Benchmark, gpuDrive, gpuPayload, guestPayload } from "./programs.ts";
import { Sockets } from "./sockets.ts";
import { XenHost } from "./xenHost.ts";

export interface TestbedArgs {
  /** Folder of the project. */
  project: string;
  /** The stack's folder on the controller. */
  folder: string;
  /** Folder for the results of evaluations. */
  artifacts: string;
  settings: Settings;
}

/** The whole testbed: builds, machine, Xen host, domUs and evaluation, joined. */
export class Testbed extends pulumi.ComponentResource {
  readonly builds: Builds;
  /** The emulated machine, or an existing host. */
  readonly machine: Place;
  readonly xenHost: XenHost;
  /** v4v-bench in dom0, which drives the evaluation, and domain-cpu, which it asks for CPU times. */
  readonly benchmark: Files;
  /** Absent with v4v.enabled false. */
  readonly guestModule: GuestModule | undefined;
  /** Absent with v4v.enabled false. */
  readonly ruleTable: RuleTable | undefined;
  /** Absent with v4v.enabled false. */
  readonly sockets: Sockets | undefined;
  readonly domains: Domains;
  /** Absent unless gpu.device or remoteGpu.enabled asks for it. */
  readonly gpuDomain: GpuDomain | undefined;
  readonly evaluation: Evaluation;

  constructor(name: string, args: TestbedArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Testbed", name, {}, options);
    const { project, settings } = args;
    const inside = { parent: this };
    this.builds = new Builds("build", { project, settings }, inside);
    const [given] = settings.hosts;
    const existing =
      given === undefined
        ? undefined
        : new ExistingHost("machine", { folder: args.folder, host: given, settings }, inside);
    this.machine = existing ?? this.#emulated(args, inside);
    const { runFolder } = this.machine;
    this.xenHost = new XenHost(
      "host",
      {
        host: this.machine,
        project,
        hypervisor: this.builds.hypervisor,
        settings,
        ...(existing !== undefined && { own: existing.own }),
        dom0PrivateKey: runFolder.dom0PrivateKey,
      },
      inside,
    );
    // The emulated machine's key is the stack's; that of a host is its owner's, and no domU's business.
    const login = existing === undefined ? {} : { loginKey: runFolder.privateKey };
    const { gpu, tools, sockets } = this.builds;
    const module =
      this.builds.module && existing
        ? existing.module(project, this.builds.module)
        : this.builds.module;
    const parts: Parts = { tools, module, sockets, gpu };
    this.benchmark = new Files(
      "benchmark",
      {
        connection: this.machine.connection,
        incarnation: this.machine.incarnation,
        files: pulumi
          .all([dom0Benchmark(this.builds.tools), gpu === undefined ? [] : [gpuDrive(project)]])
          .apply((files) => files.flat()),
        ...kept(this.machine),
      },
      {
        ...inside,
        ...goesWith(this.machine),
        dependsOn: lastingAfter(this.machine, this.xenHost.hypervisor),
      },
    );
    this.guestModule =
      module === undefined
        ? undefined
        : new GuestModule(
            "module",
            {
              xenHost: this.xenHost,
              project,
              module,
              ringKiB: settings.v4v.ringKiB,
              spinUs: settings.v4v.spinUs,
            },
            inside,
          );
    this.ruleTable =
      sockets === undefined
        ? undefined
        : new RuleTable(
            "rules",
            { xenHost: this.xenHost, sockets, settings: settings.v4v },
            inside,
          );
    this.sockets =
      sockets === undefined
        ? undefined
        : new Sockets("sockets", { xenHost: this.xenHost, project, sockets }, inside);
    const authorizedKeys = pulumi.interpolate`${runFolder.publicKey}\n${runFolder.dom0PublicKey}`;
    this.domains = new Domains(
      "domus",
      {
        xenHost: this.xenHost,
        project,
        count: settings.vmCount,
        settings: settings.domU,
        image: this.builds.domUImage,
        payload: guestPayload(project, parts, settings),
        runFolder: runFolder.path,
        authorizedKeys,
        ...login,
        after: this.ruleTable === undefined ? [] : [this.ruleTable],
      },
      inside,
    );
    const device = gpuDevice(settings);
    this.gpuDomain =
      device === undefined || gpu === undefined
        ? undefined
        : new GpuDomain(
            "gpu",
            {
              xenHost: this.xenHost,
              project,
              device,
              settings,
              builds: gpu,
              payload: gpuPayload(project, parts, gpu, settings),
              runFolder: runFolder.path,
              authorizedKeys,
              ...login,
              // Below the folder of the domUs' image, which goes last.
              after: [
                this.domains.image,
                ...(this.ruleTable === undefined ? [] : [this.ruleTable]),
              ],
            },
            inside,
          );
    this.evaluation = new Evaluation(
      "evaluation",
      {
        machine: this.machine,
        xenHost: this.xenHost,
        domains: this.domains,
        gpuDomain: this.gpuDomain,
        builds: this.builds,
        module,
        settings,
        project,
        artifacts: args.artifacts,
      },
      {
        parent: this,
        // Unmodified programs find their peers by dom0's v4vd.
        dependsOn: [
          this.benchmark,
          ...(this.guestModule === undefined ? [] : [this.guestModule]),
          ...(this.sockets === undefined ? [] : [this.sockets]),
        ],
      },
    );
    this.registerOutputs({});
  }

  #emulated(
    { project, folder, settings }: TestbedArgs,
    inside: pulumi.ComponentResourceOptions,
  ): Machine {
    const { hostImage } = this.builds;
    if (hostImage === undefined) throw new Error("there is no disk for the emulated machine");
    return new Machine(
      "machine",
      {
        folder,
        image: pulumi.interpolate`${hostImage.path}/disk.img`,
        settings: settings.machine,
        freeze: freezeOf(project, this.builds, settings),
        gpu: gpuDevice(settings) !== undefined,
      },
      inside,
    );
  }
}
