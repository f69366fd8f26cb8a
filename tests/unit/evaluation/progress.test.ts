import { expect, test } from "vitest";
import { buildPlan } from "../../../evaluation/plan.ts";
import type { ProfilePoint } from "../../../evaluation/profiles.ts";
import { Progress } from "../../../evaluation/progress.ts";
import { SamplesReader } from "../../../evaluation/samples.ts";
import { driven, endLine, type Measure } from "./driven.ts";
import { syntheticLines, smokePlan, asFile } from "./synthetic.ts";

const point = (experiment: "latency" | "stream", size: number): ProfilePoint => ({
  ...{ experiment, kind: experiment === "stream" ? "stream" : "pingpong", size },
  ...{ warmup: 0, count: 1, budgetMs: 10 },
});

const adaptive = buildPlan({
  profile: {
    ...{ name: "any", description: "", repetitions: 6, transports: ["v4v"] },
    points: [point("latency", 65_536), point("stream", 1 << 20)],
    further: { most: 12, block: 3, budgetS: 300 },
  },
  domains: ["domu1", "domu2"],
  transports: ["v4v"],
  seed: 1,
});

/** The lines after so many steps. */
function linesAfter(
  steps: number,
  measure: Measure = ({ kind }) => (kind === "stream" ? 50 : 812),
) {
  const { file } = driven(adaptive, measure, () => 1000, steps);
  return new Progress(adaptive, file).lines(file).sort();
}

test("before the first step it says what there is to do", () => {
  expect(linesAfter(0)).toEqual([
    "latency: 0 of 6 steps measured, 6 left before the next look",
    "stream: 0 of 6 steps measured, 6 left before the next look",
  ]);
});

test("an experiment's line has steps done and left, its current figure and the time left", () => {
  const [first, second] = linesAfter(8);
  expect(first).toMatch(
    /^latency: (\d) of 6 steps measured, \d left before the next look; V4V 64 KiB: 812 us; at most 5 min for all$/,
  );
  expect(second).toMatch(
    /^stream: \d of 6 steps measured, \d left before the next look; V4V 1 MiB: 50.0 MB\/s; at most 5 min for all$/,
  );
  const counts = [first, second].map((text) => Number(/(\d) of/.exec(text ?? "")?.[1]));
  expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(8);
});

test("an experiment that is over has no line; what is decided gives a time", () => {
  const noisyStream: Measure = ({ kind, id }) => (kind === "stream" ? 50 + 20 * Math.sin(id) : 812);
  // 12 steps, then the stream alone: 3 a look; the look after 9 repetitions leads to the last block.
  expect(linesAfter(13, noisyStream)).toEqual([
    expect.stringMatching(/^stream: \d of 9 steps measured, [23] left before the next look; /),
  ]);
  const last = driven(adaptive, noisyStream, () => 1000, 19);
  const progress = new Progress(adaptive, last.file);
  expect(progress.decision.until).toBe(24);
  expect(progress.lines(last.file)[0]).toMatch(/ left; V4V 1 MiB: .*; about \d s for all$/);
});

test("the current figure is the last whole step's, also where a look falls into the middle of one", () => {
  const plan = smokePlan();
  const lines = syntheticLines(plan);
  const reader = new SamplesReader();
  const progress = new Progress(plan, reader.file);
  const seen: string[] = [];
  // A start line, then two lines a step; cut in the middle of each step.
  reader.push(asFile(lines.slice(0, 2)));
  for (let step = 1; step <= 5; step++) {
    progress.update(reader.file);
    seen.push(progress.lines(reader.file).join("\n"));
    reader.push(asFile(lines.slice(2 * step, 2 * step + 2)));
  }
  expect(seen[0]).not.toMatch(/TCP|V4V/);
  for (const [index, text] of seen.entries()) {
    expect(text).toContain(`of 132 steps measured`);
    const done = [...text.matchAll(/(\d+) of/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    expect(done).toBe(index);
  }
  const second = plan.steps[1];
  if (second === undefined) throw new Error("no step");
  expect(seen[2]).toContain(second.transport === "tcp" ? "TCP" : "V4V");
});

test("an unfinished run that is over has nothing to say", () => {
  const whole = driven(adaptive, () => 100);
  expect(whole.text.endsWith(endLine())).toBe(true);
  expect(new Progress(adaptive, whole.file).lines(whole.file)).toEqual([]);
});
