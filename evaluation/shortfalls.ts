import { controlsOf } from "./derived.ts";
import { counted, formatPlace } from "./format.ts";
import type { Manifest } from "./manifest.ts";
import type { Observation, Unused } from "./observations.ts";
import type { Plan } from "./plan.ts";
import { sourceOf } from "./summary.ts";
import { transportLabel } from "./transports.ts";

/** What a run says of itself beside its numbers. */
export interface Told {
  manifest: Pick<Manifest, "runId" | "complete" | "seed">;
  observed: readonly Observation[];
  unused?: readonly Unused[];
  /** What was to be measured; without it nothing counts as lost. */
  plan?: Pick<Plan, "steps">;
  /** Absent or null where no GPU was measured. */
  gpu?: { complete: boolean } | null;
}

interface Measured {
  experiment: string;
  transport: string;
  sizeBytes: number;
  pairs: number;
}

const key = ({ experiment, transport, sizeBytes, pairs }: Measured): string =>
  JSON.stringify([sourceOf(experiment), transport, sizeBytes, pairs]);

/** A sentence for each experiment and transport. */
function sentences(
  places: readonly Measured[],
  sentence: (what: string, where: string) => string,
): string[] {
  const groups = Map.groupBy(places, (one) => `${sourceOf(one.experiment)}\n${one.transport}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { experiment, transport } = first;
    const where = [...new Set(group.map(formatPlace))].join(", ");
    return sentence(`${sourceOf(experiment)} over ${transportLabel(transport)}`, where);
  });
}

/** What base has, the run was to measure, and has no number for. */
function lost(base: Told, run: Told): string[] {
  const planned = new Set(
    (run.plan?.steps ?? []).map(({ experiment, transport, size, pairs }) =>
      key({ experiment, transport, sizeBytes: size, pairs: pairs.length }),
    ),
  );
  const row = (one: Observation): string => `${key(one)} ${one.metric}`;
  const there = new Set(run.observed.map(row));
  const gone = base.observed.filter((one) => planned.has(key(one)) && !there.has(row(one)));
  const places = Map.groupBy(gone, key);
  return sentences(
    [...places.values()].flatMap(([first]) => first ?? []),
    (what, where) =>
      `${what} has no number in run ${run.manifest.runId}, which was to measure it, and has one in base: ${where}.`,
  );
}

/** Failed samples by experiment, transport and size. */
const failures = ({ unused = [] }: Told): Map<string, Measured[]> =>
  Map.groupBy(
    unused.filter(({ failed }) => failed).map((one): Measured => ({ ...one, pairs: 1 })),
    key,
  );

/** Where more failed than in base, of what base measured too. */
function moreFailed(base: Told, run: Told): string[] {
  const [before, after] = [failures(base), failures(run)];
  const known = new Set([
    ...before.keys(),
    ...base.observed.map((one) => key({ ...one, pairs: 1 })),
  ]);
  return [...after].flatMap(([name, failed]) => {
    const earlier = before.get(name)?.length ?? 0;
    const [first] = failed;
    if (first === undefined || !known.has(name) || failed.length <= earlier) return [];
    return sentences(
      [first],
      (what, where) =>
        `${what} at ${where}: ${counted(failed.length, "sample")} failed in run ${run.manifest.runId}, ${earlier} in base.`,
    );
  });
}

/** Why a comparison cannot clear a run, whatever its numbers say; a sentence each. */
export function shortfallsOf(base: Told, run: Told): string[] {
  const own = [base, run].flatMap(({ manifest, observed, gpu }) => [
    ...(gpu && !gpu.complete ? [`The GPU's legs of run ${manifest.runId} are not complete.`] : []),
    ...(manifest.complete ? [] : [`Run ${manifest.runId} is not complete.`]),
    ...(controlsOf(observed, manifest.seed).some(({ holds }) => holds === false)
      ? [`The A/A control of run ${manifest.runId} fails.`]
      : []),
  ]);
  return [...new Set([...own, ...lost(base, run), ...moreFailed(base, run)])];
}
