import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import { GPU_DRIVE } from "../provider/resources/gpuLegs.ts";
import type { RemoteFile, TextFile } from "../provider/resources/files.ts";
import type { Build } from "../provider/sdk.ts";
import type { GpuBuilds, Parts } from "./builds.ts";
import { gpuPrograms } from "./gpuDomain.ts";
import { linkMtu } from "./link.ts";
import { guestModule } from "./guestModule.ts";
import { nvidiaDriver } from "./nvidiaDriver.ts";
import { remoteGpuClient, remoteGpuServer } from "./remoteGpu.ts";
import { guestPackages } from "./sockets.ts";

/** The kernel's limit for explicit socket buffers (212,992 bytes) would handicap the tuned TCP baseline. */
const SOCKET_BUFFERS =
  "#!/bin/sh\nexec sysctl -q -w net.core.rmem_max=8388608 net.core.wmem_max=8388608\n";

/** v4v-bench, which drives the evaluation from dom0, and domain-cpu, which it asks for CPU times. */
export function dom0Benchmark(tools: Build): pulumi.Output<RemoteFile[]> {
  return tools.path.apply((path) => [
    { path: "/usr/local/bin/v4v-bench", mode: "755", source: `${path}/bin/v4v-bench` },
    { path: "/usr/local/bin/domain-cpu", mode: "755", source: `${path}/bin/domain-cpu` },
  ]);
}

/** Runs the GPU's legs from dom0. */
export const gpuDrive = (project: string): TextFile => ({
  path: GPU_DRIVE,
  mode: "755",
  content: readFileSync(join(project, "dom0", "gpu-drive"), "utf8"),
});

/** The testbed's own programs, for every domU that is measured. */
export function guestPayload(
  project: string,
  builds: Parts,
  settings: Settings,
): pulumi.Output<RemoteFile[]> {
  const { gpu } = builds;
  return pulumi
    .all([
      commonPayload(project, builds, builds.domUPackages, settings),
      gpu !== undefined && settings.remoteGpu.enabled ? remoteGpuClient(gpu, settings) : [],
    ])
    .apply((parts) => parts.flat());
}

/** The GPU domU's. */
export function gpuPayload(
  project: string,
  builds: Parts,
  gpu: GpuBuilds,
  settings: Settings,
): pulumi.Output<RemoteFile[]> {
  return pulumi
    .all([
      commonPayload(project, builds, gpu.packages, settings),
      gpuPrograms(gpu),
      gpu.driver === undefined ? [] : nvidiaDriver(gpu.driver),
      settings.remoteGpu.enabled ? remoteGpuServer(gpu, settings) : [],
    ])
    .apply((parts) => parts.flat());
}

function commonPayload(
  project: string,
  { tools, module }: Parts,
  packages: Build | undefined,
  settings: Settings,
): pulumi.Output<RemoteFile[]> {
  return pulumi
    .all([
      tools.path,
      module === undefined ? [] : guestModule({ project, module, ...settings.v4v }),
      packages === undefined ? [] : guestPackages(packages),
      settings.hosts.length > 1 ? [linkMtu()] : [],
    ])
    .apply(([path, ...parts]) => [
      { path: "/usr/local/bin/v4v-bench", mode: "755", source: `${path}/bin/v4v-bench` },
      { path: "/etc/v4v/boot.d/10-sockets", mode: "755", content: SOCKET_BUFFERS },
      ...parts.flat(),
    ]);
}
