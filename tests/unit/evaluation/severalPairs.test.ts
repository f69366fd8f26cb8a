import { expect, test } from "vitest";
import { observations } from "../../../evaluation/observations.ts";
import { buildPlan, renderPlan } from "../../../evaluation/plan.ts";
import { profileNamed } from "../../../evaluation/profiles.ts";
import { readSamples } from "../../../evaluation/samples.ts";
import { commonStretch, jainIndex, roundTripsWithin } from "../../../evaluation/window.ts";
import { pingPong } from "./measured.ts";
import { asFile } from "./synthetic.ts";

const MS = 1e6;
const steady = (count: number, ms: number): number[] => Array<number>(count).fill(ms * MS);

const of = async (lines: string[]) => observations((await readSamples([asFile(lines)])).samples);

test("Jain's index: 1 for equal shares, 1/n for one that has all, 0.9 for 1 and 2", () => {
  expect(jainIndex([3, 3, 3, 3])).toBe(1);
  expect(jainIndex([5, 0, 0, 0])).toBe(0.25);
  expect(jainIndex([1, 2])).toBeCloseTo(0.9, 12);
});

test("only the time when all pairs certainly ran counts, cut round trips by their part", () => {
  expect(commonStretch([400 * MS])).toEqual({ from: 0, to: 400 * MS });
  expect(commonStretch([400 * MS, 500 * MS])).toEqual({ from: 50 * MS, to: 350 * MS });
  expect(commonStretch([150 * MS, 500 * MS])).toBeNull();
  expect(roundTripsWithin(steady(4, 100), { from: 50 * MS, to: 350 * MS })).toBeCloseTo(3, 12);
});

test("scaling: aggregate, each pair, fairness and CPU time, by hand", async () => {
  const more = { experiment: "scaling", pairs: 2 };
  const cpu = { cpu_ns: { "0": 200 * MS, "1": 100 * MS, "2": 100 * MS }, cpu_window_ns: 800 * MS };
  const { observed, unused } = await of([
    // 10^6 B in half a round trip of 5 ms: 200 MB/s; the other pair 100 MB/s.
    pingPong(1, "v4v", 1_000_000, 1, steady(40, 10), { ...more, ...cpu }),
    pingPong(1, "v4v", 1_000_000, 1, steady(20, 20), { ...more, pair: "domu3:domu4" }),
  ]);
  expect(unused).toEqual([]);
  const value = (metric: string) => observed.find((one) => one.metric === metric);
  expect(value("bandwidth")).toMatchObject({ experiment: "scaling", pairs: 2 });
  expect(value("bandwidth")?.median).toBeCloseTo(300, 9);
  expect(value("pair_bandwidth")?.values.map(Math.round)).toEqual([200, 100]);
  expect(value("fairness")?.median).toBeCloseTo(0.9, 9);
  expect(value("half_rtt")?.median).toBeCloseTo(7500, 9);
  // 400 ms for 2 * (40 + 20) MB.
  expect(value("cpu_per_kb")?.median).toBeCloseTo(400e6 / 120e6, 12);
  expect(value("cpu_dom0")?.median).toBe(25);
});

test("neighbours: the first pair's latency, the others' load", async () => {
  const more = { experiment: "neighbours", pairs: 2 };
  const { observed } = await of([
    pingPong(1, "tcp", 1, 1, steady(100, 4), more),
    pingPong(1, "tcp", 524_288, 1, steady(40, 10), { ...more, pair: "domu3:domu4" }),
  ]);
  expect(observed).toMatchObject([
    { metric: "half_rtt", sizeBytes: 1, pairs: 2, median: 2000 },
    { metric: "load_bandwidth", sizeBytes: 524_288, pairs: 2 },
  ]);
});

test("a pair that failed or is missing spoils its step, and each sample says so", async () => {
  const more = { experiment: "scaling", pairs: 2 };
  const { observed, unused } = await of([
    pingPong(1, "v4v", 1, 1, steady(100, 4), more),
    pingPong(1, "v4v", 1, 1, [1], { ...more, pair: "c:d", ok: false, error: "reset" }),
    pingPong(2, "v4v", 1, 1, steady(100, 4), more),
  ]);
  expect(observed).toEqual([]);
  expect(unused.map(({ step, failed, reason }) => [step, failed, reason])).toEqual([
    [1, false, "another pair of the step failed"],
    [1, true, "reset"],
    [2, false, "1 of 2 pairs have a sample"],
  ]);
});

test("CPU cost needs CPU times, dom0's among them", async () => {
  const cpu = { experiment: "cpu-pingpong" };
  const { observed, unused } = await of([
    pingPong(1, "v4v", 500, 1, [MS, MS], {
      ...cpu,
      cpu_ns: { "0": 1000, "7": 3000 },
      cpu_window_ns: 10_000,
    }),
    pingPong(2, "v4v", 500, 1, [MS], cpu),
    pingPong(3, "v4v", 500, 1, [MS], { ...cpu, cpu_error: "no answer in time" }),
    pingPong(4, "v4v", 500, 1, [MS], { ...cpu, cpu_ns: { "1": 1 }, cpu_window_ns: 1 }),
  ]);
  expect(observed.map(({ metric, median }) => [metric, median])).toEqual([
    ["cpu_per_kb", 2],
    ["cpu_dom0", 10],
  ]);
  expect(unused.map((one) => one.reason)).toEqual([
    "no CPU times were recorded",
    "no answer in time",
    "the CPU times are without dom0's",
  ]);
});

test("quick with 16 domUs: 1, 2, 4 and 8 pairs, loads beside, both ends of AF_UNIX in one domU", () => {
  const profile = profileNamed("quick");
  if (profile === null) throw new Error("no profile quick");
  const names = Array.from({ length: 16 }, (_, index) => `domu${index + 1}`);
  const { transports } = profile;
  const plan = buildPlan({ profile, domains: names, transports, seed: 1 });
  const counts = (experiment: string) =>
    [
      ...new Set(
        plan.steps
          .filter((step) => step.experiment === experiment)
          .map((step) => step.pairs.length),
      ),
    ].sort((a, b) => a - b);
  expect(counts("scaling")).toEqual([1, 2, 4, 8]);
  expect(counts("neighbours")).toEqual([1, 8]);
  expect(counts("latency")).toEqual([1]);
  for (const step of plan.steps) {
    const ends = step.pairs.flatMap((pair) => pair.split("/")[0]?.split(":") ?? []);
    const inside = step.transport === "unix" || step.transport === "native";
    expect(new Set(ends).size).toBe(inside ? ends.length / 2 : ends.length);
    expect(step.transport === "native").toBe(step.kind === "memcpy");
  }
  const busy = plan.steps.find((step) => step.experiment === "neighbours" && step.pairs.length > 1);
  expect(busy?.pairs.slice(0, 2)).toEqual(["domu1:domu2", "domu3:domu4/524288"]);
  const described = names.map((name, index) => ({
    name,
    domid: index + 1,
    addr: `10.83.0.${index + 11}`,
    cid: index + 3,
    agent: "ssh v4v-bench agent",
  }));
  expect(renderPlan(plan, described)).toContain("domu15:domu16/524288\n");
});
