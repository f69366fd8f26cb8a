import * as pulumi from "@pulumi/pulumi";
import { gpuDevice } from "../config/gpu.ts";
import type { Settings } from "../config/types.ts";
import type { Files } from "../provider/sdk.ts";
import { Builds } from "./builds.ts";
import type { Domains } from "./domains.ts";
import { Evaluation } from "./evaluation.ts";
import { ExistingHost } from "./existingHost.ts";
import { freezeOf } from "./freeze.ts";
import type { GpuDomain } from "./gpuDomain.ts";
import type { GuestModule } from "./guestModule.ts";
import { ofHost } from "./host.ts";
import { Machine } from "./machine.ts";
import type { Place } from "./place.ts";
import type { RuleTable } from "./ruleTable.ts";
import { makeSite, type Site } from "./site.ts";
import type { Sockets } from "./sockets.ts";
import type { XenHost } from "./xenHost.ts";

export interface TestbedArgs {
  /** Folder of the project. */
  project: string;
  /** The stack's folder on the controller. */
  folder: string;
  /** Folder for the results of evaluations. */
  artifacts: string;
  settings: Settings;
}

/** The whole testbed: builds, machine or hosts, Xen, domUs and evaluation, joined. */
export class Testbed extends pulumi.ComponentResource {
  readonly builds: Builds;
  /** What there is on each host; there is more than one only with several `hosts`. */
  readonly sites: readonly Site[];
  /** The emulated machine, or the first existing host; so are the others. */
  readonly machine: Place;
  readonly xenHost: XenHost;
  readonly benchmark: Files;
  readonly guestModule: GuestModule | undefined;
  readonly ruleTable: RuleTable | undefined;
  readonly sockets: Sockets | undefined;
  readonly domains: Domains;
  readonly gpuDomain: GpuDomain | undefined;
  readonly evaluation: Evaluation;

  constructor(name: string, args: TestbedArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Testbed", name, {}, options);
    const { project, settings } = args;
    const inside = { parent: this };
    const builds = new Builds("build", { project, settings }, inside);
    this.builds = builds;
    const places: readonly Place[] =
      settings.hosts.length === 0 ? [this.#emulated(args, inside)] : hostsOf(args, inside);
    const [machine, ...further] = places;
    if (machine === undefined) throw new Error("there is no host");
    const site = (place: Place, host: number) =>
      makeSite({ project, settings, builds, machine: place, host }, inside);
    const first = site(machine, 0);
    this.sites = [first, ...further.map((place, i) => site(place, i + 1))];
    this.machine = machine;
    this.xenHost = first.xenHost;
    this.benchmark = first.benchmark;
    this.guestModule = first.guestModule;
    this.ruleTable = first.ruleTable;
    this.sockets = first.sockets;
    this.domains = first.domains;
    this.gpuDomain = first.gpuDomain;
    this.evaluation = new Evaluation(
      "evaluation",
      {
        machine,
        xenHost: first.xenHost,
        domains: first.domains,
        further: this.sites.slice(1).map(({ domains }) => domains),
        gpuDomain: first.gpuDomain,
        builds,
        module: first.module,
        settings,
        project,
        artifacts: args.artifacts,
      },
      {
        parent: this,
        // Unmodified programs find their peers by dom0's v4vd.
        dependsOn: this.sites.flatMap(({ benchmark, guestModule, sockets }) => [
          benchmark,
          ...(guestModule === undefined ? [] : [guestModule]),
          ...(sockets === undefined ? [] : [sockets]),
        ]),
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

/** The hosts that are somebody else's; the stack's folder, which is none of theirs, comes with the first. */
function hostsOf(
  { folder, settings }: TestbedArgs,
  inside: pulumi.ComponentResourceOptions,
): ExistingHost[] {
  const made: ExistingHost[] = [];
  for (const [number, host] of settings.hosts.entries()) {
    const [first] = made;
    made.push(
      new ExistingHost(
        ofHost("machine", number),
        {
          folder,
          host,
          settings,
          number,
          ...(first !== undefined && { runFolder: first.runFolder }),
        },
        inside,
      ),
    );
  }
  return made;
}
