import { stampOf, type Accelerator } from "./accelerator.ts";
import { cellEnds, type CellEnd } from "./adaptive.ts";
import { isOfProgram, UNITS, type Metric, type Observation, type Unused } from "./observations.ts";
import type { Plan } from "./plan.ts";
import type { Further } from "./profiles.ts";
import { boostOf, type Boost } from "./gpu/boost.ts";
import { isOfGpu } from "./gpu/observations.ts";
import { gpuSummaryOf, type GpuPart, type GpuSummary } from "./gpu/summary.ts";
import type { PathProof } from "./path/proof.ts";
import { placeKey, ratiosOf } from "./ratios.ts";
import type { LineProblem, SampleFile } from "./samples.ts";
import {
  medianInterval,
  medianOf,
  percentiles,
  type Interval,
  type Percentiles,
} from "./statistics.ts";
import {
  controlsOf,
  saturationOf,
  shareOf,
  type Control,
  type Saturation,
  type Share,
} from "./derived.ts";
import {
  BASELINE,
  CEILING,
  compareTransports,
  NATIVE,
  STOCK,
  SUBJECT,
  UNMODIFIED,
  UNPEERED,
  XEN_STREAM,
} from "./transports.ts";

/** Where a number was measured. */
export interface Place {
  experiment: string;
  metric: Metric;
  sizeBytes: number;
  /** Pairs at a time. */
  pairs: number;
}

/** All repetitions of one transport at one place. */
export interface Point extends Place {
  transport: string;
  unit: string;
  /** Median of the repetitions' medians. */
  median: number;
  /** Interval of that median over the repetitions; null for a single one. */
  interval: Interval | null;
  /** Over all raw samples, pooled. */
  percentiles: Percentiles;
  /** Raw samples: round trips, or streams. */
  samples: number;
  repetitions: number;
  /** Repetitions that failed and are in none of the numbers. */
  failed: number;
}

/**
 * V4V, and an unmodified TCP program by V4V, over both TCPs, vchan and AF_UNIX; of unmodified programs AF_UNIX over TCP;
 * TCP with v4vrun over that without; a remote GPU over a native one. Below 1 is better for `half_rtt`, `setup` and
 * `cpu_per_kb`, above 1 for `bandwidth` and `rate`.
 */
export interface RatioPoint extends Place {
  numerator: string;
  denominator: string;
  ratio: number;
  /** Bootstrap over repetitions; null with too few of them. */
  interval: Interval | null;
}

/** The two transports at one size, and the ratio SUBJECT / BASELINE; null where not measured. */
export interface Comparison {
  tcp: number | null;
  v4v: number | null;
  ratio: number | null;
}

export interface HeadlineRow {
  sizeBytes: number;
  /** us */
  halfRtt: Comparison;
  /** MB/s */
  bandwidth: Comparison;
}

export interface Summary {
  version: 1;
  runId: string;
  profile: string;
  accelerator: Accelerator;
  /** The accelerator in words, for tables and figures. */
  stamp: string;
  /** Every step of the plan ran. */
  complete: boolean;
  /** Steps that were measured, and the most that could be; those that were not needed are in neither. */
  stepsDone: number;
  stepsPlanned: number;
  /** How often every cell was repeated, and why not more often. */
  cells: CellEnd[];
  /** Null where the number of repetitions was fixed. */
  further: Further | null;
  samples: { ok: number; failed: number };
  headline: HeadlineRow[];
  points: Point[];
  ratios: RatioPoint[];
  /** The A/A control: two sets of the same transport; empty where the profile has none. */
  controls: Control[];
  /** Aggregate bandwidth of the most pairs over the best of fewer; empty with one number of pairs. */
  saturation: Saturation[];
  /** iperf3 over V4V sockets against v4v-bench over V4V; null where one was not measured. */
  share: Share | null;
  /** What computed in the GPU's experiments; null where there were none. */
  gpu: GpuSummary | null;
  /** The best transfer of a remote GPU by V4V sockets over TCP's; null where not both were measured. */
  boost: Boost | null;
  /** What counters say of the way of bytes; null where they were not asked. */
  path: PathProof | null;
  /** Samples that failed or are not evaluated. */
  unused: Unused[];
  /** Lines of samples.jsonl that could not be read. */
  problems: LineProblem[];
  partial: LineProblem | null;
}

export interface SummaryInput {
  runId: string;
  accelerator: Accelerator;
  plan: Plan;
  file: SampleFile;
  observed: readonly Observation[];
  unused: readonly Unused[];
  /** Absent where no GPU was measured. */
  gpu?: GpuPart | undefined;
  /** Absent where nobody asked. */
  path?: PathProof | undefined;
}

/** Order of tables: by experiment, metric, size, pairs. */
export function comparePlaces(a: Place, b: Place): number {
  return (
    (a.experiment < b.experiment ? -1 : a.experiment > b.experiment ? 1 : 0) ||
    (a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : 0) ||
    a.sizeBytes - b.sizeBytes ||
    a.pairs - b.pairs
  );
}

/** The experiment of the plan that an experiment's numbers are taken from: bandwidth by size is the ping-pong's. */
export const sourceOf = (experiment: string): string =>
  experiment === "bandwidth" ? "latency" : experiment;

const groupBy = (observed: readonly Observation[]): Observation[][] => [
  ...Map.groupBy(observed, (one) => `${placeKey(one)} ${one.transport}`).values(),
];

function pointOf(group: readonly Observation[], unused: readonly Unused[]): Point | null {
  const [first] = group;
  if (first === undefined) return null;
  const { experiment, transport, metric, sizeBytes, pairs } = first;
  const medians = group.map((one) => one.median);
  const values = group.flatMap((one) => one.values);
  const failed = unused.filter(
    (one) =>
      one.failed &&
      one.experiment === sourceOf(experiment) &&
      one.transport === transport &&
      one.sizeBytes === sizeBytes,
  );
  return {
    experiment,
    transport,
    metric,
    unit: UNITS[metric],
    sizeBytes,
    pairs,
    median: medianOf(medians),
    interval: medianInterval(medians),
    percentiles: percentiles(values),
    samples: values.length,
    repetitions: group.length,
    failed: failed.length,
  };
}

/** The point at a place; undefined where it was not measured. */
export function findPoint(
  points: readonly Point[],
  place: Place,
  transport: string,
): Point | undefined {
  const key = placeKey(place);
  return points.find((point) => point.transport === transport && placeKey(point) === key);
}

/** The ratios of one transport to another, everywhere. */
export const ratiosOver = (
  ratios: readonly RatioPoint[],
  denominator: string,
  numerator: string,
): RatioPoint[] =>
  ratios.filter((one) => one.numerator === numerator && one.denominator === denominator);

/** The ratio at a place; undefined where one of the two transports was not measured. */
export function findRatio(
  ratios: readonly RatioPoint[],
  place: Place,
  denominator: string = BASELINE,
  numerator: string = SUBJECT,
): RatioPoint | undefined {
  const key = placeKey(place);
  return ratiosOver(ratios, denominator, numerator).find((ratio) => placeKey(ratio) === key);
}

function headlineOf(points: readonly Point[], ratios: readonly RatioPoint[]): HeadlineRow[] {
  const compare = (place: Place): Comparison => ({
    tcp: findPoint(points, place, BASELINE)?.median ?? null,
    v4v: findPoint(points, place, SUBJECT)?.median ?? null,
    ratio: findRatio(ratios, place)?.ratio ?? null,
  });
  const sizes = new Set(
    points.filter((point) => point.experiment === "latency").map((point) => point.sizeBytes),
  );
  return [...sizes]
    .sort((a, b) => a - b)
    .map((sizeBytes) => ({
      sizeBytes,
      halfRtt: compare({ experiment: "latency", metric: "half_rtt", sizeBytes, pairs: 1 }),
      bandwidth: compare({ experiment: "bandwidth", metric: "bandwidth", sizeBytes, pairs: 1 }),
    }));
}

/** Everything that tables, figures and verdicts need, from the samples of one run. */
export function summarise(input: SummaryInput): Summary {
  const { runId, accelerator, plan, file, observed, unused } = input;
  const points = groupBy(observed)
    .flatMap((group) => pointOf(group, unused) ?? [])
    .sort((a, b) => comparePlaces(a, b) || compareTransports(a.transport, b.transport));
  const ratios = [
    ...ratiosOf(observed, SUBJECT, BASELINE, "ratio", plan.seed),
    ...ratiosOf(observed, SUBJECT, CEILING, `ratio to ${CEILING}`, plan.seed),
    ...ratiosOf(observed, UNMODIFIED, BASELINE, `ratio of ${UNMODIFIED}`, plan.seed),
    ...ratiosOf(observed, UNPEERED, BASELINE, `ratio of ${UNPEERED}`, plan.seed),
    ...ratiosOf(observed, UNMODIFIED, CEILING, `ratio of ${UNMODIFIED} to ${CEILING}`, plan.seed),
    ...([STOCK, XEN_STREAM] as const).flatMap((rival) =>
      ([SUBJECT, UNMODIFIED] as const).flatMap((own) =>
        ratiosOf(observed, own, rival, `ratio of ${own} to ${rival}`, plan.seed),
      ),
    ),
    ...ratiosOf(observed.filter(isOfProgram), CEILING, BASELINE, `ratio of ${CEILING}`, plan.seed),
    ...([UNMODIFIED, BASELINE] as const).flatMap((remote) =>
      ratiosOf(
        observed.filter(isOfGpu),
        remote,
        NATIVE,
        `ratio of ${remote} to ${NATIVE}`,
        plan.seed,
      ),
    ),
  ].sort(comparePlaces);
  const failures = unused.filter((one) => one.failed);
  // The GPU's samples are in a file of their own.
  const failed = failures.filter((one) => !isOfGpu(one)).length;
  const skipped = file.steps.filter((record) => record.skipped === true).length;
  return {
    version: 1,
    runId,
    profile: plan.profile,
    accelerator,
    stamp: stampOf(accelerator),
    complete: file.end !== null,
    stepsDone: file.steps.length - skipped,
    stepsPlanned: plan.steps.length - skipped,
    cells: cellEnds(plan, file, observed),
    further: plan.further ?? null,
    samples: { ok: file.samples.length - failed, failed: failures.length },
    headline: headlineOf(points, ratios),
    points,
    ratios,
    controls: controlsOf(observed, plan.seed),
    saturation: saturationOf(observed, plan.seed),
    share: shareOf(observed, plan.seed),
    gpu: gpuSummaryOf(input.gpu),
    boost: boostOf(observed, ratios, plan.seed),
    path: input.path ?? null,
    unused: [...unused],
    problems: file.problems,
    partial: file.partial,
  };
}
