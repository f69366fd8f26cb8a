import { expect, test } from "vitest";
import { observations } from "../../../evaluation/observations.ts";
import { buildPlan, PlanError } from "../../../evaluation/plan.ts";
import { betweenHosts, isBetweenHosts, profileNamed } from "../../../evaluation/profiles.ts";
import { EXPERIMENT_NAMES } from "../../../evaluation/selection.ts";

const smoke = profileNamed("smoke");
const quick = profileNamed("quick");
if (smoke === null || quick === null) throw new Error("no profile");

const planned = (elsewhere: string[], profile = betweenHosts(smoke)) =>
  buildPlan({
    profile,
    domains: ["domu1", "domu2"],
    elsewhere,
    transports: ["tcp", "v4v"],
    seed: 1,
  });

const pairsIn = (elsewhere: string[]) => [
  ...new Set(
    planned(elsewhere)
      .steps.filter(({ experiment }) => isBetweenHosts(experiment))
      .map(({ transport, pairs }) => `${transport} ${pairs.join(" ")}`),
  ),
];

test("between two hosts it is TCP, and V4V is measured within the other one", () => {
  expect(pairsIn(["domu3", "domu4"]).sort()).toEqual(["tcp domu1:domu3", "v4v domu3:domu4"]);
});

test("a host with one domU has no pair of its own", () => {
  expect(pairsIn(["domu3"])).toEqual(["tcp domu1:domu3"]);
});

test("nothing else of the plan is measured elsewhere", () => {
  const local = planned(["domu3", "domu4"]).steps.filter(
    ({ experiment }) => !isBetweenHosts(experiment),
  );
  expect(new Set(local.flatMap(({ pairs }) => pairs))).toEqual(new Set(["domu1:domu2"]));
});

test("traffic with no peer is measured within the first host, whose domUs alone have a second address", () => {
  const { steps } = buildPlan({
    profile: betweenHosts(quick),
    domains: ["domu1", "domu2"],
    elsewhere: ["domu3", "domu4"],
    transports: ["tcp", "v4v", "tcp-v4vrun"],
    seed: 1,
  });
  const apart = steps.filter(({ pairs }) => pairs.some((pair) => pair.includes(".non-peer")));
  expect(new Set(apart.map(({ experiment }) => experiment))).toEqual(new Set(["non-peer"]));
  expect(new Set(apart.map(({ pairs }) => pairs.join(" ")))).toEqual(
    new Set(["domu1.non-peer:domu2.non-peer"]),
  );
  const between = steps.filter(({ experiment }) => isBetweenHosts(experiment));
  expect(new Set(between.map(({ transport }) => transport))).toEqual(new Set(["tcp", "v4v"]));
});

test("with one host the plan is the profile's, and its experiments have no name for this", () => {
  expect(planned([], smoke).steps.some(({ experiment }) => isBetweenHosts(experiment))).toBe(false);
  expect(pairsIn([])).toEqual([]);
  expect(EXPERIMENT_NAMES.filter(isBetweenHosts)).toEqual([]);
});

test("a domU that is said to be on both hosts is refused", () => {
  expect(() => planned(["domu2"])).toThrow(PlanError);
});

test("its round trips and streams are numbers like others", () => {
  const at = { transport: "tcp", pair: 0, pairs: 1, repetition: 1, ok: true } as const;
  const { observed, unused } = observations([
    {
      ...at,
      id: 1,
      experiment: "hosts",
      kind: "pingpong",
      size_bytes: 1,
      rtt_ns: [2000, 4000, 6000],
    },
    { ...at, id: 2, experiment: "hosts-stream", kind: "stream", size_bytes: 8, bytes: 80, ns: 40 },
  ] as unknown as Parameters<typeof observations>[0]);
  expect(unused).toEqual([]);
  expect(observed.map(({ experiment, metric, median }) => [experiment, metric, median])).toEqual([
    ["hosts", "half_rtt", 2],
    ["hosts-stream", "bandwidth", 2000],
  ]);
});
