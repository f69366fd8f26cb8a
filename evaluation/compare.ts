import type { ClaimRow } from "./claims.ts";
import { canonicalJson } from "./hash.ts";
import type { GpuSummary } from "./gpu/summary.ts";
import type { Manifest } from "./manifest.ts";
import {
  isControl,
  lessIsBetter,
  mediansOf,
  UNITS,
  type Observation,
  type Unused,
} from "./observations.ts";
import type { Plan } from "./plan.ts";
import { pooledRoundTrips, type Pooled } from "./pooled.ts";
import { seededRandom } from "./random.ts";
import { holm, welch, type WelchTest } from "./significance.ts";
import {
  CONFIDENCE,
  medianOf,
  MIN_FOR_RATIO_INTERVAL,
  ratioOfMedians,
  type Interval,
} from "./statistics.ts";
import { isRelative, placeKey } from "./ratios.ts";
import { shortfallsOf } from "./shortfalls.ts";
import { comparePlaces, type Place } from "./summary.ts";
import { compareTransports } from "./transports.ts";
import { verdictRows, type VerdictRow } from "./verdicts.ts";

/** One of the two runs. */
export interface ComparedRun {
  manifest: Pick<
    Manifest,
    | "runId"
    | "complete"
    | "profile"
    | "seed"
    | "settings"
    | "versions"
    | "builds"
    | "machine"
    | "accelerator"
  >;
  observed: readonly Observation[];
  unused?: readonly Unused[];
  /** What was to be measured. */
  plan?: Pick<Plan, "steps">;
  /** What it says of the claims. */
  claims?: readonly Pick<ClaimRow, "id" | "verdict">[];
  /** What computed; absent or null where no GPU was measured. */
  gpu?: ComparedGpu | null;
}

type ComparedGpu = Pick<GpuSummary, "note" | "product" | "devices" | "complete">;

export type Finding = "better" | "worse" | "none shown" | "cannot be compared";

/** One metric of one transport at one place, in both runs. */
export interface Change extends Place {
  transport: string;
  unit: string;
  /** Medians of the repetitions' medians. */
  base: number;
  run: number;
  /** `run` / `base`; null where base is 0. */
  ratio: number | null;
  /** 95% bootstrap interval of the ratio, by itself: it knows nothing of the other rows. */
  interval: Interval | null;
  /** Adjusted for the number of rows; null where there is no test. */
  p: number | null;
  finding: Finding;
  /** Of a GPU's experiments: the kinds of device that computed in the two runs; else empty. */
  computedBy: string;
}

/** The round trips of one transport, all sizes taken together: small changes that no single size shows. */
export interface PooledChange {
  transport: string;
  sizes: number;
  /** Run over base, of the fast tenth of round trips. */
  ratio: number;
  interval: Interval;
  p: number;
  finding: Finding;
}

/** A setting, version, build or property of the machine in which the runs differ. */
export interface Difference {
  what: string;
  base: string;
  run: string;
}

export interface RunComparison {
  base: string;
  run: string;
  changes: Change[];
  pooled: PooledChange[];
  /** Rows of `changes` that were tested: what Holm's correction accounts for. */
  tested: number;
  /** Measured in one of the two runs alone. */
  onlyBase: number;
  onlyRun: number;
  differences: Difference[];
  /** What computed in each run's rows of gpu-*; empty where neither measured a GPU. */
  gpuNotes: string[];
  warnings: string[];
  /** Why the run cannot be cleared, whatever its numbers say: a sentence each. */
  shortfalls: string[];
  /** What the two say of the claims; empty where nothing is known of them. */
  verdicts: VerdictRow[];
}

/** Probability that any row of a table is called a change though nothing changed. */
export const ALPHA = 1 - CONFIDENCE;

/** A ping-pong's bandwidth is its round trips once more, and a derived ratio what it is made of. */
const isCompared = (one: Observation): boolean =>
  one.experiment !== "bandwidth" && !isControl(one) && !isRelative(one);

const rowKey = (one: Observation): string => `${placeKey(one)} ${one.transport}`;

/** Each once. */
function kindsOf(all: readonly Observation[]): string {
  const kinds = all.flatMap(({ computedBy }) => computedBy?.split("+") ?? []);
  return [...new Set(kinds)].sort().join(", ");
}

interface Tested extends Omit<Change, "p" | "finding"> {
  raw: WelchTest | null;
}

function testRow(
  key: string,
  base: readonly Observation[],
  run: readonly Observation[],
): Tested | null {
  const [first] = base;
  if (first === undefined || run.length === 0) return null;
  const { experiment, metric, sizeBytes, pairs, transport } = first;
  const [before, after] = [mediansOf(base), mediansOf(run)];
  const positive = [...before, ...after].every((value) => value > 0);
  const enough = Math.min(before.length, after.length) >= MIN_FOR_RATIO_INTERVAL;
  // The random numbers follow from the row alone: the same two runs give the same interval.
  const { interval } = positive
    ? ratioOfMedians(after, before, seededRandom(0, `compare ${key}`))
    : { interval: null };
  // Logarithms: a change is a factor, and times have a long tail to one side.
  const logs = (values: readonly number[]): number[] => values.map(Math.log);
  const raw = positive && enough ? welch(logs(after), logs(before)) : null;
  const medians = { base: medianOf(before), run: medianOf(after) };
  const ratio = medians.base === 0 ? null : medians.run / medians.base;
  const place = { experiment, metric, sizeBytes, pairs, transport, unit: UNITS[metric] };
  return { ...place, ...medians, ratio, interval, raw, computedBy: kindsOf([...base, ...run]) };
}

function judge({ metric, ratio, raw }: Tested, p: number | null): Finding {
  if (p === null || ratio === null || raw === null) return "cannot be compared";
  // Means and medians that moved in opposite ways have no direction to tell.
  if (p > ALPHA || Math.sign(Math.log(ratio)) !== Math.sign(raw.t)) return "none shown";
  return ratio < 1 === lessIsBetter(metric) ? "better" : "worse";
}

function pooledChanges(found: readonly Pooled[]): PooledChange[] {
  const adjusted = holm(found.map(({ test }) => test.p));
  return found
    .map(({ transport, sizes, test }, index): PooledChange => {
      const p = adjusted[index] ?? 1;
      const [ratio, low, high] = [test.difference, test.low, test.high].map(Math.exp) as [
        number,
        number,
        number,
      ];
      const finding = p > ALPHA ? "none shown" : ratio < 1 ? "better" : "worse";
      const interval = { low, high, coverage: CONFIDENCE };
      return { transport, sizes, ratio, interval, p, finding };
    })
    .sort((a, b) => compareTransports(a.transport, b.transport));
}

function changesOf(base: ComparedRun, run: ComparedRun) {
  const grouped = ({ observed }: ComparedRun): Map<string, Observation[]> =>
    Map.groupBy(observed.filter(isCompared), rowKey);
  const [before, after] = [grouped(base), grouped(run)];
  const rows = [...before]
    .flatMap(([key, group]) => testRow(key, group, after.get(key) ?? []) ?? [])
    .sort((a, b) => comparePlaces(a, b) || compareTransports(a.transport, b.transport));
  const raws = rows.flatMap(({ raw }) => raw?.p ?? []);
  const adjusted = holm(raws);
  let next = 0;
  const changes = rows.map((row): Change => {
    const { raw, ...rest } = row;
    const p = raw === null ? null : (adjusted[next++] ?? null);
    return { ...rest, p, finding: judge(row, p) };
  });
  return {
    changes,
    pooled: pooledChanges(pooledRoundTrips(base.observed, run.observed)),
    tested: raws.length,
    onlyBase: before.size - rows.length,
    onlyRun: after.size - rows.length,
  };
}

const shown = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "–" : canonicalJson(value);

/** Members of nested records as dotted paths. */
function flat(value: unknown, path: string): [string, string][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [[path, shown(value)]];
  }
  return Object.entries(value).flatMap(([name, member]) => flat(member, `${path}.${name}`));
}

const devicesOf = ({ gpu }: ComparedRun): string =>
  (gpu?.devices ?? [])
    .map(({ platform, name, type }) => `${platform}, ${name} (${type})`)
    .sort()
    .join("; ");

/** What computed in the rows of gpu-*: a CPU's say nothing of a GPU. */
const gpuNotesOf = (runs: readonly ComparedRun[]): string[] =>
  runs.flatMap(({ manifest, gpu }) =>
    gpu === undefined || gpu === null
      ? []
      : [`gpu-* of run ${manifest.runId}: ${gpu.note}; remotely by ${gpu.product ?? "nothing"}.`],
  );

function differencesOf(base: ComparedRun, run: ComparedRun) {
  const facts = (compared: ComparedRun): Map<string, string> => {
    const { manifest } = compared;
    const { accelerator, machine, settings, versions, builds, profile, seed } = manifest;
    return new Map([
      ["accelerator", accelerator.kind],
      ["profile", profile],
      ["seed", String(seed)],
      ...(compared.gpu ? ([["GPU's device", devicesOf(compared)]] as const) : []),
      ...flat(machine, "machine"),
      ...flat(versions, "versions"),
      ...flat(builds, "builds"),
      ...flat(settings, "settings"),
    ]);
  };
  const [before, after] = [facts(base), facts(run)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((what) => before.get(what) !== after.get(what))
    .map((what): Difference => ({
      what,
      base: shown(before.get(what)),
      run: shown(after.get(what)),
    }));
}

function warningsOf(base: ComparedRun, run: ComparedRun): string[] {
  const [a, b] = [base.manifest, run.manifest];
  const machine = (manifest: ComparedRun["manifest"]): string =>
    canonicalJson([manifest.accelerator.kind, manifest.machine]);
  const warnings: string[] = [];
  if (base.gpu && run.gpu && devicesOf(base) !== devicesOf(run)) {
    warnings.push("Different devices computed: rows of gpu-* speak of those, too.");
  }
  if (machine(a) !== machine(b)) {
    warnings.push("The runs come from different machines: the ratios speak of those, too.");
  }
  return warnings;
}

/** What changed from one run to another; each metric has its direction, of latency less is better. */
export function compareRuns(base: ComparedRun, run: ComparedRun): RunComparison {
  return {
    base: base.manifest.runId,
    run: run.manifest.runId,
    ...changesOf(base, run),
    differences: differencesOf(base, run),
    gpuNotes: gpuNotesOf([base, run]),
    warnings: warningsOf(base, run),
    shortfalls: shortfallsOf(base, run),
    verdicts: verdictRows(base.claims ?? [], run.claims ?? []),
  };
}
