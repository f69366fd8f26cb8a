import { formatNumber } from "./format.ts";
import { judged, judgeRatio, missing, within, type Outcome, type Threshold } from "./judge.ts";
import { APPS, isFigureOfProgram, isOfProgram } from "./observations.ts";
import { findPoint, type Place, type Summary } from "./summary.ts";
import { BASELINE, UNMODIFIED, transportLabel } from "./transports.ts";

/** iperf3 over V4V sockets, as a part of v4v-bench's stream over AF_VSOCK. */
const SHARE: Threshold = { kind: "at least", value: 0.85 };

/** iperf3 over V4V sockets, over TCP: the poster's ratio at 1 MB, rounded. */
const IPERF: Threshold = { kind: "at least", value: 4.6 };

/** Redis GET over V4V sockets, over TCP: what must be kept, and what is aimed at. */
const REDIS: Threshold = { kind: "at least", value: 3 };
const REDIS_AIM = 5;

const SETUP: Threshold = { kind: "at most", value: 1.3 };

/** Of the bytes that TCP sends through dom0 for each byte of payload: what says that a stream does not. */
const AROUND_DOM0: Threshold = { kind: "at most", value: 0.01 };

const LONGER = "This run measured no unmodified programs under v4vrun: profile quick does.";

const notMeasured: Outcome = { measured: null, verdict: "not measured yet", why: LONGER };

/** The place of a program's figure; undefined where it was measured over neither transport. */
function placeOf(summary: Summary, experiment: string): Place | undefined {
  return summary.points.find(
    (point) => point.experiment === experiment && isFigureOfProgram(point),
  );
}

function overTcp(summary: Summary, experiment: string, threshold: Threshold): Outcome {
  const place = placeOf(summary, experiment);
  return place === undefined
    ? failedOr(summary, experiment)
    : judgeRatio(summary, place, threshold, BASELINE, UNMODIFIED);
}

/** A program that failed wherever it was tried is told apart from one that was not. */
function failedOr(summary: Summary, experiment: string): Outcome {
  const failed = summary.unused.find((one) => one.failed && one.experiment === experiment);
  if (failed === undefined) return notMeasured;
  return { measured: null, verdict: "cannot be judged here", why: `It failed: ${failed.reason}` };
}

export const iperfOverTcp = (summary: Summary): Outcome => overTcp(summary, "apps-iperf3", IPERF);

export function redisOverTcp(summary: Summary): Outcome {
  const outcome = overTcp(summary, "apps-redis-get", REDIS);
  const { measured } = outcome;
  if (measured === null) return outcome;
  const reached = measured.value >= REDIS_AIM ? "is" : "is not";
  return { ...outcome, why: `${outcome.why} The aim of ${REDIS_AIM} ${reached} reached.` };
}

/** What a program loses of AF_VSOCK's bandwidth by being an unmodified one. */
export function iperfShare(summary: Summary): Outcome {
  const { share } = summary;
  if (share === null) return failedOr(summary, "apps-iperf3");
  const { ratio, interval, program, bench } = share;
  const text = `iperf3 over ${transportLabel(UNMODIFIED)} / v4v-bench over AF_VSOCK ${formatNumber(ratio)}, ${within(interval)}; ${formatNumber(program)} MB/s, ${formatNumber(bench)} MB/s`;
  return judged(ratio, interval, text, SHARE);
}

/** Set-up of a connection under v4vrun. */
export const setupCost = (summary: Summary): Outcome =>
  judgeRatio(
    summary,
    { experiment: "connect", metric: "setup", sizeBytes: 1, pairs: 1 },
    SETUP,
    BASELINE,
    UNMODIFIED,
  );

/** Programs that nobody changed ran over rings: a sample whose bytes went another way would have failed. */
export function socketInterface(summary: Summary): Outcome {
  const isOne = (one: { experiment: string; transport: string }): boolean =>
    isOfProgram(one) && one.transport === UNMODIFIED;
  const points = summary.points.filter((point) => isOne(point) && isFigureOfProgram(point));
  const failed = summary.unused.filter((one) => isOne(one) && one.failed);
  const [first] = failed;
  if (first !== undefined) {
    return { measured: null, verdict: "fail", why: `${first.experiment}: ${first.reason}` };
  }
  if (points.length === 0) return notMeasured;
  const names = points.map(({ experiment }) => experiment.slice(APPS.length)).join(", ");
  const why = `Debian's unmodified programs ran under v4vrun, by their byte counters over rings, without a failed sample: ${names}. The table of behaviours is a test of its own.`;
  return { measured: null, verdict: "pass", why };
}

/** A stream's bytes do not go through the domUs' network interfaces, behind which dom0's back end and bridge are. */
export function noDriverDomain(summary: Summary): Outcome {
  const place = summary.points.find(({ metric }) => metric === "net_share");
  if (place === undefined) return failedOr(summary, "apps-iperf3");
  const v4v = findPoint(summary.points, place, UNMODIFIED);
  if (v4v === undefined) return missing(summary, place, UNMODIFIED);
  const tcp = findPoint(summary.points, place, BASELINE);
  const beside =
    tcp === undefined ? "" : `; ${transportLabel(BASELINE)} ${formatNumber(tcp.median)}`;
  const text = `bytes through the client's network interfaces for each byte of iperf3's: ${transportLabel(UNMODIFIED)} ${formatNumber(v4v.median)}, ${within(v4v.interval)}${beside}`;
  return judged(v4v.median, v4v.interval, text, AROUND_DOM0);
}
