import type { Settings } from "./types.ts";

/**
 * What remote GPU execution needs more of than the schema's defaults: a client's domU holds the largest transfer of the profiles
 * twice (config/gpuSizes.ts), and under emulation the GPU's legs alone take longer than everything else.
 */
const REMOTE_GPU = { domUMemoryMiB: 256, evaluationTimeout: 7200 };

type Tree = Record<string, unknown>;

const isGiven = (given: Tree, group: string, name: string): boolean => {
  const members = given[group];
  return typeof members === "object" && members !== null && Object.hasOwn(members, name);
};

/** Puts in the defaults that depend on other settings, where the user has given no value. */
export function fillDependentDefaults(settings: Settings, given: Tree): void {
  if (!settings.remoteGpu.enabled) return;
  if (!isGiven(given, "domU", "memoryMiB")) settings.domU.memoryMiB = REMOTE_GPU.domUMemoryMiB;
  if (!isGiven(given, "evaluation", "timeout"))
    settings.evaluation.timeout = REMOTE_GPU.evaluationTimeout;
}
