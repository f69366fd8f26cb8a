import type { Settings } from "./types.ts";

/** The device that the GPU domU gets, or `auto` for the host's only one; undefined: there is no GPU domU. */
export function gpuDevice({ gpu, remoteGpu }: Settings): string | undefined {
  if (gpu.device === "none") return undefined;
  return gpu.device !== "auto" || remoteGpu.enabled ? gpu.device : undefined;
}

/** What contradicts itself, as sentences that say which setting to change. */
export function gpuProblems({ gpu, remoteGpu }: Settings): string[] {
  return remoteGpu.enabled && gpu.device === "none"
    ? [
        "remoteGpu.enabled: true needs a GPU domU, and gpu.device is none; make it auto or an address",
      ]
    : [];
}
