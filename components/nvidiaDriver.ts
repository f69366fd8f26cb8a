import type * as pulumi from "@pulumi/pulumi";
import type { RemoteFile } from "../provider/resources/files.ts";
import type { Build } from "../provider/sdk.ts";

const FOLDER = "/usr/local/lib/nvidia";

/** In the order in which they are loaded: CUDA and OpenCL need both. */
const MODULES = ["nvidia.ko", "nvidia-uvm.ko"];

/** As the kernel names it once it is loaded: the hooks run again in a domU whose programs are changed. */
const loaded = (module: string): string => module.replace(".ko", "").replaceAll("-", "_");

/** Of the domUs' kernel, what they call: in the boot archive. */
export const NVIDIA_NEEDS = ["drm"];

/** Loads the modules and makes the nodes of the first card; before what serves it. */
const LOAD = `#!/bin/sh
set -e
${MODULES.map((module) => `grep -q '^${loaded(module)} ' /proc/modules || insmod ${FOLDER}/${module}\n`).join("")}exec nvidia-modprobe -c 0 -u
`;

/** NVIDIA's kernel modules in the GPU domU. Never loaded on hardware by this testbed. */
export const nvidiaDriver = (driver: Build): pulumi.Output<RemoteFile[]> =>
  driver.path.apply((path): RemoteFile[] => [
    ...MODULES.map((module) => ({
      path: `${FOLDER}/${module}`,
      mode: "644",
      source: `${path}/${module}`,
    })),
    { path: "/etc/v4v/boot.d/30-nvidia", mode: "755", content: LOAD },
  ]);
