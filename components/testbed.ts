import * as pulumi from "@pulumi/pulumi";
import { gpuDevice } from "../config/gpu.ts";
import type { Settings } from "../config/types.ts";
import { Files } from "../provider/sdk.ts";
import { Builds } from "./builds.ts";
import { Evaluation } from "./evaluation.ts";
import { freezeOf } from "./freeze.ts";
import { GuestModule } from "./guestModule.ts";
import { Domains } from "./domains.ts";
import { GpuDomain } from "./gpuDomain.ts";
import { RuleTable } from "./ruleTable.ts";
import { Machine } from "./machine.ts";
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
  readonly machine: Machine;
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
    this.machine = new Machine(
      "machine",
      {
        folder: args.folder,
        image: pulumi.interpolate`${this.builds.hostImage.path}/disk.img`,
        settings: settings.machine,
        freeze: freezeOf(project, this.builds, settings),
        gpu: gpuDevice(settings) !== undefined,
      },
      inside,
    );
    const { runFolder } = this.machine;
    this.xenHost = new XenHost(
      "host",
      {
        host: this.machine,
        project,
        hypervisor: this.builds.hypervisor,
        settings,
        dom0PrivateKey: runFolder.dom0PrivateKey,
      },
      inside,
    );
    const { gpu } = this.builds;
    this.benchmark = new Files(
      "benchmark",
      {
        connection: this.machine.connection,
        incarnation: this.machine.incarnation,
        files: pulumi
          .all([dom0Benchmark(this.builds.tools), gpu === undefined ? [] : [gpuDrive(project)]])
          .apply((files) => files.flat()),
      },
      { ...inside, deletedWith: this.machine.resource },
    );
    this.guestModule =
      this.builds.module === undefined
        ? undefined
        : new GuestModule(
            "module",
            {
              xenHost: this.xenHost,
              project,
              module: this.builds.module,
              ringKiB: settings.v4v.ringKiB,
              spinUs: settings.v4v.spinUs,
            },
            inside,
          );
    const { sockets } = this.builds;
    this.sockets =
      sockets === undefined
        ? undefined
        : new Sockets("sockets", { xenHost: this.xenHost, project, sockets }, inside);
    this.ruleTable =
      this.sockets === undefined
        ? undefined
        : new RuleTable(
            "rules",
            { xenHost: this.xenHost, sockets: this.sockets, settings: settings.v4v },
            inside,
          );
    const authorizedKeys = pulumi.interpolate`${runFolder.publicKey}\n${runFolder.dom0PublicKey}`;
    this.domains = new Domains(
      "domus",
      {
        xenHost: this.xenHost,
        project,
        count: settings.vmCount,
        settings: settings.domU,
        image: this.builds.domUImage,
        payload: guestPayload(project, this.builds, settings),
        runFolder: runFolder.path,
        authorizedKeys,
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
              payload: gpuPayload(project, this.builds, gpu, settings),
              runFolder: runFolder.path,
              authorizedKeys,
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
}
