import { observations, type Observation } from "./observations.ts";
import type { Plan, PlanStep } from "./plan.ts";
import type { SampleFile } from "./samples.ts";
import { CONFIDENCE, medianInterval, medianOf } from "./statistics.ts";
import { compareTransports } from "./transports.ts";

/** A cell is repeated until the intervals of its medians lie within that part of them. */
export const WITHIN = 0.05;

/** What is repeated together: an experiment at one size and one number of pairs, on all its transports. */
export interface Cell {
  /** Both sets of the A/A control are `control`. */
  experiment: string;
  sizeBytes: number;
  pairs: number;
}

/**
 * Why a cell was repeated so often. `precise`: every interval was close enough; `budget`: more would not have been over in
 * time; `failed`: no transport gave a number; `planned`: the plan holds no more.
 */
export type Reason = "precise" | "budget" | "failed" | "planned";

/** How far a run may go for now, and what has been decided so far. */
export interface Decision {
  /** The first so many steps of the plan may run. */
  until: number;
  /** Ids of steps that are not needed, in the plan's order. */
  skip: number[];
  /** By {@link cellKey}; a cell that is still open is not there. */
  closed: Map<string, { repetitions: number; reason: Reason }>;
}

/** The experiment as people call it: both sets of the A/A control are one. */
export const experimentName = (experiment: string): string =>
  experiment.startsWith("control-") ? "control" : experiment;

export const cellKey = ({ experiment, sizeBytes, pairs }: Cell): string =>
  JSON.stringify([experimentName(experiment), sizeBytes, pairs]);

export const cellOfStep = ({ experiment, size, pairs }: PlanStep): Cell => ({
  experiment: experimentName(experiment),
  sizeBytes: size,
  pairs: pairs.length,
});

/** The one number of a step that its repetitions are judged by; what else follows from a step comes along. */
export function isDecisive({ experiment, metric }: Observation): boolean {
  switch (experimentName(experiment)) {
    case "bandwidth":
      return false; // The ping-pong's round trips once more.
    case "scaling":
      return metric === "bandwidth";
    case "neighbours":
      return metric === "half_rtt";
    case "cpu":
    case "cpu-pingpong":
      return metric === "cpu_per_kb";
    default:
      return metric !== "net_share";
  }
}

/** How far the interval of a median reaches from it, as a part of it; infinite where there are too few values for one. */
export function deviation(values: readonly number[]): number {
  const interval = medianInterval(values);
  if (interval === null || interval.coverage < CONFIDENCE) return Infinity;
  const median = medianOf(values);
  return Math.max(interval.high - median, median - interval.low) / Math.abs(median);
}

/** The transport whose interval reaches furthest, and how far; undefined where nothing was measured. */
export function widest(
  group: readonly Observation[],
): { transport: string; deviation: number } | undefined {
  // The sets of a control are two, though their transport is one.
  const sets = Map.groupBy(group, ({ experiment, transport }) => `${experiment} ${transport}`);
  return [...sets.values()]
    .map((set) => ({
      transport: set[0]?.transport ?? "",
      deviation: deviation(set.map((one) => one.median)),
    }))
    .reduce<{ transport: string; deviation: number } | undefined>(
      (worst, one) => (worst === undefined || one.deviation > worst.deviation ? one : worst),
      undefined,
    );
}

/** The decisive numbers of a run by cell. */
export const byCell = (observed: readonly Observation[]): Map<string, Observation[]> =>
  Map.groupBy(observed.filter(isDecisive), cellKey);

/** How long a step of each cell took, ms: means. One after an interruption has the agents' start in it. */
function stepTimes(cells: ReadonlyMap<number, string>, file: SampleFile, until: number) {
  const taken = new Map<string, number[]>();
  file.steps.forEach(({ id, done, t_ms: at, skipped }, index) => {
    const key = cells.get(id);
    if (key === undefined || skipped === true || done > until) return;
    const ms = at - (file.steps[index - 1]?.t_ms ?? 0);
    taken.set(key, [...(taken.get(key) ?? []), ms]);
  });
  return new Map(
    [...taken].map(([key, all]) => [key, all.reduce((sum, ms) => sum + ms, 0) / all.length]),
  );
}

/** How long the next block of each cell takes, ms. */
type Block = ReadonlyMap<string, number>;

/** A whole block, if `leftMs` is enough for it. */
function all(block: Block, leftMs: number): ReadonlySet<string> {
  const ms = [...block.values()].reduce((sum, one) => sum + one, 0);
  return new Set(ms <= leftMs ? block.keys() : []);
}

/**
 * Cells of a block that fit into `leftMs` together: those of the experiments `first` before others, and the widest before
 * narrower ones. One that does not fit lets the next go before.
 */
function fitting(
  block: Block,
  leftMs: number,
  widths: ReadonlyMap<string, number>,
  first: ReadonlySet<string>,
): ReadonlySet<string> {
  const chosen = new Set<string>();
  let left = leftMs;
  const width = (key: string): number => widths.get(key) ?? 0;
  const byWidth = [...block].sort(([a], [b]) => {
    const difference = width(b) - width(a);
    // Both infinite.
    return Number.isNaN(difference) ? 0 : difference;
  });
  const inOrder = [true, false].flatMap((early) =>
    byWidth.filter(([key]) => first.has(key) === early),
  );
  for (const [key, ms] of inOrder) {
    if (ms > left) continue;
    chosen.add(key);
    left -= ms;
  }
  return chosen;
}

/**
 * What a run may measure, from what it has measured: a function of plan and samples alone, so that whoever goes on with
 * a run, and whoever draws it again, decides as was decided before.
 *
 * Looks are made after the plan's first `repetitions` and after each further block, and nowhere else. A look asks for
 * the width of intervals; it sees no ratio and no verdict.
 */
export function decide(plan: Plan, file: SampleFile): Decision {
  const closed: Decision["closed"] = new Map();
  const { further, repetitions, steps } = plan;
  if (further === undefined) return { until: steps.length, skip: [], closed };
  const keys = steps.map((step) => cellKey(cellOfStep(step)));
  const named = further.first?.map(String);
  const first = named && new Set(keys.filter((_, i) => named.includes(steps[i]?.experiment ?? "")));
  const keyOf = new Map(steps.map(({ id }, i) => [id, keys[i] ?? ""]));
  const done = file.progress?.done ?? 0;
  const stepsWithin = (repetition: number): number =>
    steps.findIndex((step) => step.repetition > repetition);
  const result = (until: number): Decision => ({
    until,
    skip: steps
      .filter((step, i) => step.repetition > (closed.get(keys[i] ?? "")?.repetitions ?? Infinity))
      .map(({ id }) => id),
    closed,
  });

  let cells: Map<string, Observation[]> | undefined;
  for (let look = repetitions; look < further.most; look += further.block) {
    const until = stepsWithin(look);
    if (until < 0) break;
    if (done < until) return result(until);
    cells ??= byCell(observations(file.samples).observed);
    const open = new Set(keys.slice(until).filter((key) => !closed.has(key)));
    const widths = new Map<string, number>();
    for (const key of open) {
      const seen = (cells.get(key) ?? []).filter((one) => one.repetition <= look);
      const worst = widest(seen);
      widths.set(key, worst?.deviation ?? 0);
      if (worst !== undefined && worst.deviation > WITHIN) continue;
      closed.set(key, { repetitions: look, reason: worst === undefined ? "failed" : "precise" });
      open.delete(key);
    }
    const times = stepTimes(keyOf, file, until);
    const next = steps.findIndex((step) => step.repetition > look + further.block);
    const block = new Map([...open].map((key) => [key, 0]));
    for (const key of keys.slice(until, next < 0 ? undefined : next)) {
      const ms = block.get(key);
      if (ms !== undefined) block.set(key, ms + (times.get(key) ?? 0));
    }
    const spent = file.steps.findLast((record) => record.done <= until)?.t_ms ?? 0;
    const left = further.budgetS * 1000 - spent;
    const goOn = first === undefined ? all(block, left) : fitting(block, left, widths, first);
    for (const key of open) {
      if (!goOn.has(key)) closed.set(key, { repetitions: look, reason: "budget" });
    }
    if (keys.slice(until).every((key) => closed.has(key))) break;
  }
  return result(steps.length);
}

/** A decision as `v4v-bench drive --gate` reads it (benchmarks/v4v-bench/gate.h). */
export const renderGate = ({ until, skip }: Decision): string =>
  ["v4v-bench-gate 1", `until ${until}`, ...skip.map((id) => `skip ${id}`), ""].join("\n");

/** What became of a cell. */
export interface CellEnd extends Cell {
  transports: string[];
  /** Repetitions that were measured. */
  repetitions: number;
  /** See {@link widest}; null where no interval can be given. */
  deviation: number | null;
  /** The transport that is about. */
  widest: string | null;
  /** null: the run was cut short. */
  reason: Reason | null;
}

const compareCells = (a: Cell, b: Cell): number =>
  (a.experiment < b.experiment ? -1 : a.experiment > b.experiment ? 1 : 0) ||
  a.sizeBytes - b.sizeBytes ||
  a.pairs - b.pairs;

/** Every cell of a run, how often it was repeated, and why not more often. */
export function cellEnds(
  plan: Plan,
  file: SampleFile,
  observed: readonly Observation[],
): CellEnd[] {
  const { closed } = decide(plan, file);
  const measured = byCell(observed);
  const records = new Map(file.steps.map((record) => [record.id, record]));
  const cells = Map.groupBy(
    plan.steps.map((step) => ({ step, record: records.get(step.id) })),
    ({ step }) => cellKey(cellOfStep(step)),
  );
  const ends = [...cells].flatMap(([key, all]): CellEnd[] => {
    const [first] = all;
    if (first === undefined) return [];
    const ran = all.filter(({ record }) => record !== undefined && record.skipped !== true);
    const worst = widest(measured.get(key) ?? []);
    const whole = all.every(({ record }) => record !== undefined);
    const end: CellEnd = {
      ...cellOfStep(first.step),
      transports: [...new Set(all.map(({ step }) => step.transport))].sort(compareTransports),
      repetitions: new Set(ran.map(({ step }) => step.repetition)).size,
      deviation: worst === undefined || !Number.isFinite(worst.deviation) ? null : worst.deviation,
      widest: worst?.transport ?? null,
      reason: closed.get(key)?.reason ?? (whole ? "planned" : null),
    };
    return [end];
  });
  return ends.sort(compareCells);
}
