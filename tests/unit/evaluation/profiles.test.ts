import { expect, test } from "vitest";
import {
  EMULATED,
  estimate,
  estimateMostSeconds,
  estimateSeconds,
  type MachineModel,
} from "../../../evaluation/estimate.ts";
import { buildPlan } from "../../../evaluation/plan.ts";
import { pairsOf } from "../../../evaluation/pairs.ts";
import {
  ProfileError,
  profileNamed,
  PROFILES,
  type Profile,
} from "../../../evaluation/profiles.ts";
import { needsV4v } from "../../../evaluation/transports.ts";

function smoke(): Profile {
  const profile = profileNamed("smoke");
  if (profile === null) throw new Error("no profile smoke");
  return profile;
}

test("smoke covers 1 B to 4 MiB by ping-pong, the poster's sizes among them, and streams", () => {
  const sizes = (kind: string): number[] =>
    smoke()
      .points.filter((point) => point.kind === kind)
      .map((point) => point.size);
  expect(sizes("pingpong")).toEqual([
    1, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304,
  ]);
  expect(sizes("stream")).toEqual([4096, 65_536, 1_048_576]);
  expect(smoke().repetitions).toBeGreaterThanOrEqual(6);
});

test("smoke is planned to take at most 80 s under emulation", () => {
  expect(estimateSeconds(smoke(), ["tcp", "v4v"])).toBeLessThanOrEqual(80);
});

test("the estimate adds up what a step does", () => {
  const profile: Profile = {
    name: "one",
    description: "",
    repetitions: 3,
    transports: ["tcp"],
    points: [
      { experiment: "latency", kind: "pingpong", size: 1, warmup: 4, count: 10, budgetMs: 1000 },
      { experiment: "latency", kind: "pingpong", size: 1e6, warmup: 0, count: 1000, budgetMs: 100 },
      { experiment: "stream", kind: "stream", size: 1_000_000, warmup: 1, count: 0, budgetMs: 50 },
    ],
  };
  const model: MachineModel = {
    stepOverheadMs: 7,
    pairOverheadMs: 0,
    domUOverheadMs: 0,
    runOverheadMs: 1000,
    agentMs: 0,
    transports: { ...EMULATED.transports, tcp: { roundTripMs: 2, bandwidth: 100 } },
  };
  const small = (4 + 1 + 10) * 2.00002;
  // Round trip 2 + 20 ms; the one under way when the budget ends is finished.
  const large = 22 + 100 + 22;
  // 1 MB warm-up, 8 MiB under way, 4 MiB verification at 100 MB/s.
  const stream = 50 + (1e6 + 12 * 1024 * 1024) / 1e5;
  const expected = 1000 + 3 * (3 * 7 + small + large + stream);
  expect(estimateSeconds(profile, ["tcp"], model)).toBeCloseTo(expected / 1000, 9);
  expect(estimateSeconds(profile, ["tcp", "tcp"], model)).toBeCloseTo(
    (2 * expected - 1000) / 1000,
    9,
  );
});

const quick = profileNamed("quick") ?? smoke();

test.each([2, 4, 8])("quick is planned to take at most 10 minutes with %d domUs", (domUs) => {
  const { seconds, mostSeconds } = estimate(quick, quick.transports, domUs);
  expect(mostSeconds).toBeLessThanOrEqual(600);
  // There is time for more than the first repetitions.
  expect(seconds).toBeLessThan(0.85 * mostSeconds);
  expect(quick.repetitions).toBeGreaterThanOrEqual(6);
  expect(quick.further?.most).toBeGreaterThanOrEqual(20);
});

test("with 16 domUs quick's first six repetitions take what they took, all of its budget", () => {
  // Run 20261128T182604Z-quick-63f80f, which had no `non-peer`.
  const then = { ...quick, points: quick.points.filter((point) => point.nonPeer !== true) };
  const { steps, seconds } = estimate(then, quick.transports, 16);
  expect(steps).toBe(624);
  expect(Math.abs(seconds / 577 - 1)).toBeLessThan(0.05);
  expect(estimate(quick, quick.transports, 16).mostSeconds).toBeLessThanOrEqual(600);
});

test.each([2, 4, 16])("the estimate counts the steps of the plan with %d domUs", (domUs) => {
  const domains = Array.from({ length: domUs }, (_, index) => `domu${index + 1}`);
  for (const profile of PROFILES) {
    const { transports } = profile;
    const plan = buildPlan({ profile, domains, transports: [...transports], seed: 1 });
    const { steps, mostSteps, parts } = estimate(profile, transports, domUs);
    expect(mostSteps).toBe(plan.steps.length);
    expect(steps).toBe(
      plan.steps.filter(({ repetition }) => repetition <= plan.repetitions).length,
    );
    expect(parts.reduce((sum, part) => sum + part.steps, 0)).toBe(steps);
  }
});

test("smoke makes the same repetitions in any case, and takes what they take", () => {
  expect(smoke().further).toBeUndefined();
  expect(estimateMostSeconds(smoke(), ["tcp", "v4v"])).toBe(
    estimateSeconds(smoke(), ["tcp", "v4v"]),
  );
});

test("the most that an adaptive profile takes is its budget, or all that it holds", () => {
  const profile: Profile = {
    ...{ name: "one", description: "", repetitions: 6, transports: ["tcp"] },
    points: smoke().points,
  };
  const least = estimateSeconds(profile, ["tcp"]);
  const most = (budgetS: number) =>
    estimateMostSeconds({ ...profile, further: { most: 12, block: 3, budgetS } }, ["tcp"]);
  // Two looks of 2 s.
  expect(most(1)).toBe(least + 4);
  expect(most(least + 10)).toBe(least + 14);
  expect(most(1e6)).toBeGreaterThan(1.7 * least);
  expect(most(1e6)).toBeLessThan(2 * least + 4);
});

test.each(["v4v-sockets", "vchan", "tcp-stock"] as const)(
  "quick measures %s at a few sizes, paper and full at all, smoke not at all",
  (transport) => {
    const sizes = (name: string, experiment: string): number[] => {
      const { points, transports } = profileNamed(name) ?? { points: [], transports: [] };
      return points
        .filter((point) => point.experiment === experiment)
        .filter((point) => (point.transports ?? transports).includes(transport))
        .map((point) => point.size);
    };
    expect(sizes("quick", "latency")).toEqual([1, 4096, 65_536, 1_048_576]);
    expect(sizes("quick", "stream")).toContain(65_536);
    expect(sizes("paper", "latency").length).toBeGreaterThan(20);
    expect(sizes("full", "latency")).toEqual(sizes("paper", "latency"));
    expect(sizes("smoke", "latency")).toEqual([]);
  },
);

test("vchan is measured where it can be: round trips and streams between two domUs", () => {
  for (const { points, transports } of PROFILES) {
    const on = points.filter((point) =>
      (point.transports ?? transports).some((one) => one === "vchan"),
    );
    expect(on.filter(({ kind }) => kind !== "pingpong" && kind !== "stream")).toEqual([]);
  }
  expect(needsV4v("vchan")).toBe(false);
  expect(pairsOf(["domu1", "domu2"], 1, "vchan", undefined)).toEqual(["domu1:domu2"]);
});

test("quick, paper and full run unmodified programs over TCP and under v4vrun, Redis over AF_UNIX too", () => {
  for (const name of ["quick", "paper", "full"]) {
    const points = profileNamed(name)?.points ?? [];
    const of = (kind: string) => points.filter((point) => point.kind === kind);
    expect(of("iperf3").map(({ transports }) => transports)).toEqual([["tcp", "v4v-sockets"]]);
    expect(of("redis-get").map(({ transports }) => transports)).toEqual([
      ["tcp", "v4v-sockets", "unix"],
    ]);
    expect(of("connect").map(({ transports }) => transports)).toEqual([
      ["tcp", "v4v", "v4v-sockets"],
    ]);
    // What iperf3 is measured by.
    const size = of("iperf3")[0]?.size;
    expect(of("stream").some((point) => point.size === size)).toBe(true);
  }
  expect(smoke().points.every(({ kind }) => kind === "pingpong" || kind === "stream")).toBe(true);
});

test("none means no evaluation; what is not there is refused with what there is", () => {
  expect(profileNamed("none")).toBeNull();
  expect(() => profileNamed("smoek")).toThrow(
    /"smoek" does not exist; available: none, smoke, quick, paper, full$/,
  );
  expect(() => profileNamed("toString")).toThrow(ProfileError);
});
