import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { domUsOn } from "../config/spread.ts";
import type { Settings } from "../config/types.ts";
import { profileNamed } from "../evaluation/profiles.ts";
import { specialise, type Selection } from "../evaluation/selection.ts";
import { needsV4v, settingsOf, type Transport } from "../evaluation/transports.ts";
import type { BillInputs } from "../provider/resources/bill.ts";
import { Evaluation as EvaluationRun, type Built, type Domain } from "../provider/sdk.ts";
import type { Builds, GpuBuilds } from "./builds.ts";
import type { Domains } from "./domains.ts";
import type { GpuDomain } from "./gpuDomain.ts";
import type { Place } from "./place.ts";
import { gpuRoutes } from "./remoteGpu.ts";
import type { XenHost } from "./xenHost.ts";

export interface EvaluationArgs {
  machine: Place;
  xenHost: XenHost;
  /** Those of the host that measures. */
  domains: Domains;
  /** Those of further hosts. */
  further?: readonly Domains[];
  /** Absent without a GPU domU. */
  gpuDomain: GpuDomain | undefined;
  builds: Builds;
  /** The module as it is loaded; absent with v4v.enabled false. */
  module: Built | undefined;
  settings: Settings;
  /** Folder of the project. */
  project: string;
  /** Folder that gets a folder for each run. */
  artifacts: string;
}

/** The profile's or those chosen, without V4V where the testbed has none. */
function transportsOf(settings: Settings): Transport[] {
  const { evaluation, v4v } = settings;
  const profile = profileNamed(evaluation.profile);
  const all =
    profile === null ? [] : specialise(profile, evaluation, domUsOn(0, settings).length).transports;
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

/** Of what computes and asks for it; nothing without a GPU domU. */
function gpuDigests(gpu: GpuBuilds | undefined): pulumi.Output<Record<string, string>> {
  const none: Record<string, string> = {};
  if (gpu === undefined) return pulumi.output(none);
  const { tools, pocl, image, archive } = gpu;
  const archiveSha256 = archive?.fact("sha256");
  return pulumi
    .all([tools.facts, pocl.facts, image.facts, archiveSha256])
    .apply(([ofTools, ofPocl, ofImage, ofArchive]): Record<string, string> => ({
      "gpu-bench": ofTools["gpu-bench-sha256"] ?? "",
      PoCL: createHash("sha256")
        .update(ofPocl.sha256sums ?? "")
        .digest("hex"),
      "GPU domU image": ofImage["root-sha256"] ?? "",
      ...(ofArchive !== undefined && { "remote GPU archive": ofArchive }),
    }));
}

/** What makes a result comparable with another one; no domain or boot ids, no paths, no secrets. */
function factsOf({ machine, xenHost, domains, builds, module: loaded, settings }: EvaluationArgs) {
  // The generation says when it was measured, not what.
  const evaluation: Partial<Settings["evaluation"]> = { ...settings.evaluation };
  delete evaluation.generation;
  const none: Record<string, string> = {};
  const several = settings.hosts.length;
  const host = pulumi.all([
    machine.emulator,
    machine.accelerator,
    machine.acceleratorReason,
    xenHost.hypervisor.version,
    machine.kernel ?? xenHost.kernel(domains.domains),
    machine.computer,
  ]);
  const built = pulumi.all([
    builds.hypervisor.facts,
    builds.tools.facts,
    builds.domUImage.facts,
    loaded?.facts ?? pulumi.output(none),
    builds.index.facts,
    gpuDigests(builds.gpu),
  ]);
  return pulumi
    .all([host, built])
    .apply(
      ([
        [emulator, kind, reason, xen, kernel, computer],
        [hypervisor, tools, image, module, index, ofGpu],
      ]) => ({
        command: "npm run evaluate",
        // Where an existing host is and who logs in there is nobody's business.
        settings: { ...settings, hosts: several > 1 ? several : [], evaluation },
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
          ...ofGpu,
        },
        machine: computer,
        transports: Object.fromEntries(
          transportsOf(settings).map((transport) => [transport, settingsOf(transport)]),
        ),
        accelerator: { kind, reason },
      }),
    );
}

/** As the plan is told of a domU. */
const described = ({ name, domid, address, cid }: Domain) => ({ name, domid, addr: address, cid });

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
      builds.hostImage?.path ?? pulumi.output(none),
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
        ...(host !== undefined && { "host-image": host }),
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
    const { settings, xenHost, domains, further = [], gpuDomain } = args;
    const { profile, seed, generation, timeout } = settings.evaluation;
    if (profile !== "none") {
      this.run = new EvaluationRun(
        `${name}-run`,
        {
          connection: xenHost.host.connection,
          domains: domains.domains.map(described),
          ...(further.length > 0 && {
            elsewhere: further.map((host) =>
              host.domains.slice(0, 2).map((one) => ({
                ...described(one),
                hostKey: one.hostPublicKey,
              })),
            ),
          }),
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
          dependsOn: [domains, ...further, ...(gpuDomain === undefined ? [] : [gpuDomain])],
          customTimeouts: { create: `${timeout}s`, update: `${timeout}s` },
        },
      );
    }
    this.registerOutputs({ run: this.run?.runId });
  }
}
