import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ClaimRow } from "../../../evaluation/claims.ts";
import { compareRuns, type Change, type ComparedRun } from "../../../evaluation/compare.ts";
import { formatComparison, renderComparison } from "../../../evaluation/compareView.ts";
import { gpuObservations } from "../../../evaluation/gpu/observations.ts";
import { readGpuSamples } from "../../../evaluation/gpu/samples.ts";
import { gpuSummaryOf } from "../../../evaluation/gpu/summary.ts";
import { buildManifest } from "../../../evaluation/manifest.ts";
import { observations } from "../../../evaluation/observations.ts";
import { seededRandom } from "../../../evaluation/random.ts";
import { readSamples } from "../../../evaluation/samples.ts";
import { facts } from "./facts.ts";
import { gpuFile, product, transfer, type Made } from "./gpu/legs.ts";
import { cpuTimes, paired, pingPong, repetitions } from "./measured.ts";
import { asFile, model, smokePlan, syntheticLines } from "./synthetic.ts";

const TEMPLATE = readFileSync(
  join(import.meta.dirname, "../../../templates/compare.html.hbs"),
  "utf8",
);
const manifest = buildManifest({ facts, plan: smokePlan(), complete: true, artifacts: {} });

async function runOf(
  lines: readonly string[],
  more: Partial<typeof manifest> = {},
): Promise<ComparedRun> {
  const { samples, problems } = await readSamples([asFile(lines)]);
  expect(problems).toEqual([]);
  return { manifest: { ...manifest, ...more }, plan: smokePlan(), ...observations(samples) };
}

/** The same samples, all taking `factor` times as long. */
const slowed = (lines: readonly string[], factor: number): string[] =>
  lines.map((line) => {
    const record = JSON.parse(line) as { rtt_ns?: number[]; ns?: number };
    const rtt = record.rtt_ns?.map((ns) => Math.round(ns * factor));
    const ns = record.ns === undefined ? undefined : Math.round(record.ns * factor);
    return JSON.stringify({ ...record, rtt_ns: rtt, ns });
  });

const lines = syntheticLines(smokePlan());

test("a run compared with itself shows nothing", async () => {
  const run = await runOf(lines);
  const comparison = compareRuns(run, run);
  // 11 sizes of ping-pong and 3 of streams, on two transports; a ping-pong's bandwidth is no row of its own.
  expect(comparison.changes).toHaveLength(28);
  expect(comparison).toMatchObject({
    tested: 28,
    onlyBase: 0,
    onlyRun: 0,
    differences: [],
    warnings: [],
    shortfalls: [],
  });
  for (const change of comparison.changes)
    expect(change).toMatchObject({ ratio: 1, p: 1, finding: "none shown" });
  expect(comparison.pooled).toMatchObject([
    { transport: "tcp", ratio: 1, p: 1, finding: "none shown" },
    { transport: "v4v", ratio: 1, p: 1, finding: "none shown" },
  ]);
});

test("the same samples slowed by 10% are caught everywhere, and made faster as well", async () => {
  const [base, slow] = [await runOf(lines), await runOf(slowed(lines, 1.1))];
  const worse = compareRuns(base, slow).changes;
  expect(worse.map(({ finding }) => finding)).toEqual(Array<string>(28).fill("worse"));
  for (const { metric, ratio } of worse)
    expect(ratio).toBeCloseTo(metric === "half_rtt" ? 1.1 : 1 / 1.1, 3);
  const better = compareRuns(slow, base).changes;
  expect(better.map(({ finding }) => finding)).toEqual(Array<string>(28).fill("better"));
});

test("one transport slowed: its rows are worse, the other's are not", async () => {
  const only = lines.map((line) =>
    line.includes('"transport":"v4v"') ? (slowed([line], 1.1)[0] ?? "") : line,
  );
  const { changes, pooled } = compareRuns(await runOf(lines), await runOf(only));
  expect(pooled.map(({ transport, finding }) => [transport, finding])).toEqual([
    ["tcp", "none shown"],
    ["v4v", "worse"],
  ]);
  for (const { transport, finding } of changes)
    expect(finding).toBe(transport === "v4v" ? "worse" : "none shown");
});

test("runs of the same machine at different moments show nothing", async () => {
  const other = syntheticLines(smokePlan(), model, [], "another moment");
  expect(other).not.toEqual(lines);
  const { changes, pooled } = compareRuns(await runOf(lines), await runOf(other));
  expect([...changes, ...pooled].filter(({ finding }) => finding !== "none shown")).toEqual([]);
  expect(changes.some(({ ratio }) => ratio !== 1)).toBe(true);
});

test("each metric has its direction", async () => {
  const of = (ms: number, other: number, dom0: number): Promise<ComparedRun> =>
    runOf([
      // Rather steady, but not quite, as measured values are.
      ...paired("scaling", "v4v", 1, 2, [ms, other], 524_288, (repetition) =>
        cpuTimes(dom0 + repetition / 10),
      ),
    ]);
  const findings = async (a: Promise<ComparedRun>, b: Promise<ComparedRun>) =>
    Object.fromEntries(
      compareRuns(await a, await b).changes.map(({ metric, finding }) => [metric, finding]),
    );
  // Slower, less even, and dearer.
  expect(await findings(of(10, 10, 20), of(10, 20, 40))).toEqual({
    bandwidth: "worse",
    cpu_dom0: "worse",
    cpu_per_kb: "worse",
    fairness: "worse",
    half_rtt: "worse",
    pair_bandwidth: "worse",
  });
  expect(await findings(of(10, 20, 40), of(10, 10, 20))).toEqual({
    bandwidth: "better",
    cpu_dom0: "better",
    cpu_per_kb: "better",
    fairness: "better",
    half_rtt: "better",
    pair_bandwidth: "better",
  });
});

test("ratios that derive from other rows are none of their own, and a GPU's times have their direction", () => {
  const of = (slower: number): ComparedRun => {
    const legs = Array.from({ length: 6 }, (_, block): Made[] => [
      { transport: "native", block, lines: [product(64, 0.5, 1 + block / 100)] },
      { transport: "tcp", block, lines: [product(64, slower, slower * (3 + block / 100))] },
      ...(["transfer", "socket"] as const).map((workload): Made => ({
        ...{ transport: "tcp", workload, block },
        lines: ["to_device", "from_device"].map((way) =>
          transfer(1e6, way, (100 + block) / (workload === "transfer" ? slower : 1)),
        ),
      })),
    ]).flat();
    return { manifest, observed: gpuObservations(readGpuSamples(gpuFile(legs))).observed };
  };
  const [base, run] = [of(1), of(1.5)];
  for (const metric of ["overhead", "copy_share", "to_device_of_socket", "from_device_of_socket"])
    expect(base.observed.map((one) => one.metric)).toContain(metric);
  const { changes, onlyBase, onlyRun } = compareRuns(base, run);
  expect([onlyBase, onlyRun]).toEqual([0, 0]);
  const findings = changes.map(
    ({ experiment, metric, transport, finding }) =>
      `${experiment} ${metric} ${transport} ${finding}`,
  );
  expect(new Set(changes.map(({ metric }) => metric))).toEqual(
    new Set([
      ...["duration", "phase_copy_a", "phase_copy_b", "phase_compute", "phase_copy_c"],
      ...["to_device", "from_device"],
    ]),
  );
  expect(findings).toContain("gpu-matmul duration tcp worse");
  expect(findings).toContain("gpu-matmul duration native none shown");
  expect(findings).toContain("gpu-transfer to_device tcp worse");
  expect(findings).toContain("gpu-socket to_device tcp none shown");
});

test("rows of a GPU's experiments say what computed, and other devices are warned of", () => {
  const of = (type: string): ComparedRun => {
    const legs = Array.from({ length: 6 }, (_, block): Made => ({
      ...{ transport: "native", block, type },
      lines: [product(64, 0.5, 1 + block / 100)],
    }));
    const file = readGpuSamples(gpuFile(legs));
    const { observed, devices, ways } = gpuObservations(file);
    const setting = { product: "PoCL's remote driver", emulated: true };
    return { manifest, observed, gpu: gpuSummaryOf({ file, devices, ways, setting }) };
  };
  const [cpu, gpu] = [of("cpu"), of("gpu")];
  const same = compareRuns(cpu, cpu);
  expect(same.warnings).toEqual([]);
  const note = `gpu-* of run ${manifest.runId}: the CPU computed, beside an emulated device: no GPU; remotely by nothing.`;
  const page = renderComparison(TEMPLATE, same).replaceAll("&#x27;", "'");
  for (const text of [formatComparison(same), page]) {
    expect(text).toContain(note);
    expect(text).toContain("gpu-matmul (by cpu)");
    expect(text).toContain("64 x 64");
    expect(text).not.toContain("memcpy");
  }
  const other = compareRuns(cpu, gpu);
  expect(other.warnings).toEqual([
    "Different devices computed: rows of gpu-* speak of those, too.",
  ]);
  expect(other.differences).toEqual([
    {
      what: "GPU's device",
      base: "Portable Computing Language, cpu-x (cpu)",
      run: "Portable Computing Language, cpu-x (gpu)",
    },
  ]);
  expect(formatComparison(other)).toContain("gpu-matmul (by cpu, gpu)");
});

test("ratio, test and interval by hand", async () => {
  const us = [1000, 1010, 1020, 1030, 1040, 1050];
  const [base, run] = [
    await runOf(repetitions("tcp", 1, 1, us)),
    await runOf(
      repetitions(
        "tcp",
        1,
        1,
        us.map((value) => 2 * value),
      ),
    ),
  ];
  const { changes } = compareRuns(base, run);
  expect(changes).toHaveLength(1);
  const [change] = changes as [Change];
  expect(change).toMatchObject({ base: 512.5, run: 1025, ratio: 2, unit: "us", finding: "worse" });
  expect(change.interval?.low).toBeGreaterThan(1.9);
  expect(change.interval?.high).toBeLessThan(2.1);
  // Logarithms spread by 0.0183: a difference of ln 2 is 66 standard errors.
  expect(change.p).toBeLessThan(1e-12);
  expect(change.p).toBeGreaterThan(0);
});

test("all sizes together: 10% that no size shows, for repetitions lie far apart", async () => {
  // Half of a repetition's round trips are disturbed, by up to four times their length; the fast ones hardly vary.
  const made = (slow: number, label: string): Promise<ComparedRun> => {
    const random = seededRandom(2, label);
    return runOf(
      [1, 16, 64, 256, 1024].flatMap((size, index) =>
        [1, 2, 3, 4, 5, 6].map((repetition) => {
          const disturbed = 1 + 3 * random();
          const ns = Array.from({ length: 40 }, (_, nth) =>
            Math.round(slow * 100_000 * (1 + 0.02 * random()) * (nth % 5 > 1 ? disturbed : 1)),
          );
          return pingPong(10 * index + repetition, "v4v", size, repetition, ns);
        }),
      ),
    );
  };
  const base = await made(1, "base");
  const same = compareRuns(base, await made(1, "run"));
  const slow = compareRuns(base, await made(1.1, "run"));
  for (const { changes } of [same, slow])
    expect(changes.map(({ finding }) => finding)).toEqual(Array<string>(5).fill("none shown"));
  expect(same.pooled).toMatchObject([{ sizes: 5, finding: "none shown" }]);
  expect(slow.pooled).toMatchObject([{ sizes: 5, finding: "worse" }]);
  expect(slow.pooled[0]?.ratio).toBeCloseTo(1.1, 1);
});

test("of two sizes, or of few round trips, nothing is taken together", async () => {
  const of = (sizes: number[], count: number): Promise<ComparedRun> =>
    runOf(
      sizes.flatMap((size, index) =>
        [1, 2, 3, 4, 5, 6].map((repetition) =>
          pingPong(10 * index + repetition, "v4v", size, repetition, Array<number>(count).fill(9)),
        ),
      ),
    );
  for (const run of [await of([1, 16], 40), await of([1, 16, 64], 9)])
    expect(compareRuns(run, run).pooled).toEqual([]);
  const run = await of([1, 16, 64], 10);
  expect(compareRuns(run, run).pooled).toHaveLength(1);
});

test("with many rows a change must be plainer: Holm counts them all", async () => {
  const us = [1000, 1010, 1020, 1030, 1040, 1050];
  // t = 2.78 with 10 degrees of freedom: 2% by itself.
  const moved = us.map((value) => Math.round(value * 1.0301));
  const rest = [16, 64, 256].flatMap((size, index) =>
    repetitions("tcp", size, 11 + 10 * index, us),
  );
  const alone = compareRuns(
    await runOf(repetitions("tcp", 1, 1, us)),
    await runOf(repetitions("tcp", 1, 1, moved)),
  );
  expect(alone.changes[0]?.finding).toBe("worse");
  const among = compareRuns(
    await runOf([...repetitions("tcp", 1, 1, us), ...rest]),
    await runOf([...repetitions("tcp", 1, 1, moved), ...rest]),
  );
  expect(among.tested).toBe(4);
  expect(among.changes[0]?.finding).toBe("none shown");
  expect(among.changes[0]?.p).toBeCloseTo(4 * (alone.changes[0]?.p ?? 0), 12);
});

test("too few repetitions and zeros cannot be compared; rows of one run alone are counted", async () => {
  const few = await runOf(repetitions("tcp", 1, 1, [1, 2, 3, 4]));
  const more = await runOf([
    ...repetitions("tcp", 1, 1, [11, 12, 13, 14, 15]),
    ...repetitions("tcp", 16, 11, [11, 12]),
  ]);
  const comparison = compareRuns(few, more);
  expect(comparison).toMatchObject({ tested: 0, onlyBase: 0, onlyRun: 1 });
  expect(comparison.changes).toMatchObject([
    { interval: null, p: null, finding: "cannot be compared" },
  ]);
  const idle = await runOf(
    [1, 2, 3, 4, 5].map((repetition) =>
      pingPong(repetition, "v4v", 1, repetition, [1000], {
        experiment: "cpu-pingpong",
        cpu_ns: { "0": 0, "1": 5 },
        cpu_window_ns: 10,
      }),
    ),
  );
  const dom0 = compareRuns(idle, idle).changes.find(({ metric }) => metric === "cpu_dom0");
  expect(dom0).toMatchObject({ base: 0, ratio: null, p: null, finding: "cannot be compared" });
});

test("what differs between the runs is told; other machines, unfinished runs and failed controls warn", async () => {
  const control = (set: "a" | "b", first: number, us: number): string[] =>
    Array.from({ length: 6 }, (_, index) =>
      pingPong(first + index, "tcp", 1, index + 1, [us * 1000 + index], {
        experiment: `control-${set}`,
      }),
    );
  const base = await runOf(lines);
  const run = await runOf([...control("a", 1, 100), ...control("b", 11, 200)], {
    runId: "other",
    complete: false,
    builds: { ...facts.builds, module: "ee".repeat(32) },
    settings: { ...facts.settings, domU: { type: "pvh", memoryMiB: 192 } },
    machine: { ...facts.machine, cores: 8 },
  });
  const { differences, warnings, changes, shortfalls } = compareRuns(base, run);
  expect(changes).toEqual([]);
  expect(differences).toEqual([
    { what: "machine.cores", base: "2", run: "8" },
    { what: "builds.module", base: "cd".repeat(32), run: "ee".repeat(32) },
    { what: "settings.domU.type", base: "pv", run: "pvh" },
  ]);
  expect(warnings).toEqual([expect.stringContaining("different machines")]);
  expect(shortfalls.slice(0, 2)).toEqual([
    "Run other is not complete.",
    "The A/A control of run other fails.",
  ]);
});

describe("a run cannot be cleared", () => {
  const failing = (transport: string, size: number, repetitions = 6): number[] =>
    smokePlan()
      .steps.filter((step) => step.transport === transport && step.size === size)
      .filter((step) => step.kind === "pingpong" && step.repetition <= repetitions)
      .map(({ id }) => id);
  const withFailed = (ids: number[]) =>
    runOf(syntheticLines(smokePlan(), model, ids), { runId: "new" });

  test("that has no number where base has one and it was to measure it", async () => {
    const run = await withFailed([...failing("v4v", 1), ...failing("v4v", 65_536)]);
    expect(compareRuns(await runOf(lines), run).shortfalls).toEqual([
      "latency over V4V has no number in run new, which was to measure it, and has one in base: 1 B, 64 KiB.",
      "latency over V4V at 1 B: 6 samples failed in run new, 0 in base.",
      "latency over V4V at 64 KiB: 6 samples failed in run new, 0 in base.",
    ]);
    // The other way round something was gained.
    expect(compareRuns(run, await runOf(lines)).shortfalls).toEqual([]);
  });

  test("of which more failed, though it has a number", async () => {
    const [one, two] = [
      await withFailed(failing("tcp", 1, 1)),
      await withFailed(failing("tcp", 1, 2)),
    ];
    expect(compareRuns(one, two).shortfalls).toEqual([
      "latency over TCP at 1 B: 2 samples failed in run new, 1 in base.",
    ]);
    expect(compareRuns(two, one).shortfalls).toEqual([]);
    expect(compareRuns(two, two).shortfalls).toEqual([]);
  });

  test("what it was not to measure is no loss", async () => {
    const run = await runOf(syntheticLines(smokePlan(["tcp"])));
    const { shortfalls, onlyBase } = compareRuns(await runOf(lines), {
      ...run,
      plan: smokePlan(["tcp"]),
    });
    expect([shortfalls, onlyBase]).toEqual([[], 14]);
  });
});

test("what two runs say of the claims, in a table", async () => {
  const base = await runOf(lines);
  const said = (...verdicts: ClaimRow["verdict"][]) =>
    ["latency-small", "bandwidth-large", "cpu-cost", "ease-of-use"].map((id, index) => ({
      id,
      verdict: verdicts[index] ?? ("not measured yet" as const),
    }));
  const comparison = compareRuns(
    { ...base, claims: said("pass", "pass", "fail") },
    { ...base, claims: said("pass", "cannot be judged here") },
  );
  expect(comparison.verdicts).toHaveLength(3);
  const text = formatComparison(comparison);
  expect(text).toMatch(/^Latency of 1 B +pass +pass +same$/m);
  expect(text).toMatch(/^Bandwidth at 1 MiB +pass +cannot be judged here +differs$/m);
  expect(text).toMatch(/^CPU time over TCP's +fail +not measured yet +one run alone$/m);
  expect(text).toContain("1 of 2 claims that both runs measure have the same verdict.");
  const page = renderComparison(
    readFileSync(join(import.meta.dirname, "../../../templates/compare.html.hbs"), "utf8"),
    comparison,
  );
  expect(page).toContain('<span class="fail">differs</span>');
  expect(page).toContain("1 of 2 claims that both runs measure");
});

test("the table fits 100 columns, says what was tested and how", async () => {
  const text = formatComparison(
    compareRuns(await runOf(lines), await runOf(slowed(lines, 1.1), { runId: "slow" })),
  );
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(text).toMatch(
    /^latency +half_rtt +1 MiB +v4v +\d+ +\d+ +1\.10 +1\.\d\d to 1\.\d\d +<0\.001 +worse$/m,
  );
  expect(text).toContain("28 rows: 28 worse\n");
  expect(text).toContain("adjusted by Holm for 28 tests");
});

test("the page shows the same, loads nothing and escapes what it is given", async () => {
  const hostile = '<script>alert(1)</script>"&';
  const named = repetitions(hostile, 64, 9000, [1, 2, 3, 4, 5, 6]);
  const page = renderComparison(
    TEMPLATE,
    compareRuns(
      await runOf([...named, ...lines]),
      await runOf([...named, ...slowed(lines, 1.1)], {
        runId: hostile,
        command: hostile,
        versions: { ...facts.versions, xen: hostile },
      }),
    ),
  );
  expect(page.match(/<span class="fail">worse<\/span>/g)).toHaveLength(28 + 2);
  expect(page).toContain("versions.xen");
  expect(page).not.toMatch(/<script|https?:|src=|<link/);
  expect(page.match(/&lt;script&gt;/g)?.length).toBeGreaterThanOrEqual(4);
});
