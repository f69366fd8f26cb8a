import { existsSync, readFileSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildPlan, type Plan } from "../../../../evaluation/plan.ts";
import { profileNamed } from "../../../../evaluation/profiles.ts";
import { specialise, WHOLE_PROFILE } from "../../../../evaluation/selection.ts";
import type { SummaryFile } from "../../../../evaluation/artifacts.ts";
import type { Properties } from "../../../../provider/resource.ts";
import { evaluationOf } from "../../../../provider/resources/evaluation.ts";
import { progressOf, runUnderWay } from "../../../../scripts/lib/runs.ts";
import { hangUpAll } from "../../../../provider/ssh/session.ts";
import type { Measure } from "../../evaluation/driven.ts";
import { gpuFile, product } from "../../evaluation/gpu/legs.ts";
import { facts } from "../../evaluation/facts.ts";
import { recordedContext } from "../../helpers/context.ts";
import { fakeDom0, type FakeDom0 } from "../../helpers/fakeDom0.ts";
import { useFolder } from "../../helpers/folder.ts";
import { useFarSides } from "../../helpers/sshServer.ts";

const evaluation = evaluationOf({ look: 60, shortLook: 20, line: 20 });
const selection = { ...WHOLE_PROFILE, sizes: "1,64KiB", repetitions: "6-12" };
const domains = [1, 2].map((i) => ({
  ...{ name: `domu${i}`, domid: i, addr: `10.83.0.1${i}`, cid: i + 2 },
}));

const farSide = useFarSides();
const folder = useFolder();
afterEach(hangUpAll);

function planned(): Plan {
  const smoke = profileNamed("smoke");
  if (smoke === null) throw new Error("no profile smoke");
  const profile = specialise(smoke, selection, 2);
  return buildPlan({ profile, domains: ["domu1", "domu2"], transports: ["tcp", "v4v"], seed: 1 });
}
const plan = planned();

/** Quiet but for the round trips of 1 B. */
const measure: Measure = ({ kind, size, id }) =>
  kind === "pingpong" && size === 1 ? 100 + 40 * Math.sin(5 * id) : 100 + (id % 2) / 10;

let dom0: FakeDom0;
let inputs: Properties;
beforeEach(async () => {
  dom0 = fakeDom0(folder("dom0"), () => plan, measure);
  const { connection } = await farSide({ behaviour: dom0.behaviour });
  const { settings, versions, builds, machine, accelerator, command } = facts;
  inputs = {
    ...{ connection, domains, profile: "smoke", selection, transports: ["tcp", "v4v"], seed: 1 },
    facts: { settings, versions, builds, machine, accelerator, command },
    ...{ generation: 0, artifacts: folder("artifacts") },
  } as unknown as Properties;
});
afterEach(() => {
  dom0.stop();
});

const runs = () => readdirSync(folder("artifacts")).filter((name) => name !== "latest");
const summaryOf = (path: unknown) =>
  JSON.parse(readFileSync(join(String(path), "summary.json"), "utf8")) as SummaryFile;

/** How often each cell was repeated, and why not more often. */
const outcome = (path: unknown) =>
  summaryOf(path).cells.map(({ experiment, sizeBytes, repetitions, reason }) => [
    ...[experiment, sizeBytes, repetitions, reason],
  ]);

const EXPECTED = [
  ["latency", 1, 12, "planned"],
  ["latency", 65_536, 6, "precise"],
  ["stream", 1, 6, "precise"],
  ["stream", 65_536, 6, "precise"],
];

test("cells are repeated until they are precise, and the report says how often and why", async () => {
  const context = recordedContext();
  const { path, report, complete } = await evaluation.ensure(context, inputs, undefined);
  expect(complete).toBe(true);
  expect(outcome(path).sort()).toEqual(EXPECTED);
  // Four cells on two transports, six to twelve times.
  expect(context.statuses).toContainEqual(
    expect.stringMatching(/^starting run \S+: 48 to 96 steps, \d+ to \d+ s \(estimate for an/),
  );
  expect(dom0.ids).toEqual(plan.steps.map(({ id }) => id));
  expect(dom0.sittings).toBe(1);
  const { stepsDone, stepsPlanned } = summaryOf(path);
  // Six repetitions of four cells on two transports, six more of one.
  expect([stepsDone, stepsPlanned]).toEqual([60, 60]);
  const html = readFileSync(report as string, "utf8");
  expect(html).toContain("every interval within 5% of its median");
  expect(html).toContain("the most that are planned");
  expect(existsSync(join(path as string, "unfinished.json"))).toBe(false);
});

test("each experiment has its line while it runs", async () => {
  dom0.holdAt = 20;
  const context = recordedContext();
  const running = evaluation.ensure(context, inputs, undefined);
  await expect
    .poll(() => context.statuses.filter((text) => text.includes("measured")).length, {
      timeout: 10_000,
    })
    .toBeGreaterThan(3);
  const [run = ""] = runs();
  const noted = progressOf(folder("artifacts", run));
  expect(noted.map((line) => line.split(":")[0]).sort()).toEqual(["latency", "stream"]);
  expect(runUnderWay(folder("artifacts"))?.id).toBe(run);
  dom0.holdAt = undefined;
  await running;
  expect(progressOf(folder("artifacts", run))).toEqual([]);
  for (const experiment of ["latency", "stream"])
    expect(context.statuses).toContainEqual(
      expect.stringMatching(
        new RegExp(
          `^${experiment}: \\d+ of 24 steps measured, \\d+ left before the next look; .*; at most 10 min for all$`,
        ),
      ),
    );
});

test.each([5, 48, 49, 70])(
  "a run that was cut off after %d steps goes on as it would have, no step twice",
  async (steps) => {
    dom0.holdAt = steps;
    const first = recordedContext();
    const cut = evaluation.ensure(first, inputs, undefined);
    const ended = expect(cut).rejects.toThrow(
      /(starting the evaluation|evaluating|gate): .*cut off/,
    );
    await expect.poll(() => dom0.ids.length, { timeout: 10_000 }).toBe(steps);
    // What there is has come home, or a part of it: both happen.
    if (steps % 2 === 0) await expect.poll(() => first.statuses.length).toBeGreaterThan(2);
    first.abort("cut off");
    await ended;
    const [run] = runs();
    expect(existsSync(folder("artifacts", run ?? "", "unfinished.json"))).toBe(true);

    dom0.holdAt = undefined;
    const second = recordedContext();
    const { path, runId, complete } = await evaluation.ensure(second, inputs, undefined);
    expect([runId, complete]).toEqual([run, true]);
    expect(runs()).toEqual([run]);
    expect(dom0.ids).toEqual(plan.steps.map(({ id }) => id));
    expect(outcome(path).sort()).toEqual(EXPECTED);
    expect(summaryOf(path)).toMatchObject({ problems: [], partial: null });
  },
);

/** A run that is cut off after eight steps, some of which have come home. */
async function cutOff(): Promise<string> {
  dom0.holdAt = 8;
  const context = recordedContext();
  const cut = evaluation.ensure(context, inputs, undefined).catch(() => undefined);
  const home = () => {
    const [run = ""] = runs();
    const samples = folder("artifacts", run, "samples.jsonl");
    return existsSync(samples) && readFileSync(samples, "utf8").includes('"type":"step"');
  };
  await expect.poll(home, { timeout: 10_000 }).toBe(true);
  context.abort("cut off");
  await cut;
  dom0.holdAt = undefined;
  return runs()[0] ?? "";
}

describe("a run that was cut off", () => {
  const facts = () => inputs.facts as Record<string, Record<string, unknown>>;
  const withFacts = (parts: object) =>
    ({ ...inputs, facts: { ...facts(), ...parts } }) as Properties;
  const settings = (parts: object) => {
    const { evaluation: own } = facts().settings as { evaluation?: object };
    return { settings: { ...facts().settings, evaluation: { ...own, ...parts } } };
  };

  test.each<[string, () => Properties]>([
    ["another module", () => withFacts({ builds: { ...facts().builds, module: "ee" } })],
    [
      "another setting",
      () => withFacts({ settings: { ...facts().settings, v4v: { ringKiB: 4 } } }),
    ],
    ["another computer", () => withFacts({ machine: { ...facts().machine, cores: 64 } })],
    ["another hypervisor", () => withFacts({ versions: { ...facts().versions, xen: "4.21" } })],
    ["another accelerator", () => withFacts({ accelerator: { kind: "kvm", reason: "" } })],
  ])("is not taken up with %s: no sample of it is in the new one", async (_, changed) => {
    const run = await cutOff();
    const { path, runId, complete } = await evaluation.ensure(
      recordedContext(),
      changed(),
      undefined,
    );
    expect([runId === run, complete, runs().length]).toEqual([false, true, 2]);
    expect(summaryOf(path)).toMatchObject({ stepsDone: 60, problems: [], partial: null });
    const lines = readFileSync(join(path as string, "samples.jsonl"), "utf8");
    expect(lines.split('"type":"step"')).toHaveLength(plan.steps.length + 1);
  });

  test("is not taken up by another stack", async () => {
    const run = await cutOff();
    const context = { ...recordedContext(), urn: "urn:pulumi:other::test::test:index:Test::test" };
    const { runId } = await evaluation.ensure(context, inputs, undefined);
    expect(runId).not.toBe(run);
  });

  test("is not taken up where dom0 has started anew, though it has the files", async () => {
    const run = await cutOff();
    dom0.reboot();
    const { runId, complete } = await evaluation.ensure(recordedContext(), inputs, undefined);
    expect([runId === run, complete]).toEqual([false, true]);
  });

  test.each<[string, (samples: string) => void]>([
    [
      "no samples",
      (samples) => {
        rmSync(join(samples, ".."), { recursive: true });
      },
    ],
    [
      "fewer samples than are here",
      (samples) => {
        truncateSync(samples, 100);
      },
    ],
  ])("is not taken up where dom0 has %s, as after destroy and up", async (_, spoil) => {
    const run = await cutOff();
    dom0.reboot(1);
    spoil(folder("dom0", "runs", run, "samples.jsonl"));
    const context = recordedContext();
    const { path, runId, complete } = await evaluation.ensure(context, inputs, undefined);
    expect([runId === run, complete]).toEqual([false, true]);
    expect(summaryOf(path)).toMatchObject({ stepsDone: 60, problems: [], partial: null });
    expect(context.statuses.join()).toContain(`run ${run} is not taken up: dom0 has not`);
  });

  test("goes on with a longer time limit, which is what one that took too long needs", async () => {
    const run = await cutOff();
    const { runId, complete } = await evaluation.ensure(
      recordedContext(),
      withFacts(settings({ timeout: 7200 })),
      undefined,
    );
    expect([runId, complete]).toEqual([run, true]);
    expect(dom0.ids).toEqual(plan.steps.map(({ id }) => id));
  });
});

test("a run that nobody told how to go on ends there, and the next one takes it up", async () => {
  dom0.gateWait = 50;
  // A controller that looks too seldom.
  const slow = evaluationOf({ look: 5000, shortLook: 5000, line: 2000 });
  const first = recordedContext();
  const cut = expect(slow.ensure(first, inputs, undefined)).rejects.toThrow(/cut off/);
  await expect.poll(() => dom0.gaveUp, { timeout: 10_000 }).toBe(1);
  first.abort("cut off");
  await cut;
  dom0.gateWait = 20_000;
  const { path, runId } = await evaluation.ensure(recordedContext(), inputs, undefined);
  expect([runId, dom0.sittings]).toEqual([runs()[0], 2]);
  expect(dom0.ids).toEqual(plan.steps.map(({ id }) => id));
  expect(outcome(path).sort()).toEqual(EXPECTED);
});

describe("with a GPU domU", () => {
  const native = { transport: "native", host: "gpu", prefix: "" };
  beforeEach(() => {
    dom0.gpuSamples = gpuFile([{ transport: "native", lines: [product(64, 0.5, 0.5)] }]);
    inputs = { ...inputs, gpu: [native] };
  });

  test("the GPU is measured after a run that adapts, and is in the same report", async () => {
    const context = recordedContext();
    const { path, report, complete } = await evaluation.ensure(context, inputs, undefined);
    expect(complete).toBe(true);
    expect(context.warnings).toEqual([]);
    // Six repetitions in any case: as many blocks of three workloads.
    expect(dom0.gpuPlans.map((text) => text.trim().split("\n").length)).toEqual([18]);
    expect(outcome(path).sort()).toEqual(EXPECTED);
    const { gpu, samples, stepsDone } = summaryOf(path);
    expect(gpu).toMatchObject({ complete: true, failedAttempts: 0 });
    expect([samples.failed, stepsDone]).toEqual([0, 60]);
    expect(readFileSync(join(path as string, "gpu.jsonl"), "utf8")).toBe(dom0.gpuSamples);
    const manifest: unknown = JSON.parse(
      readFileSync(join(path as string, "manifest.json"), "utf8"),
    );
    expect(manifest).toHaveProperty(["artifacts", "gpu.jsonl"]);
    expect(readFileSync(report as string, "utf8")).toContain("the CPU computed");
    expect(progressOf(path as string)).toEqual([]);
  });

  test.each(["", '{"type":"gpu-start","version":3}\n{"type":"le'])(
    "what keeps its legs from being run is in the report, whatever there is of them",
    async (samples) => {
      [dom0.gpuSamples, dom0.gpuStatus] = [samples, "exited 2"];
      const context = recordedContext();
      const { path, report, complete } = await evaluation.ensure(context, inputs, undefined);
      expect(complete).toBe(true);
      const why = "gpu-drive exited 2; logs/gpu-drive.log has what it said";
      expect(context.warnings).toEqual([
        `the GPU's part of the evaluation is not complete: ${why}`,
      ]);
      const { gpu } = summaryOf(path);
      expect(gpu).toMatchObject({ complete: false, failure: why });
      const page = readFileSync(report as string, "utf8").replaceAll("&#x27;", "'");
      expect(page).toContain(`The GPU's legs did not run to their end: ${why}.`);
      expect(page).not.toContain("This run measured no GPU");
    },
  );

  test("it is not, where experiments are chosen by name", async () => {
    const chosen = { ...inputs, selection: { ...selection, experiments: "latency,stream" } };
    const { path } = await evaluation.ensure(recordedContext(), chosen, undefined);
    expect(dom0.gpuPlans).toEqual([]);
    expect(summaryOf(path).gpu).toBeNull();
    expect(existsSync(join(path as string, "gpu.jsonl"))).toBe(false);
  });
});

test("another budget or number of repetitions is another run", async () => {
  dom0.holdAt = 5;
  const context = recordedContext();
  const cut = evaluation.ensure(context, inputs, undefined).catch(() => undefined);
  await expect.poll(() => dom0.ids.length, { timeout: 10_000 }).toBe(5);
  context.abort("cut off");
  await cut;
  const other = recordedContext();
  const changed = { ...inputs, selection: { ...selection, budget: 50 } };
  const second = evaluation.ensure(other, changed, undefined).catch(() => undefined);
  await expect.poll(() => runs().length, { timeout: 10_000 }).toBe(2);
  other.abort("enough");
  await second;
});
