import * as pulumi from "@pulumi/pulumi";
import { gpuDevice } from "../config/gpu.ts";
import { linkOf } from "../config/hosts.ts";
import { domUsOn } from "../config/spread.ts";
import type { Settings } from "../config/types.ts";
import { Files, type Built } from "../provider/sdk.ts";
import type { Builds, Parts } from "./builds.ts";
import { Domains } from "./domains.ts";
import { ExistingHost } from "./existingHost.ts";
import { GpuDomain } from "./gpuDomain.ts";
import { GuestModule } from "./guestModule.ts";
import { goesWith, hostName, kept, lastingAfter, ofHost } from "./host.ts";
import type { Link } from "./link.ts";
import type { Place } from "./place.ts";
import { dom0Benchmark, gpuDrive, gpuPayload, guestPayload } from "./programs.ts";
import { RuleTable } from "./ruleTable.ts";
import { Sockets } from "./sockets.ts";
import { XenHost } from "./xenHost.ts";

export interface SiteArgs {
  project: string;
  settings: Settings;
  builds: Builds;
  /** The emulated machine, or an existing host. */
  machine: Place;
  /** Which of several hosts it is, from 0. */
  host: number;
}

/** What there is on one host. */
export interface Site {
  machine: Place;
  xenHost: XenHost;
  /** v4v-bench in dom0, which drives the evaluation, and domain-cpu, which it asks for CPU times. */
  benchmark: Files;
  /** The module as it is loaded there; absent with v4v.enabled false. */
  module: Built | undefined;
  /** Absent with v4v.enabled false. */
  guestModule: GuestModule | undefined;
  /** Absent with v4v.enabled false. */
  ruleTable: RuleTable | undefined;
  /** Absent with v4v.enabled false. */
  sockets: Sockets | undefined;
  domains: Domains;
  /** Absent unless gpu.device or remoteGpu.enabled asks for it, and on all but the first. */
  gpuDomain: GpuDomain | undefined;
}

/** How the domUs of a host reach those of the others; undefined where there are none. */
function linkFrom(host: number, { hosts }: Settings): Link | undefined {
  if (hosts.length < 2) return undefined;
  const ends = hosts.map((one, i) => ({ number: i + 1, address: linkOf(one) }));
  return { own: ends[host]?.address ?? "", others: ends.filter((_, i) => i !== host) };
}

/**
 * Everything on one host, from the hypervisor to the domUs. Nothing of it depends on anything of another host: each goes on
 * when another one is down. On the first everything is called as on a single one.
 */
export function makeSite(
  { project, settings, builds, machine, host }: SiteArgs,
  inside: pulumi.ComponentResourceOptions,
): Site {
  const named = (name: string) => ofHost(name, host);
  const existing = machine instanceof ExistingHost ? machine : undefined;
  const link = linkFrom(host, settings);
  const { runFolder } = machine;
  const { gpu, tools, domUPackages, sockets: built } = builds;
  const ownModule = builds.module && existing?.module(project, builds.module);
  const module: Built | undefined = ownModule ?? builds.module;
  const xenHost = new XenHost(
    named("host"),
    {
      host: machine,
      project,
      hypervisor: builds.hypervisor,
      settings,
      ...(existing !== undefined && { own: existing.own }),
      // It may be compiled there, with packages that apt installs.
      ...(ownModule !== undefined && { before: ownModule }),
      ...(link !== undefined && { link }),
      dom0PrivateKey: runFolder.dom0PrivateKey,
    },
    inside,
  );
  // The emulated machine's key is the stack's; that of a host is its owner's, and no domU's business.
  const login = existing === undefined ? {} : { loginKey: runFolder.privateKey };
  const parts: Parts = { tools, module, domUPackages, gpu };
  const drive = host === 0 && gpu !== undefined;
  const benchmark = new Files(
    named("benchmark"),
    {
      connection: machine.connection,
      incarnation: machine.incarnation,
      files: pulumi
        .all([dom0Benchmark(tools), drive ? [gpuDrive(project)] : []])
        .apply((files) => files.flat()),
      ...kept(machine),
    },
    {
      ...inside,
      ...goesWith(machine),
      dependsOn: lastingAfter(machine, xenHost.hypervisor),
    },
  );
  const guestModule =
    module === undefined
      ? undefined
      : new GuestModule(
          named("module"),
          {
            xenHost,
            project,
            module,
            ringKiB: settings.v4v.ringKiB,
            spinUs: settings.v4v.spinUs,
          },
          inside,
        );
  const numbers = domUsOn(host, settings);
  const sockets =
    built === undefined
      ? undefined
      : new Sockets(named("sockets"), { xenHost, project, sockets: built }, inside);
  const ruleTable =
    sockets === undefined
      ? undefined
      : new RuleTable(
          named("rules"),
          {
            xenHost,
            sockets,
            settings: settings.v4v,
            ...(link !== undefined && { domUs: numbers.map((number) => `domu${number}`) }),
          },
          inside,
        );
  const authorizedKeys = pulumi.interpolate`${runFolder.publicKey}\n${runFolder.dom0PublicKey}`;
  const domains = new Domains(
    named("domus"),
    {
      xenHost,
      project,
      numbers,
      settings: settings.domU,
      image: builds.domUImage,
      payload: guestPayload(project, parts, settings),
      runFolder: runFolder.path,
      authorizedKeys,
      ...login,
      ...(host > 0 && { jump: hostName(host) }),
      after: ruleTable === undefined ? [] : [ruleTable],
    },
    inside,
  );
  const device = host === 0 ? gpuDevice(settings) : undefined;
  const gpuDomain =
    device === undefined || gpu === undefined
      ? undefined
      : new GpuDomain(
          "gpu",
          {
            xenHost,
            project,
            device,
            settings,
            builds: gpu,
            payload: gpuPayload(project, parts, gpu, settings),
            runFolder: runFolder.path,
            authorizedKeys,
            ...login,
            // Below the folder of the domUs' image, which goes last.
            after: [domains.image, ...(ruleTable === undefined ? [] : [ruleTable])],
          },
          inside,
        );
  return {
    machine,
    xenHost,
    benchmark,
    module,
    guestModule,
    ruleTable,
    sockets,
    domains,
    gpuDomain,
  };
}
