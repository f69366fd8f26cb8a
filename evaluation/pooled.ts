import type { Observation } from "./observations.ts";
import { welchBeyond, type WelchDifference } from "./significance.ts";
import { CONFIDENCE, medianOf, MIN_FOR_RATIO_INTERVAL, quantile } from "./statistics.ts";

/** Round trips of one transport in two runs, all sizes taken together. */
export interface Pooled {
  transport: string;
  /** Sizes that both runs have. */
  sizes: number;
  /** Run over base, of logarithms. */
  test: WelchDifference;
}

/**
 * The part of a repetition's round trips that counts. What disturbs a round trip (another process, an emulator's own
 * work, a sleep in place of a spin) only ever makes it longer, so the fast ones differ least between repetitions.
 */
const FAST = 0.1;

/** Round trips of a repetition, below which a tenth of them says nothing. */
const FEWEST_ROUND_TRIPS = 10;

const FEWEST_SIZES = 3;

/**
 * Two runs of the same build are not the same to the last per cent: their domains lie at other places in memory, and the
 * machine has another moment. A factor that small is no finding.
 */
export const MARGIN = 1.03;

const isPooled = (one: Observation): boolean =>
  one.experiment === "latency" &&
  one.metric === "half_rtt" &&
  one.values.length >= FEWEST_ROUND_TRIPS &&
  one.values.every((us) => us > 0);

const fast = ({ values }: Observation): number =>
  Math.log(
    quantile(
      [...values].sort((a, b) => a - b),
      FAST,
    ),
  );

/** How far the repetitions lie from the middle of both runs, each the median over its sizes. */
function distances(group: readonly Observation[], middles: ReadonlyMap<number, number>): number[] {
  const repetitions = Map.groupBy(
    group.filter(({ sizeBytes }) => middles.has(sizeBytes)),
    ({ repetition }) => repetition,
  );
  // One that has half of the sizes only, as of a run that adapts, would weigh as much as a whole one.
  return [...repetitions.values()]
    .filter(({ length }) => 4 * length >= 3 * middles.size)
    .map((whole) => medianOf(whole.map((one) => fast(one) - (middles.get(one.sizeBytes) ?? 0))));
}

function pool(
  transport: string,
  base: readonly Observation[],
  run: readonly Observation[],
): Pooled | null {
  const sizesOf = (group: readonly Observation[]) => new Set(group.map((one) => one.sizeBytes));
  const theirs = sizesOf(run);
  const sizes = [...sizesOf(base)].filter((size) => theirs.has(size));
  if (sizes.length < FEWEST_SIZES) return null;
  const both = [...base, ...run];
  const middles = new Map(
    sizes.map((size) => [
      size,
      medianOf(both.filter(({ sizeBytes }) => sizeBytes === size).map(fast)),
    ]),
  );
  const [before, after] = [distances(base, middles), distances(run, middles)];
  if (Math.min(before.length, after.length) < MIN_FOR_RATIO_INTERVAL) return null;
  const test = welchBeyond(after, before, Math.log(MARGIN), CONFIDENCE);
  return { transport, sizes: sizes.length, test };
}

/**
 * Small changes of a transport as a whole. A single size's repetitions are too few and too far apart to show 10%; the
 * fast tenth of all sizes' round trips, in each repetition the median over the sizes, is not.
 */
export function pooledRoundTrips(
  base: readonly Observation[],
  run: readonly Observation[],
): Pooled[] {
  const grouped = (observed: readonly Observation[]): Map<string, Observation[]> =>
    Map.groupBy(
      observed.filter((one) => isPooled(one)),
      ({ transport }) => transport,
    );
  const after = grouped(run);
  return [...grouped(base)].flatMap(
    ([transport, group]) => pool(transport, group, after.get(transport) ?? []) ?? [],
  );
}
