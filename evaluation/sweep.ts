import type { Manifest } from "./manifest.ts";
import { UNITS, type Metric } from "./observations.ts";
import { PAIRED_SIZE } from "./profiles.ts";
import type { Interval } from "./statistics.ts";
import { findRatio, type Point, type Summary } from "./summary.ts";
import { BASELINE, compareTransports } from "./transports.ts";

/** A run of a sweep: one testbed with so many domUs. */
export interface SweepRun {
  manifest: Pick<Manifest, "runId" | "settings">;
  summary: Summary;
}

/** One transport with so many domUs. */
export interface SweepRow {
  vmCount: number;
  runId: string;
  transport: string;
  /** How many pairs ran at the same time. */
  pairs: number;
  median: number;
  interval: Interval | null;
  repetitions: number;
  /** Over TCP in the same run; null for TCP itself and where there is none. */
  ratio: number | null;
  ratioInterval: Interval | null;
}

/** One number by domUs. */
export interface SweepTable {
  name: string;
  title: string;
  metric: Metric;
  unit: string;
  scale: "log" | "linear";
  rows: SweepRow[];
}

export interface Sweep {
  /** Of all runs: they must agree in it. */
  stamp: string;
  profile: string;
  complete: boolean;
  steps: { vmCount: number; runId: string; complete: boolean; failed: number }[];
  tables: SweepTable[];
}

/** Runs that make no sweep; the message says why. */
export class SweepError extends Error {
  override readonly name = "SweepError";
}

interface Quantity {
  name: string;
  /** Short: it is the heading of a figure that must be readable on a phone. */
  title: string;
  experiment: string;
  metric: Metric;
  size: number;
  scale: "log" | "linear";
}

/** What is followed over the steps; of an experiment in pairs the most pairs of a run. */
const QUANTITIES: readonly Quantity[] = [
  {
    name: "latency",
    title: "Latency of 1 B, others idle",
    experiment: "latency",
    metric: "half_rtt",
    size: 1,
    scale: "log",
  },
  {
    name: "neighbours",
    title: "Latency of 1 B, others busy",
    experiment: "neighbours",
    metric: "half_rtt",
    size: 1,
    scale: "log",
  },
  {
    name: "bandwidth",
    title: "Bandwidth at 1 MiB, one pair",
    experiment: "bandwidth",
    metric: "bandwidth",
    size: 1 << 20,
    scale: "linear",
  },
  {
    name: "aggregate",
    title: "All pairs together, 512 KiB",
    experiment: "scaling",
    metric: "bandwidth",
    size: PAIRED_SIZE,
    scale: "linear",
  },
  {
    name: "dom0",
    title: "dom0 while all pairs run",
    experiment: "scaling",
    metric: "cpu_dom0",
    size: PAIRED_SIZE,
    scale: "linear",
  },
  {
    name: "fairness",
    title: "Jain's index over all pairs",
    experiment: "scaling",
    metric: "fairness",
    size: PAIRED_SIZE,
    scale: "linear",
  },
];

/** How many domUs a run had. */
function vmCountOf({ runId, settings }: SweepRun["manifest"]): number {
  const { vmCount } = settings;
  if (typeof vmCount === "number") return vmCount;
  throw new SweepError(`run ${runId} does not say how many domUs it had`);
}

function rowsOf({ manifest, summary }: SweepRun, quantity: Quantity): SweepRow[] {
  const points = summary.points.filter(
    ({ experiment, metric, sizeBytes }) =>
      experiment === quantity.experiment &&
      metric === quantity.metric &&
      sizeBytes === quantity.size,
  );
  const pairs = Math.max(...points.map((point) => point.pairs));
  return points
    .filter((point) => point.pairs === pairs)
    .sort((a, b) => compareTransports(a.transport, b.transport))
    .map((point: Point): SweepRow => {
      const ratio = findRatio(summary.ratios, point, BASELINE, point.transport);
      return {
        vmCount: vmCountOf(manifest),
        runId: manifest.runId,
        transport: point.transport,
        pairs,
        median: point.median,
        interval: point.interval,
        repetitions: point.repetitions,
        ratio: ratio?.ratio ?? null,
        ratioInterval: ratio?.interval ?? null,
      };
    });
}

const same = (values: readonly string[]): boolean => new Set(values).size < 2;

/**
 * What several runs of a testbed say by its number of domUs, in that order.
 *
 * @throws SweepError for runs of different profiles or accelerators, and for two with equally many domUs
 */
export function sweepOf(runs: readonly SweepRun[]): Sweep {
  const ordered = [...runs].sort((a, b) => vmCountOf(a.manifest) - vmCountOf(b.manifest));
  const [first] = ordered;
  if (first === undefined) throw new SweepError("a sweep needs a run");
  const { stamp, profile } = first.summary;
  if (!same(ordered.map(({ summary }) => summary.profile)))
    throw new SweepError("the runs are of different profiles");
  if (!same(ordered.map(({ summary }) => summary.stamp)))
    throw new SweepError("the runs are of machines with different accelerators");
  const counts = ordered.map(({ manifest }) => vmCountOf(manifest));
  const twice = counts.find((count, index) => counts.indexOf(count) < index);
  if (twice !== undefined) throw new SweepError(`two runs have ${twice} domUs`);
  return {
    stamp,
    profile,
    complete: ordered.every(({ summary }) => summary.complete),
    steps: ordered.map(({ manifest, summary }) => ({
      vmCount: vmCountOf(manifest),
      runId: manifest.runId,
      complete: summary.complete,
      failed: summary.samples.failed,
    })),
    tables: QUANTITIES.map(({ name, title, metric, scale, ...quantity }) => ({
      name,
      title,
      metric,
      unit: UNITS[metric],
      scale,
      rows: ordered.flatMap((run) => rowsOf(run, { name, title, metric, scale, ...quantity })),
    })).filter(({ rows }) => rows.length > 0),
  };
}
