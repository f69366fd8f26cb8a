import { isControl, mediansOf, type Observation } from "./observations.ts";
import { seededRandom } from "./random.ts";
import { ratioOfMedians } from "./statistics.ts";
import type { Place, RatioPoint } from "./summary.ts";
import type { Transport } from "./transports.ts";

/** One for each place. */
export const placeKey = ({ experiment, metric, sizeBytes, pairs }: Place): string =>
  JSON.stringify([experiment, metric, sizeBytes, pairs]);

/** Metrics that are ratios already. */
const RELATIVE = ["overhead", "copy_share", "to_device_of_socket", "from_device_of_socket"];

/**
 * The ratios of two transports wherever both were measured; `label` keeps the random numbers of one couple of
 * transports apart from those of another.
 */
export function ratiosOf(
  observed: readonly Observation[],
  numeratorName: Transport,
  denominatorName: Transport,
  label: string,
  seed: number,
): RatioPoint[] {
  const compared = observed.filter((one) => !isControl(one) && !RELATIVE.includes(one.metric));
  const places = Map.groupBy(compared, placeKey);
  return [...places].flatMap(([key, group]) => {
    const medians = (transport: string): number[] =>
      mediansOf(group.filter((one) => one.transport === transport));
    const [numerator, denominator] = [medians(numeratorName), medians(denominatorName)];
    const [first] = group;
    if (first === undefined || numerator.length === 0 || denominator.length === 0) return [];
    const { experiment, metric, sizeBytes, pairs } = first;
    return {
      experiment,
      metric,
      sizeBytes,
      pairs,
      numerator: numeratorName,
      denominator: denominatorName,
      ...ratioOfMedians(numerator, denominator, seededRandom(seed, `${label} ${key}`)),
    };
  });
}
