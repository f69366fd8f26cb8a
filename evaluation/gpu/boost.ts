import type { Observation } from "../observations.ts";
import { placeKey, ratiosOf } from "../ratios.ts";
import { CONFIDENCE } from "../statistics.ts";
import type { RatioPoint } from "../summary.ts";
import { BASELINE, UNMODIFIED } from "../transports.ts";
import { isOfTransfers } from "./observations.ts";

/** The best transfers of all sizes and both ways, by V4V sockets over TCP. */
export interface Boost extends RatioPoint {
  /** How many places it is the best of. */
  places: number;
}

/**
 * The best one's interval is wider than 95% by the number of places (Bonferroni): all of them would hold together with 95%, and so
 * does whichever is chosen.
 *
 * @param ratios of all places, as in the tables
 */
export function boostOf(
  observed: readonly Observation[],
  ratios: readonly RatioPoint[],
  seed: number,
): Boost | null {
  const boosts = ratios.filter(
    (one) => isOfTransfers(one) && one.numerator === UNMODIFIED && one.denominator === BASELINE,
  );
  const [best] = boosts.toSorted((a, b) => b.ratio - a.ratio);
  if (best === undefined) return null;
  const own = observed.filter((one) => placeKey(one) === placeKey(best));
  const confidence = 1 - (1 - CONFIDENCE) / boosts.length;
  const [wide] = ratiosOf(own, UNMODIFIED, BASELINE, "best transfer", seed, confidence);
  return wide === undefined ? null : { ...wide, places: boosts.length };
}
