import type { Settings } from "./types.ts";

/** The emulated machine's display device. */
export const EMULATED_DISPLAY = "0000:00:10.0";

/** The device that the GPU domU gets, or `auto` for the host's only one; undefined: there is no GPU domU. */
export function gpuDevice({ gpu, remoteGpu }: Settings): string | undefined {
  if (gpu.device === "none") return undefined;
  return gpu.device !== "auto" || remoteGpu.enabled ? gpu.device : undefined;
}

/** Remote execution is by what a user brings. */
export const usesArchive = ({ remoteGpu }: Settings): boolean =>
  remoteGpu.enabled && remoteGpu.product === "rcuda";

/** The GPU domU gets NVIDIA's driver. */
export const usesNvidia = (settings: Settings): boolean =>
  gpuDevice(settings) !== undefined && settings.gpu.driver === "nvidia";

/** The GPU domU is HVM, or becomes so if an existing host's device needs it; the emulated machine's does not. */
export const mayBeHvm = ({ gpu, target }: Settings): boolean =>
  gpu.type === "hvm" || (gpu.type === "auto" && target === "existing");

/** What the emulated machine does not have; an existing host is asked for what it has. */
function* emulatedProblems(settings: Settings): Generator<string> {
  const { device } = settings.gpu;
  if (!["auto", "none", EMULATED_DISPLAY].includes(device))
    yield `gpu.device: the emulated machine has no ${device} for a domU; its display device is ${EMULATED_DISPLAY}`;
  if (usesNvidia(settings))
    yield `gpu.driver: nvidia is for a card of NVIDIA's, and the display device of the emulated machine is none; allowed there is none`;
}

/** What contradicts itself or cannot be, as sentences that say which setting to change. */
export function gpuProblems(settings: Settings): string[] {
  const { gpu, remoteGpu, target } = settings;
  const problems = target === "emulated" ? [...emulatedProblems(settings)] : [];
  if (remoteGpu.enabled && gpu.device === "none")
    problems.push(
      "remoteGpu.enabled: true needs a GPU domU, and gpu.device is none; make it auto or an address",
    );
  return problems;
}
