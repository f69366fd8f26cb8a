import { readFileSync } from "node:fs";
import { cpus, totalmem, version as kernelVersion } from "node:os";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import { profileNamed } from "../evaluation/profiles.ts";
import { specialise, type Selection } from "../evaluation/selection.ts";
import { needsV4v, settingsOf, type Transport } from "../evaluation/transports.ts";
import type { BillInputs } from "../provider/resources/bill.ts";
import { Evaluation as EvaluationRun } from "../provider/sdk.ts";
import type { Builds } from "./builds.ts";
import type { Domains } from "./domains.ts";
import type { GpuDomain } from "./gpuDomain.ts";
import type { Machine } from "./machine.ts";
import { gpuRoutes } from "./remoteGpu.ts";
import type { XenHost } from "./xenHost.ts";

export interface EvaluationArgs {
  machine: Machine;
  xenHost: XenHost;
  domains: Domains;
  /** Absent without a GPU domU. */
  gpuDomain: GpuDomain | undefined;
  builds: Builds;
  settings: Settings;
  /** Folder of the project. */
  project: string;
  /** Folder that gets a folder for each run. */
  artifacts: string;
}

/** The profile's or those chosen, without V4V where the testbed has none. */
function transportsOf({ evaluation, vmCount, v4v }: Settings): Transport[] {
  const profile = profileNamed(evaluation.profile);
  const all = profile === null ? [] : specialise(profile, evaluation, vmCount).transports;
  return all.filter((transport) => v4v.enabled || !needsV4v(transport));
}

/** What is chosen of the profile. */
function selectionOf({ evaluation }: Settings): Selection {
  const { experiments, sizes, pairs, transports, repetitions, budget } = evaluation;
  const { gpuProducts, gpuStencils, gpuTransfers } = evaluation;
  return {
    ...{ experiments, sizes, pairs, transports, repetitions, budget },
    ...{ gpuProducts, gpuStencils, gpuTransfers },
  };
}

/** The distribution's name; the kernel's version alone tells little. */
function systemName(): string {
  try {
    const release = readFileSync("/etc/os-release", "utf8");
    return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(release)?.[1] ?? kernelVersion();
  } catch {
    return kernelVersion();
  }
}

/** What makes a result comparable with another one; no domain or boot ids, no paths, no secrets. */
function factsOf({ machine, xenHost, domains, builds, settings }: EvaluationArgs) {
  // The generation says when it was measured, not what.
  const evaluation: Partial<Settings["evaluation"]> = { ...settings.evaluation };
  delete evaluation.generation;
  const none: Record<string, string> = {};
  const host = pulumi.all([
    machine.resource.emulator,
    machine.accelerator,
    machine.resource.acceleratorReason,
    xenHost.hypervisor.version,
    xenHost.kernel(domains.domains),
  ]);
  const built = pulumi.all([
    builds.hypervisor.facts,
    builds.tools.facts,
    builds.domUImage.facts,
    builds.module?.facts ?? pulumi.output(none),
    builds.index.facts,
  ]);
  return pulumi
    .all([host, built])
    .apply(
      ([[emulator, kind, reason, xen, kernel], [hypervisor, tools, image, module, index]]) => ({
        command: "npm run evaluate",
        settings: { ...settings, evaluation },
        versions: {
          xen,
          kernel: kernel.trim(),
          qemu: emulator,
          node: process.version,
          "package lists": index["release-date"] ?? "unknown",
        },
        builds: {
          hypervisor: hypervisor.sha256 ?? "",
          module: module.sha256 ?? "",
          "v4v-bench": tools["v4v-bench-sha256"] ?? "",
          "domU image": image["root-sha256"] ?? "",
        },
        machine: {
          cpuModel: cpus()[0]?.model ?? "unknown",
          cores: cpus().length,
          memoryMiB: Math.round(totalmem() / 2 ** 20),
          os: systemName(),
        },
        transports: Object.fromEntries(
          transportsOf(settings).map((transport) => [transport, settingsOf(transport)]),
        ),
        accelerator: { kind, reason },
      }),
    );
}

/** Where all that a run is made of can be looked up. */
function billOf({ builds, project }: EvaluationArgs): pulumi.Output<BillInputs> {
  const none: string | undefined = undefined;
  const noGpu: { image: string; root: string; pocl: string; tools: string } | undefined = undefined;
  const gpu = builds.gpu && {
    image: builds.gpu.image.path,
    root: builds.gpu.poclRoot.path,
    pocl: builds.gpu.pocl.path,
    tools: builds.gpu.tools.path,
  };
  return pulumi
    .all([
      builds.index.path,
      builds.xenSource.path,
      builds.hostImage.path,
      builds.domUImage.path,
      builds.buildroot.path,
      builds.sockets?.path ?? pulumi.output(none),
      gpu === undefined ? pulumi.output(noGpu) : pulumi.output(gpu),
    ])
    .apply(([index, xenSource, host, domU, buildroot, sockets, ofGpu]): BillInputs => ({
      project,
      index,
      xenSource,
      images: {
        "host-image": host,
        "domu-image": domU,
        buildroot,
        ...(ofGpu !== undefined && { "gpu-image": ofGpu.image, "pocl-root": ofGpu.root }),
      },
      ...(sockets !== undefined && { sockets }),
      ...(ofGpu !== undefined && { gpu: { pocl: ofGpu.pocl, tools: ofGpu.tools } }),
    }));
}

/** The evaluation of a testbed that is up; with profile `none` there is none. */
export class Evaluation extends pulumi.ComponentResource {
  readonly run: EvaluationRun | undefined;

  constructor(name: string, args: EvaluationArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Evaluation", name, {}, options);
    const { settings, xenHost, domains, gpuDomain } = args;
    const { profile, seed, generation, timeout } = settings.evaluation;
    if (profile !== "none") {
      this.run = new EvaluationRun(
        `${name}-run`,
        {
          connection: xenHost.host.connection,
          domains: domains.domains.map(({ name: domain, domid, address, cid }) => ({
            name: domain,
            domid,
            addr: address,
            cid,
          })),
          profile,
          selection: selectionOf(settings),
          transports: transportsOf(settings),
          seed,
          ...(gpuDomain !== undefined &&
            args.builds.gpu !== undefined && { gpu: gpuRoutes(args.builds.gpu, settings) }),
          generation,
          facts: factsOf(args),
          bill: billOf(args),
          artifacts: args.artifacts,
        },
        {
          parent: this,
          dependsOn: gpuDomain === undefined ? [domains] : [domains, gpuDomain],
          customTimeouts: { create: `${timeout}s`, update: `${timeout}s` },
        },
      );
    }
    this.registerOutputs({ run: this.run?.runId });
  }
}
