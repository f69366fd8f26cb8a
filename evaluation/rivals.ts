import { formatNumber, formatRange, formatSize } from "./format.ts";
import { gpuSize } from "./gpu/figures.ts";
import { isOfGpu } from "./gpu/observations.ts";
import { lessIsBetter } from "./observations.ts";
import { placeKey } from "./ratios.ts";
import { comparePlaces, findRatio, ratiosOver, type Place, type RatioPoint } from "./summary.ts";
import {
  BASELINE,
  CEILING,
  STOCK,
  SUBJECT,
  transportLabel,
  UNMODIFIED,
  UNPEERED,
  XEN_STREAM,
  type Transport,
} from "./transports.ts";

/** What V4V must stand beside: both TCPs, Xen's own stream between domains, and a socket inside one domain. */
export const RIVALS: readonly Transport[] = [BASELINE, STOCK, XEN_STREAM, CEILING];

/** On the wrong side of 1. */
const isWorse = ({ metric }: Place, ratio: number): boolean =>
  lessIsBetter(metric) ? ratio > 1 : ratio < 1;

/** The whole interval is. */
const isLost = (one: RatioPoint): boolean =>
  one.interval !== null && isWorse(one, one.interval.low) && isWorse(one, one.interval.high);

/** Latency and bandwidth of a ping-pong are the same round trips, and dom0's CPU time belongs to no transport alone. */
const counts = ({ experiment, metric }: RatioPoint): boolean =>
  experiment !== "bandwidth" && metric !== "cpu_dom0";

const placeText = (place: Place): string =>
  isOfGpu(place)
    ? `${place.experiment} (${place.metric}) at ${gpuSize(place)}`
    : `${place.experiment} at ${formatSize(place.sizeBytes)}`;

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1) ?? ""}`;

/** Where one transport loses: beyond doubt, and by the medians alone. */
function lossesOf(numerator: Transport, all: readonly RatioPoint[]): string[] {
  const name = transportLabel(numerator);
  const against = RIVALS.map((rival) => ({
    rival: transportLabel(rival),
    ratios: ratiosOver(all, rival, numerator).filter(counts),
  })).filter(({ ratios }) => ratios.length > 0);
  if (against.length === 0)
    return ["This run has nothing to compare: it lacks one of the two transports."];
  const lost = against.map(({ rival, ratios }) => ({ rival, places: ratios.filter(isLost) }));
  const behind = against
    .map(({ rival, ratios }) => ({
      rival,
      places: ratios.filter((one) => !isLost(one) && isWorse(one, one.ratio)),
    }))
    .filter(({ places }) => places.length > 0);
  const none = lost.filter(({ places }) => places.length === 0).map(({ rival }) => rival);
  return [
    ...lost
      .filter(({ places }) => places.length > 0)
      .map(
        ({ rival, places }) =>
          `${name} is slower than ${rival} here: ${places.map(placeText).join(", ")}.`,
      ),
    ...(none.length > 0
      ? [`There is no size at which ${name} is slower than ${listed(none)} beyond doubt.`]
      : []),
    ...behind.map(({ rival, places }) => {
      const each = places.map((one) => `${placeText(one)} (${formatNumber(one.ratio)}×)`);
      return `By the medians alone ${name} is behind ${rival}: ${each.join(", ")}.`;
    }),
  ];
}

/** Sentences for each transport that is compared; unmodified programs only where they were measured. */
export const losses = (ratios: readonly RatioPoint[]): string =>
  [SUBJECT, UNMODIFIED, UNPEERED]
    .filter((one) => one === SUBJECT || ratios.some(({ numerator }) => numerator === one))
    .flatMap((one) => lossesOf(one, ratios))
    .join(" ");

/** A ratio with its interval; a dash where it was not measured. */
function ratioText(ratio: RatioPoint | undefined) {
  if (ratio === undefined) return { text: "–", isLost: false };
  const range = ratio.interval === null ? "" : ` (${formatRange(ratio.interval)})`;
  return { text: `${formatNumber(ratio.ratio)}×${range}`, isLost: isLost(ratio) };
}

/** V4V over each of its rivals, wherever there is more than the tuned TCP to compare with. */
export function rivalsView(ratios: readonly RatioPoint[]) {
  const rows = [SUBJECT, UNMODIFIED].flatMap((numerator) => {
    const own = ratios.filter(
      (one) =>
        one.numerator === numerator &&
        one.denominator !== BASELINE &&
        RIVALS.some((rival) => rival === one.denominator) &&
        counts(one) &&
        !isOfGpu(one),
    );
    const places = [...Map.groupBy(own, placeKey).values()].flatMap(([first]) => first ?? []);
    return places.sort(comparePlaces).map((place) => ({
      transport: transportLabel(numerator),
      experiment: place.experiment,
      metric: place.metric,
      better: lessIsBetter(place.metric) ? "below 1" : "above 1",
      size: formatSize(place.sizeBytes),
      ratios: RIVALS.map((rival) => ratioText(findRatio(ratios, place, rival, numerator))),
    }));
  });
  return rows.length === 0 ? null : { rivals: RIVALS.map(transportLabel), rows };
}
