import { counted, formatChange, formatNumber, formatSize } from "../format.ts";
import { judged, within, type Outcome, type Threshold } from "../judge.ts";
import { FAIR } from "../scalingClaims.ts";
import { CONFIDENCE } from "../statistics.ts";
import { findPoint, findRatio, type Place, type Point, type Summary } from "../summary.ts";
import { BASELINE, NATIVE, UNMODIFIED } from "../transports.ts";
import { gpuLabel, sidesOf } from "./labels.ts";
import { deviceWords, RCUDA } from "./product.ts";
import { SHARED } from "./sharing.ts";

/** The poster's overhead over a native run. */
export const PAPER_OVERHEAD = 1.15;

/** The poster's best transfer over TCP's, and what must be kept here. */
export const PAPER_TRANSFER = 7;
const TRANSFER_FLOOR = 4;

/** Of a native run, percent: larger matrices compute for longer and copy for a smaller part of it. */
const COPY_SHARE = 20;

const notMeasured: Outcome = {
  measured: null,
  verdict: "not measured yet",
  why: "This run measured no GPU: remoteGpu.enabled does.",
};

/** What ran, which need not be what the poster's authors ran, and whether a GPU took part. */
function computedBy({ gpu }: Summary): string {
  if (gpu === null || gpu.devices.length === 0) return "";
  const { product, devices, note } = gpu;
  const other = product === RCUDA ? "" : `, not ${RCUDA}`;
  const by = product === null ? "natively only" : `with ${product}${other}`;
  const cpu = devices.some(({ type }) => type === "cpu");
  return ` Measured ${by}${cpu ? `; ${note}` : `, on ${deviceWords(devices)}`}.`;
}

/** Behind what was measured. */
const byProduct = ({ gpu }: Summary): string =>
  typeof gpu?.product === "string" ? `; by ${gpu.product}` : "";

function whyAbsent({ gpu, unused }: Summary, experiment: string): string {
  if (gpu?.failure) return `The GPU's legs did not run to their end: ${gpu.failure}.`;
  const failed = unused.find((one) => one.failed && one.experiment === experiment);
  return failed === undefined
    ? "This run has no sample of all that is compared at one size."
    : `It failed: ${gpuLabel(failed.transport)}: ${failed.reason}.`;
}

/** A claim whose samples are not there, or failed. */
function absent(summary: Summary, experiment: string, why?: string): Outcome {
  if (summary.gpu === null) return notMeasured;
  const said = why ?? whyAbsent(summary, experiment);
  return {
    measured: null,
    verdict: "cannot be judged here",
    why: `${said}${computedBy(summary)}`,
  };
}

const placeOf = ({ experiment, metric, sizeBytes, pairs }: Point): Place => ({
  experiment,
  metric,
  sizeBytes,
  pairs,
});

/** What part of its time a native product copies, by size. */
const nativeShares = (summary: Summary): Point[] =>
  summary.points
    .filter(
      (point) =>
        point.experiment === "gpu-matmul" &&
        point.metric === "copy_share" &&
        point.transport === NATIVE,
    )
    .sort((a, b) => a.sizeBytes - b.sizeBytes);

/** Where a native run copies for little enough of its time. */
function overheadPlace(summary: Summary): Place | undefined {
  const first = nativeShares(summary).find(({ median }) => median <= COPY_SHARE);
  return first === undefined ? undefined : { ...placeOf(first), metric: "duration" };
}

/** Why there is no such place, where native runs were measured at all. */
function copiesTooMuch(summary: Summary): string | undefined {
  const [least] = nativeShares(summary).toSorted((a, b) => a.median - b.median);
  return least === undefined
    ? undefined
    : `At no size measured does a native run copy for ${COPY_SHARE}% of its time or less: at ${sidesOf(least.sizeBytes)}, where it is the least, for ${formatNumber(least.median)}%.`;
}

function overhead(threshold: Threshold): (summary: Summary) => Outcome {
  return (summary) => {
    const place = overheadPlace(summary);
    const found = place && findRatio(summary.ratios, place, NATIVE, UNMODIFIED);
    if (place === undefined) return absent(summary, "gpu-matmul", copiesTooMuch(summary));
    if (found === undefined) return absent(summary, "gpu-matmul");
    const seconds = (transport: string): string => {
      const point = findPoint(summary.points, place, transport);
      return point === undefined ? "" : `; ${gpuLabel(transport)} ${formatNumber(point.median)} s`;
    };
    const { ratio, interval } = found;
    const text =
      `${formatChange(ratio)} at ${sidesOf(place.sizeBytes)}: ${formatNumber(ratio)}, ${within(interval)}` +
      [UNMODIFIED, NATIVE, BASELINE].map(seconds).join("") +
      byProduct(summary);
    const outcome = judged(ratio, interval, text, threshold);
    return { ...outcome, why: `${outcome.why}${computedBy(summary)}` };
  };
}

/** First reading of "minimum overhead of 15%": it is never less. */
export const overheadAtLeast = overhead({ kind: "at least", value: PAPER_OVERHEAD });

/** Second reading: it is as small as 15%. */
export const overheadAtMost = overhead({ kind: "at most", value: PAPER_OVERHEAD });

/** How many of the legs that the transfers' numbers rest on have no proof of the way of their bytes. */
function unproven({ gpu }: Summary): string {
  const ways = gpu?.ways ?? [];
  if (ways.length === 0) return " Connections were not recorded: no leg's way is proven by them.";
  // Of a leg that went another way there is no number, nor of one without payload.
  const legs = ways.filter(
    ({ workload, transport, payload, verdict, used }) =>
      used !== false &&
      workload === "transfer" &&
      (transport === UNMODIFIED || transport === BASELINE) &&
      payload > 0 &&
      verdict !== "another way",
  );
  const hidden = legs.filter(({ verdict }) => verdict !== "proven").length;
  return hidden === 0
    ? ""
    : ` Of the ${counted(legs.length, "leg")} that it rests on ${hidden} ${hidden === 1 ? "is" : "are"} not proven by connections.`;
}

/** The best of all sizes and directions, as the poster takes it. */
export function transferBoost(summary: Summary): Outcome {
  const { boost: best } = summary;
  if (best === null) return absent(summary, "gpu-transfer");
  const rate = (transport: string): string => {
    const point = findPoint(summary.points, best, transport);
    return point === undefined ? "" : `; ${gpuLabel(transport)} ${formatNumber(point.median)} MB/s`;
  };
  const way = best.metric === "to_device" ? "to the device" : "from the device";
  const ofAll = best.interval === null ? "" : ` (of all ${counted(best.places, "place")} together)`;
  const text =
    `${formatNumber(best.ratio)} times, ${within(best.interval)}${ofAll}, at ${formatSize(best.sizeBytes)} ${way}, the best of ` +
    `${best.places}${[UNMODIFIED, BASELINE].map(rate).join("")}${byProduct(summary)}`;
  const outcome = judged(best.ratio, best.interval, text, {
    kind: "at least",
    value: PAPER_TRANSFER,
  });
  const { low, high } = best.interval ?? { low: 0, high: Infinity };
  const floor =
    low >= TRANSFER_FLOOR ? "is kept" : high < TRANSFER_FLOOR ? "is not kept" : "is not settled";
  return {
    ...outcome,
    why: `${outcome.why} This testbed's floor of ${TRANSFER_FLOOR} ${floor}.${unproven(summary)}${computedBy(summary)}`,
  };
}

/** The most clients at once: how evenly they are served by unmodified programs' V4V, what they get together and each. */
export function sharingClaim(summary: Summary): Outcome {
  const all = summary.points.filter(({ experiment }) => experiment === SHARED);
  const most = Math.max(1, ...all.map(({ pairs }) => pairs));
  const at = (metric: string, transport: string, clients = most): Point | undefined =>
    all.find(
      (one) => one.metric === metric && one.transport === transport && one.pairs === clients,
    );
  const found = at("fairness", UNMODIFIED);
  if (found === undefined) return absent(summary, SHARED);
  const told = (transport: string): string => {
    const [rate, alone, slower] = [
      at("rate", transport),
      at("rate", transport, 1),
      at("slowdown", transport),
    ];
    if (rate === undefined) return "";
    const of = alone === undefined ? "" : ` (one client ${formatNumber(alone.median)})`;
    const each =
      slower === undefined ? "" : `, a product takes ${formatNumber(slower.median)} times as long`;
    return `; ${gpuLabel(transport)} ${formatNumber(rate.median)} products/s${of}${each}`;
  };
  const { median, sizeBytes, interval } = found;
  const sure = interval !== null && interval.coverage >= CONFIDENCE ? interval : null;
  const text =
    `Jain's index of ${counted(most, "client")}, ${sidesOf(sizeBytes)}: ${formatNumber(median)}, ${within(sure)}` +
    [UNMODIFIED, BASELINE].map(told).join("") +
    byProduct(summary);
  const outcome = judged(median, sure, text, { kind: "at least", value: FAIR }, "index");
  return { ...outcome, why: `${outcome.why}${computedBy(summary)}` };
}
