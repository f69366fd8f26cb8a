import { isControl, mediansOf, type Metric, type Observation } from "./observations.ts";
import { seededRandom } from "./random.ts";
import { ratioOfMedians } from "./statistics.ts";
import type { Place, RatioPoint } from "./summary.ts";
import type { Transport } from "./transports.ts";

/** One for each place. */
export const placeKey = ({ experiment, metric, sizeBytes, pairs }: Place): string =>
  JSON.stringify([experiment, metric, sizeBytes, pairs]);

/** Metrics that are ratios already, derived from others: of two transports or of two runs the others are compared. */
const RELATIVE: readonly Metric[] = [
  "overhead",
  "copy_share",
  "to_device_of_socket",
  "from_device_of_socket",
];

export const isRelative = ({ metric }: Pick<Observation, "metric">): boolean =>
  RELATIVE.includes(metric);

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
  confidence?: number,
): RatioPoint[] {
  const compared = observed.filter((one) => !isControl(one) && !isRelative(one));
  const places = Map.groupBy(compared, placeKey);
  return [...places].flatMap(([key, group]) => {
    const medians = (transport: string): number[] =>
      mediansOf(group.filter((one) => one.transport === transport));
    const [numerator, denominator] = [medians(numeratorName), medians(denominatorName)];
    const [first] = group;
    if (first === undefined || numerator.length === 0 || denominator.length === 0) return [];
    const { experiment, metric, sizeBytes, pairs } = first;
    const random = seededRandom(seed, `${label} ${key}`);
    return {
      experiment,
      metric,
      sizeBytes,
      pairs,
      numerator: numeratorName,
      denominator: denominatorName,
      ...ratioOfMedians(numerator, denominator, random, undefined, confidence),
    };
  });
}
