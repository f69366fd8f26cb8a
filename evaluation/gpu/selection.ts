import { listOf, WHOLE_PROFILE, type Selection } from "../selection.ts";
import { gpuPointsOf, type GpuPoints, type GpuRoute } from "./plan.ts";
import { chosenSizes } from "./sizes.ts";

/**
 * What is measured of a GPU where parts of a profile are chosen: nothing where experiments are named, as the GPU's are
 * none of those names; else the routes over the transports chosen, with as many blocks as there are to be repetitions
 * in any case. Its sizes are its own, or those that are chosen for its workloads.
 *
 * @returns undefined where nothing is
 */
export function selectGpu(
  profile: string,
  routes: readonly GpuRoute[],
  selection: Selection,
): { points: GpuPoints; routes: GpuRoute[] } | undefined {
  const { experiments, transports, repetitions } = selection;
  const points = gpuPointsOf(profile);
  if (points === undefined || experiments.trim() !== WHOLE_PROFILE.experiments) return undefined;
  const words = listOf(transports);
  const chosen = routes.filter(
    ({ transport }) => transports === WHOLE_PROFILE.transports || words.includes(transport),
  );
  if (chosen.length === 0) return undefined;
  const blocks = /^\d+/.exec(repetitions)?.[0];
  return {
    points: {
      ...points,
      sizes: { ...points.sizes, ...chosenSizes(selection).sizes },
      ...(blocks !== undefined && { blocks: Number(blocks) }),
    },
    routes: chosen,
  };
}
