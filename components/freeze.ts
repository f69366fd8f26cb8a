import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import type { Freeze } from "../provider/resources/machine.ts";
import type { Builds } from "./builds.ts";
import { dom0Benchmark, guestPayload } from "./programs.ts";
import { guest, guestRoot } from "./domains.ts";
import { dom0Module, MODULE_UNIT } from "./guestModule.ts";
import { dom0Packages } from "./sockets.ts";
import { daemonSettings, dom0Files, initrdTools, xenBoot } from "./xenHost.ts";

/** domUs in a frozen machine: as many as every testbed has. Each more makes it larger, and slower to go on from. */
const GUESTS = 2;

/** What a frozen machine holds of the testbed with these settings: all of it that is not one stack's. */
export function freezeOf(
  project: string,
  builds: Builds,
  settings: Settings,
): pulumi.Output<Freeze> {
  const { module, sockets } = builds;
  const moduleSettings = module && { project, module, ...settings.v4v };
  const programs = pulumi.all([
    dom0Files(project),
    dom0Benchmark(builds.tools),
    moduleSettings === undefined ? [] : dom0Module(moduleSettings),
  ]);
  return pulumi
    .all([
      xenBoot(builds.hypervisor, settings),
      guestRoot(project, builds.domUImage),
      programs,
      sockets === undefined ? [] : dom0Packages(project, sockets),
      guestPayload(project, builds, settings),
    ])
    .apply(([boot, root, parts, packages, payload]) => ({
      boot,
      root,
      files: [...initrdTools(project), daemonSettings(project)],
      programs: parts.flat(),
      packages,
      payload,
      units: module === undefined ? [] : [MODULE_UNIT],
      guests: Array.from({ length: GUESTS }, (_, i) => guest(i + 1, settings.domU)),
      awaitIdentity: readFileSync(join(project, "dom0", "await-identity"), "utf8"),
    }));
}
