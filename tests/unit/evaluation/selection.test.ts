import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { settings } from "../../../config/settings.ts";
import { buildPlan } from "../../../evaluation/plan.ts";
import { profileNamed, type Profile } from "../../../evaluation/profiles.ts";
import {
  EXPERIMENT_NAMES,
  SelectionError,
  selectionWords,
  specialise,
  WHOLE_PROFILE,
  type Selection,
} from "../../../evaluation/selection.ts";
import { TRANSPORTS } from "../../../evaluation/transports.ts";

function named(name: string): Profile {
  const profile = profileNamed(name);
  if (profile === null) throw new Error(`no profile ${name}`);
  return profile;
}

const selected = (name: string, selection: Partial<Selection>, domUs = 4): Profile =>
  specialise(named(name), { ...WHOLE_PROFILE, ...selection }, domUs);

function problems(name: string, selection: Partial<Selection>, domUs = 4): string[] {
  try {
    selected(name, selection, domUs);
  } catch (error) {
    if (error instanceof SelectionError)
      return error.problems.map(({ member, problem }) => `${member}: ${problem}`);
    throw error;
  }
  return [];
}

const planOf = (profile: Profile, domUs = 4) =>
  buildPlan({
    profile,
    domains: Array.from({ length: domUs }, (_, i) => `domu${i + 1}`),
    transports: profile.transports,
    seed: 1,
  });

const experimentsOf = (profile: Profile) => [
  ...new Set(planOf(profile).steps.map(({ experiment }) => experiment)),
];

test.each(["smoke", "quick", "paper", "full"])("nothing chosen is profile %s as it is", (name) => {
  expect(selected(name, {})).toEqual(named(name));
  expect(selectionWords(WHOLE_PROFILE)).toEqual([]);
});

describe("experiments", () => {
  test("are measured alone, in the order of the profile", () => {
    const quick = selected("quick", { experiments: "connect, latency" });
    expect(experimentsOf(quick).sort()).toEqual(["connect", "latency"]);
    expect(quick.points).toEqual(
      named("quick").points.filter(({ experiment }) => /^(latency|connect)$/.test(experiment)),
    );
  });

  test("can each be measured by its name", () => {
    for (const name of EXPERIMENT_NAMES) {
      const found = experimentsOf(selected("quick", { experiments: name }));
      expect(found.sort()).toEqual(name === "control" ? ["control-a", "control-b"] : [name]);
    }
  });

  test("bandwidth is made of what latency measures", () => {
    expect(experimentsOf(selected("smoke", { experiments: "bandwidth" }))).toEqual(["latency"]);
  });

  test.each([
    ["latncy", /no experiment "latncy"; did you mean latency\? There are latency, stream, connect/],
    ["app-redis", /did you mean apps-redis-get\?/],
    ["Latency", /did you mean latency\?/],
    ["scale", /did you mean scaling\?/],
    ["cpu_pingpong", /did you mean cpu-pingpong\?/],
    ["control-a", /did you mean control\?/],
  ])("%s is unknown, and the nearest is named", (name, message) => {
    const found = problems("quick", { experiments: name });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  test("that the profile has not are refused with the profiles that have them", () => {
    expect(problems("smoke", { experiments: "latency,connect" })).toEqual([
      "experiments: profile smoke does not measure connect; quick, paper, full do (evaluation.profile)",
    ]);
  });

  test("all stands alone, and nothing is no choice", () => {
    expect(problems("quick", { experiments: "all,latency" })[0]).toMatch(/all goes with no other/);
    expect(problems("quick", { experiments: " , " })[0]).toMatch(
      /none is named; allowed is all, or/,
    );
  });
});

describe("sizes", () => {
  test("take the place of the profile's, for what has a size to choose", () => {
    const quick = selected("quick", { sizes: "2,64KiB,1MiB,64KiB" });
    const sizes = (experiment: string) =>
      quick.points.filter((one) => one.experiment === experiment).map(({ size }) => size);
    for (const experiment of ["latency", "stream", "memcpy", "scaling", "cpu", "control-b"])
      expect([experiment, sizes(experiment)]).toEqual([experiment, [2, 65_536, 1_048_576]]);
    expect([sizes("connect"), sizes("apps-redis-get"), sizes("apps-iperf3")]).toEqual([
      [1],
      [3],
      [131_072],
    ]);
  });

  test("have warm-up and budget of the nearest one, and all transports of their experiment", () => {
    const [point] = selected("quick", { experiments: "latency", sizes: "2MiB" }).points;
    const near = named("quick").points.find(({ size }) => size === 1 << 20);
    expect(point).toEqual({ ...near, size: 2 << 20 });
    const [dense] = selected("quick", { experiments: "latency", sizes: "2KiB" }).points;
    expect(named("quick").points.find(({ size }) => size === 2048)?.transports).toHaveLength(2);
    expect(dense?.transports).toBeUndefined();
  });

  test("leave what an experiment is measured on as it is", () => {
    const steps = planOf(selected("quick", { sizes: "2KiB" })).steps;
    const on = (experiment: string) =>
      [
        ...new Set(
          steps.filter((step) => step.experiment === experiment).map(({ transport }) => transport),
        ),
      ].sort();
    expect(on("memcpy")).toEqual(["native"]);
    expect(on("cpu")).toEqual(["tcp", "v4v"]);
    expect(on("latency")).toEqual(["tcp", "tcp-stock", "unix", "v4v", "v4v-sockets", "vchan"]);
  });

  test.each(["0", "17MiB", "64K", "64 kib", "-1", "1.5", "", "1,,x"])("%j is none", (sizes) => {
    expect(problems("smoke", { sizes })[0]).toMatch(
      /^sizes: .* is no size; allowed is profile, or/,
    );
  });

  test("are refused where nothing has one", () => {
    expect(problems("quick", { experiments: "connect,apps-iperf3", sizes: "64" })).toEqual([
      "sizes: connect, apps-iperf3: the size of these cannot be chosen",
    ]);
  });
});

describe("pairs", () => {
  test("take the place of the profile's numbers", () => {
    const quick = selected("quick", { experiments: "scaling,neighbours", pairs: "2,1" });
    const counts = planOf(quick).steps.map(({ pairs }) => pairs.length);
    expect([...new Set(counts)].sort()).toEqual([1, 2]);
    expect(
      planOf(selected("quick", { pairs: "3" }, 6), 6)
        .steps.filter(({ experiment }) => experiment === "scaling")
        .every(({ pairs }) => pairs.length === 3),
    ).toBe(true);
  });

  test("are as many as there are domUs for", () => {
    expect(problems("quick", { pairs: "1,4" }, 6)).toEqual([
      "pairs: 4 pairs need 8 domUs; vmCount is 6",
    ]);
  });

  test.each(["0", "x", "1.5", ""])("%j is no number of them", (pairs) => {
    expect(problems("quick", { pairs })[0]).toMatch(/is no number of pairs/);
  });

  test("are refused where nothing is measured in pairs", () => {
    expect(problems("smoke", { pairs: "1" })[0]).toMatch(/smoke measures nothing in pairs/);
  });
});

describe("transports", () => {
  test("are the ones chosen, in their order", () => {
    const smoke = selected("smoke", { transports: "unix,tcp" });
    expect(smoke.transports).toEqual(["tcp", "unix"]);
    expect([...new Set(planOf(smoke).steps.map((one) => one.transport))].sort()).toEqual([
      "tcp",
      "unix",
    ]);
  });

  test("that are none are named with the nearest", () => {
    expect(problems("smoke", { transports: "tcp,v4vsockets" })[0]).toMatch(
      /no transport "v4vsockets"; did you mean v4v-sockets\? There are tcp, tcp-stock, /,
    );
    expect(problems("smoke", { transports: "," })[0]).toMatch(/none is named/);
  });

  test("on which nothing chosen is measured are refused", () => {
    expect(problems("quick", { experiments: "memcpy", transports: "tcp" })[0]).toMatch(
      /quick measures nothing on tcp with these experiments/,
    );
  });
});

describe("repetitions", () => {
  test("N are made of everything, no more and no less", () => {
    const plan = planOf(selected("quick", { repetitions: "7" }));
    expect(plan.further).toBeUndefined();
    const cells = Map.groupBy(plan.steps, ({ experiment, size, transport, pairs }) =>
      [experiment, size, transport, pairs.length].join(" "),
    );
    expect([...new Set([...cells.values()].map((all) => all.length))]).toEqual([7]);
  });

  test("N-M are N and up to M, by the profile's blocks and budget or the usual ones", () => {
    expect(selected("paper", { repetitions: "9-12" })).toMatchObject({
      repetitions: 9,
      further: { most: 12, block: 3, budgetS: 3600 },
    });
    expect(selected("smoke", { repetitions: "6-30" }).further).toEqual({
      ...{ most: 30, block: 3, budgetS: 600 },
    });
    expect(selected("smoke", { repetitions: "6-6" }).further).toBeUndefined();
  });

  test.each(["0", "6-3", "6-", "-6", "ten", "1001", "6 - 9", ""])("%j is none", (repetitions) => {
    expect(problems("quick", { repetitions })).toHaveLength(1);
  });

  test("have a budget where they depend on one", () => {
    expect(selected("quick", { budget: 60 }).further?.budgetS).toBe(60);
    expect(selected("smoke", { repetitions: "6-9", budget: 60 }).further?.budgetS).toBe(60);
    expect(selected("smoke", { budget: 60 })).toEqual(named("smoke"));
  });
});

test("everything that is wrong is told at once", () => {
  const wrong = { experiments: "x", sizes: "y", pairs: "z", transports: "t", repetitions: "r" };
  expect(problems("quick", wrong).map((text) => text.split(":")[0])).toEqual(Object.keys(wrong));
});

test("what was chosen is told in words", () => {
  expect(selectionWords({ ...WHOLE_PROFILE, experiments: "latency", budget: 60 })).toEqual([
    "experiments latency",
    "budget 60 s",
  ]);
});

test("the documentation's table of experiments is the profiles' own", () => {
  const page = readFileSync(new URL("../../../docs/evaluation.md", import.meta.url), "utf8");
  const table = page.slice(
    page.indexOf("| Experiment "),
    page.indexOf("`quick`, `paper` and `full` have all"),
  );
  const rows = [
    ...table.matchAll(/^\| `([a-z0-9-]+)` +\|[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm),
  ].map(([, name = "", ...yes]) => [name, ...yes.map((cell) => cell.trim() === "yes")]);
  const has = (name: string, profile: string) =>
    problems(profile, { experiments: name }).length === 0;
  expect(rows).toEqual(
    EXPERIMENT_NAMES.map((name) => [
      ...[name, has(name, "smoke")],
      problems("quick", { experiments: name, sizes: "64" }).length === 0,
      problems("quick", { experiments: name, pairs: "1" }).length === 0,
    ]),
  );
  for (const profile of ["quick", "paper", "full"])
    expect(EXPERIMENT_NAMES.filter((name) => !has(name, profile))).toEqual([]);
});

test("help and completion list the names that there are", () => {
  const setting = (path: string) => settings.find((one) => one.path === path);
  const experiments = setting("evaluation.experiments");
  expect(experiments?.suggestions).toEqual(["all", ...EXPERIMENT_NAMES]);
  for (const name of EXPERIMENT_NAMES)
    expect(experiments?.words?.split(/[,;:() ]+/)).toContain(name);
  expect(experiments?.words).toContain("smoke has the first two");
  expect([...new Set(named("smoke").points.map(({ experiment }) => experiment))]).toEqual(
    EXPERIMENT_NAMES.slice(0, 2),
  );
  const transports = setting("evaluation.transports");
  expect(transports?.suggestions).toEqual(["profile", ...TRANSPORTS]);
  for (const name of TRANSPORTS) expect(transports?.words?.split(/[,:;() ]+/)).toContain(name);
});
