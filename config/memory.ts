import { gpuDevice, mayBeHvm } from "./gpu.ts";
import type { Settings } from "./types.ts";

/** Xen's own heap, frame table and the page tables of the domains, MiB: seen 95 at 6 GiB, with room to spare. */
const XEN_MIB = 192;
/** What Xen and the toolstack hold for a domU beside its memory, MiB (shadow allowance, page tables, ring buffers). */
const PER_DOMU_MIB = 8;
/** And for an HVM one, whose device model is part of dom0: page tables of its own kind, and a little for each page, MiB. */
const PER_HVM_MIB = 24;

/** What Xen, dom0 and the domUs of a host take together, MiB; all domUs where there is one host. */
export const neededMiB = (
  settings: Settings,
  domUs = settings.vmCount,
  withGpu = gpuDevice(settings) !== undefined,
): number => domUs * (settings.domU.memoryMiB + PER_DOMU_MIB) + fixedMiB(settings, withGpu);

/** What Xen, dom0 and the GPU domU take, MiB. */
function fixedMiB(settings: Settings, withGpu: boolean): number {
  const { xen, gpu } = settings;
  const beside = PER_DOMU_MIB + (mayBeHvm(settings) ? PER_HVM_MIB : 0);
  const ofGpu = withGpu ? gpu.memoryMiB + beside : 0;
  return XEN_MIB + xen.dom0MemoryMiB + ofGpu;
}

/** Number of domUs that fit beside dom0 and the GPU domU in the machine's memory. */
export function domUCapacity(settings: Settings): number {
  const free = settings.machine.memoryMiB - fixedMiB(settings, gpuDevice(settings) !== undefined);
  return Math.max(0, Math.floor(free / (settings.domU.memoryMiB + PER_DOMU_MIB)));
}

/** What does not fit, as sentences that say which setting to change. */
export function memoryProblems(settings: Settings): string[] {
  // An existing host is asked what it has.
  if (settings.target === "existing") return [];
  const capacity = domUCapacity(settings);
  if (settings.vmCount <= capacity) return [];
  const { vmCount, machine, domU } = settings;
  return [
    `vmCount: ${vmCount} domUs of ${domU.memoryMiB} MiB need a machine of ${neededMiB(settings)} MiB, ` +
      `machine.memoryMiB is ${machine.memoryMiB}; allowed are up to ${capacity} ` +
      `(lower vmCount or domU.memoryMiB, or raise machine.memoryMiB)`,
  ];
}
