import { describe, expect, test } from "vitest";
import {
  cellEnds,
  decide,
  deviation,
  renderGate,
  WITHIN,
  type Reason,
} from "../../../evaluation/adaptive.ts";
import { observations } from "../../../evaluation/observations.ts";
import { buildPlan, type Plan, type PlanStep } from "../../../evaluation/plan.ts";
import { profileNamed, type Further, type ProfilePoint } from "../../../evaluation/profiles.ts";
import { seededRandom } from "../../../evaluation/random.ts";
import { readSamples } from "../../../evaluation/samples.ts";
import { medianInterval } from "../../../evaluation/statistics.ts";
import { driven, type Measure } from "./driven.ts";
import { syntheticLines, smokePlan, asFile } from "./synthetic.ts";

const pingPong = (size: number, more: Partial<ProfilePoint> = {}): ProfilePoint => ({
  ...{ experiment: "latency", kind: "pingpong", size, warmup: 0, count: 1, budgetMs: 10 },
  ...more,
});

function planOf(points: ProfilePoint[], further?: Partial<Further>, repetitions = 6): Plan {
  const profile = {
    ...{ name: "any", description: "", repetitions, transports: ["tcp", "v4v"] as const, points },
    further: { most: 15, block: 3, budgetS: 1000, ...further },
  };
  return buildPlan({ profile, domains: ["domu1", "domu2"], transports: ["tcp", "v4v"], seed: 3 });
}

/** Within 1% of 100 at one size, from 50 to 150 at all others. */
const noisyBut =
  (quiet: number): Measure =>
  ({ size, id }) =>
    100 * (1 + (size === quiet ? 0.01 : 0.5) * Math.sin(7 * id));

const ends = (plan: Plan, run: ReturnType<typeof driven>) =>
  cellEnds(plan, run.file, observations(run.file.samples).observed);

/** Size to repetitions and reason. */
const outcome = (
  plan: Plan,
  run: ReturnType<typeof driven>,
): Record<number, [number, Reason | null]> =>
  Object.fromEntries(ends(plan, run).map((one) => [one.sizeBytes, [one.repetitions, one.reason]]));

describe("a cell", () => {
  test("ends when its intervals are close enough; the others go on to the most", () => {
    const plan = planOf([pingPong(1), pingPong(64)]);
    const run = driven(plan, noisyBut(64));
    expect(outcome(plan, run)).toEqual({ 1: [15, "planned"], 64: [6, "precise"] });
    expect(run.file.end).not.toBeNull();
  });

  test("goes on while one of its transports is not: all are repeated alike", () => {
    const plan = planOf([pingPong(1)]);
    const oneNoisy: Measure = (step) =>
      step.transport === "v4v" ? (noisyBut(0)(step) ?? 0) : 100 + (step.id % 3) / 10;
    const run = driven(plan, oneNoisy);
    expect(outcome(plan, run)).toEqual({ 1: [15, "planned"] });
    const counts = Map.groupBy(run.file.samples, ({ transport }) => transport);
    expect([...counts.values()].map((all) => all.length)).toEqual([15, 15]);
    const [cell] = ends(plan, run);
    expect(cell?.widest).toBe("v4v");
    expect(cell?.deviation).toBeGreaterThan(WITHIN);
  });

  test("has both sets of the A/A control, which end together", () => {
    const control = (experiment: "control-a" | "control-b") =>
      pingPong(1, { experiment, transports: ["tcp"] });
    const plan = planOf([control("control-a"), control("control-b")]);
    const oneNoisy: Measure = (step) =>
      step.experiment === "control-b" ? noisyBut(0)(step) : 100 + (step.id % 3) / 10;
    const run = driven(plan, oneNoisy);
    expect(ends(plan, run)).toMatchObject([
      { experiment: "control", repetitions: 15, reason: "planned" },
    ]);
  });

  test("without any number ends at the first look; a transport that always fails holds nobody up", () => {
    const plan = planOf([pingPong(1), pingPong(64)]);
    const run = driven(plan, ({ size, transport }) =>
      size === 1 || transport === "v4v" ? null : 100,
    );
    expect(outcome(plan, run)).toEqual({ 1: [6, "failed"], 64: [6, "precise"] });
  });

  test("with fewer repetitions of its own has these", () => {
    const plan = planOf([pingPong(1), pingPong(64, { repetitions: 6 })]);
    const run = driven(plan, noisyBut(0));
    expect(outcome(plan, run)).toEqual({ 1: [15, "planned"], 64: [6, "planned"] });
  });

  test("with too few values for a 95% interval is never precise", () => {
    expect(deviation([1, 1, 1, 1, 1])).toBe(Infinity);
    expect(deviation([1, 1, 1, 1, 1, 1])).toBe(0);
    const plan = planOf([pingPong(1)], { most: 9, block: 3 }, 3);
    expect(
      outcome(
        plan,
        driven(plan, () => 100),
      ),
    ).toEqual({ 1: [6, "precise"] });
  });
});

test("how far an interval reaches is its farther end's distance, as a part of the median", () => {
  // Median 105, whole range of six: 90 to 108.
  expect(deviation([100, 104, 106, 108, 90, 107])).toBeCloseTo(15 / 105, 12);
});

describe("the budget", () => {
  test("ends all that is open at a look from which another block would go beyond it", () => {
    const plan = planOf([pingPong(1), pingPong(64)], { budgetS: 5.1 });
    // 6 repetitions: 24 steps of 100 ms; another block of the noisy cell: 6 steps more.
    const run = driven(plan, noisyBut(64), () => 100);
    expect(outcome(plan, run)).toEqual({ 1: [15, "planned"], 64: [6, "precise"] });
    const tight = planOf([pingPong(1), pingPong(64)], { budgetS: 3.5 });
    const shorter = driven(tight, noisyBut(64), () => 100);
    // 2.4 s, then 0.6 s a block: 3.0 s fit, 3.6 s do not.
    expect(outcome(tight, shorter)).toEqual({ 1: [9, "budget"], 64: [6, "precise"] });
  });

  test("knows what a cell's own steps take", () => {
    const plan = planOf([pingPong(1), pingPong(64)], { budgetS: 13.5 });
    // The noisy cell takes 1 s a step: 6 repetitions 12 s and 0.12 s; a block of it would be 6 s.
    const slow = (step: PlanStep) => (step.size === 1 ? 1000 : 10);
    expect(outcome(plan, driven(plan, noisyBut(64), slow))).toEqual({
      1: [6, "budget"],
      64: [6, "precise"],
    });
    // With the quick one noisy there is time for it.
    expect(outcome(plan, driven(plan, noisyBut(1), slow))).toEqual({
      1: [6, "precise"],
      64: [15, "planned"],
    });
  });

  test("goes to the widest where it is too short for all, as far as it reaches", () => {
    const spread =
      (widest: number): Measure =>
      ({ size, id }) =>
        100 * (1 + (size === widest ? 0.9 : 0.5) * Math.sin(7 * id));
    // 6 repetitions of three cells: 36 steps of 100 ms; a block of one cell: 6 steps more.
    const points = [pingPong(1), pingPong(64), pingPong(256)];
    const plan = planOf(points, { budgetS: 4.9, first: [] });
    for (const wide of [1, 64, 256]) {
      const run = driven(plan, spread(wide), () => 100);
      const cells = outcome(plan, run);
      expect(cells[wide]).toEqual([9, "budget"]);
      // There is time for one of the others, too.
      expect(
        Object.values(cells)
          .map(([n]) => n)
          .sort(),
      ).toEqual([6, 9, 9]);
      const skipped = run.file.steps.filter((one) => one.skipped === true).map(({ id }) => id);
      expect(decide(plan, run.file).skip).toEqual(skipped);
    }
    const asBefore = planOf(points, { budgetS: 4.9 });
    expect(
      outcome(
        asBefore,
        driven(asBefore, spread(1), () => 100),
      ),
    ).toEqual({
      1: [6, "budget"],
      64: [6, "budget"],
      256: [6, "budget"],
    });
  });

  test("goes before that to the experiments that the profile names", () => {
    const preferred = pingPong(256, { experiment: "non-peer" });
    const points = [pingPong(1), pingPong(64), preferred];
    const plan = planOf(points, { budgetS: 4.4, first: ["non-peer"] });
    // All but the widest.
    const narrow: Measure = ({ size, id }) =>
      100 * (1 + (size === 256 ? 0.1 : 0.9) * Math.sin(7 * id));
    expect(
      outcome(
        plan,
        driven(plan, narrow, () => 100),
      ),
    ).toEqual({
      1: [6, "budget"],
      64: [6, "budget"],
      256: [9, "budget"],
    });
  });

  test("that holds no block of the widest goes to a quicker one", () => {
    const plan = planOf([pingPong(1), pingPong(64)], { budgetS: 14, first: [] });
    // 1 s a step of the widest, 10 ms of the other: 12.12 s, then 6 s or 0.06 s.
    const run = driven(
      plan,
      ({ size, id }) => 100 * (1 + (size === 1 ? 0.9 : 0.5) * Math.sin(7 * id)),
      ({ size }) => (size === 1 ? 1000 : 10),
    );
    expect(outcome(plan, run)).toEqual({ 1: [6, "budget"], 64: [15, "planned"] });
  });

  test("is no reason to leave out what is made in any case", () => {
    const plan = planOf([pingPong(1)], { budgetS: 1 });
    expect(
      outcome(
        plan,
        driven(plan, noisyBut(0), () => 10_000),
      ),
    ).toEqual({ 1: [6, "budget"] });
  });
});

describe("looks", () => {
  test("are made after the first repetitions and after each block, and nowhere else", () => {
    const plan = planOf([pingPong(1)]);
    const perRepetition = 2;
    expect(driven(plan, noisyBut(0)).untils).toEqual([6, 9, 12, 15].map((n) => n * perRepetition));
  });

  test("come to nothing more once all is decided: the rest is left out in one go", () => {
    const plan = planOf([pingPong(1)]);
    const run = driven(plan, () => 100);
    expect(run.untils).toEqual([12, 30]);
    expect(run.file.steps.filter(({ skipped }) => skipped === true)).toHaveLength(18);
  });

  test("decide the same from a whole run's file as they did on the way", () => {
    const plan = planOf([pingPong(1), pingPong(64), pingPong(256)], { budgetS: 5 });
    const run = driven(plan, noisyBut(256));
    const skipped = run.file.steps.filter((one) => one.skipped === true).map(({ id }) => id);
    expect(skipped.length).toBeGreaterThan(0);
    expect(decide(plan, run.file).skip).toEqual(skipped);
  });

  test("judge by what there was at that time, also when they are made again later", () => {
    // One outlier widens the range of six; of nine values the interval leaves out the outermost.
    const once: Measure = ({ repetition }) => (repetition === 2 ? 200 : 100);
    const plan = planOf([pingPong(1)]);
    const run = driven(plan, once);
    expect(run.untils).toEqual([12, 18, 30]);
    expect(outcome(plan, run)).toEqual({ 1: [9, "precise"] });
    const skipped = run.file.steps.filter((one) => one.skipped === true).map(({ id }) => id);
    expect(decide(plan, run.file).skip).toEqual(skipped);
  });

  test.each([
    ["", 2, { budgetS: 4.5 }],
    [", also where only a part of a block fits", 3, { budgetS: 5.5, first: [] }],
  ])(
    "that a cut run had made are made again: wherever it is cut, it goes on as it would have%s",
    async (_, cells, further) => {
      const points = [pingPong(1), pingPong(64), pingPong(256)];
      const plan = planOf(points.slice(0, cells), further);
      const whole = driven(plan, noisyBut(64), () => 100);
      const lines = whole.text.split("\n").slice(0, -1);
      for (let kept = 1; kept <= lines.length; kept++) {
        const cut = await readSamples([asFile(lines.slice(0, kept))]);
        const { until, skip } = decide(plan, cut);
        const done = cut.progress?.done ?? 0;
        const next = whole.file.steps[done];
        if (next === undefined) continue;
        expect([kept, until > done]).toEqual([kept, true]);
        expect([kept, skip.includes(next.id)]).toEqual([kept, next.skipped === true]);
      }
    },
  );
});

test("a plan with a fixed number of repetitions runs to its end, and every cell says so", async () => {
  const plan = smokePlan();
  expect(plan.further).toBeUndefined();
  const file = await readSamples([asFile(syntheticLines(plan))]);
  expect(renderGate(decide(plan, file))).toBe(`v4v-bench-gate 1\nuntil ${plan.steps.length}\n`);
  const all = cellEnds(plan, file, observations(file.samples).observed);
  expect(all).toHaveLength(14);
  expect(all.every(({ repetitions, reason }) => repetitions === 6 && reason === "planned")).toBe(
    true,
  );
});

test("a run that was cut short says so of the cells that were still open", () => {
  const plan = planOf([pingPong(1), pingPong(64)]);
  const stopped = driven(plan, noisyBut(64), undefined, 26);
  expect(outcome(plan, stopped)).toEqual({ 1: [7, null], 64: [6, "precise"] });
});

test.each(["quick", "paper", "full"])(
  "%s looks only where an interval has little more than 95 percent to give",
  (name) => {
    const profile = profileNamed(name);
    if (profile?.further === undefined) throw new Error(`${name} does not adapt`);
    const { most, block } = profile.further;
    expect((most - profile.repetitions) % block).toBe(0);
    for (let n = profile.repetitions; n <= most; n += block) {
      const interval = medianInterval(Array.from({ length: n }, (_, i) => i));
      expect(interval?.coverage).toBeGreaterThanOrEqual(0.95);
      expect(interval?.coverage).toBeLessThan(0.985);
    }
  },
);

test("an interval at the stop covers the median about as often as it says, over all cells", () => {
  // What docs/evaluation.md tells of: log-normal repetitions, quick's looks.
  const random = seededRandom(1, "coverage at the stop");
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  for (const spread of [0.02, 0.06, 0.1, 0.3]) {
    let covered = 0;
    const runs = 1000;
    for (let run = 0; run < runs; run++) {
      const values: number[] = [];
      for (let n = 6; n <= 24; n += 3) {
        while (values.length < n) values.push(Math.exp(spread * normal()));
        if (deviation(values) <= WITHIN) break;
      }
      const interval = medianInterval(values);
      if (interval !== null && interval.low <= 1 && interval.high >= 1) covered++;
    }
    expect([spread, covered / runs > 0.93, covered / runs < 0.99]).toEqual([spread, true, true]);
  }
});
