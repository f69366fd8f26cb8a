import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readRun, readSummary, redraw, writeArtifacts } from "../../../../evaluation/artifacts.ts";
import { compareRuns } from "../../../../evaluation/compare.ts";
import { parseCsv } from "../../../../evaluation/results.ts";
import { facts } from "../facts.ts";
import { asFile, smokePlan, syntheticLines } from "../synthetic.ts";
import { connection, failure, gpuFile, product, series, transfer, type Made } from "./legs.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "v4v-gpu-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const plan = smokePlan();

/** What a run with these legs says, with its files in the folder. */
async function evaluate(
  legs: readonly Made[],
  ended = true,
  settings: Record<string, unknown> = {},
) {
  writeFileSync(join(directory, "samples.jsonl"), asFile(syntheticLines(plan)));
  writeFileSync(join(directory, "gpu.jsonl"), gpuFile(legs, ended));
  const own = { ...facts, settings: { ...facts.settings, ...settings } };
  const made = await writeArtifacts({ directory, plan, facts: own });
  const claim = (id: string) => {
    const row = made.claims.find((one) => one.id === id);
    if (row === undefined) throw new Error(`no claim ${id}`);
    return row;
  };
  return { made, claim };
}

/** Blocks with a little noise: native products of two sizes, remote ones `over` times as long. */
function runs(over: { tcp: number; v4v: number }, type = "cpu"): Made[] {
  return Array.from({ length: 6 }, (_, block) => {
    const noise = 1 + block / 1000;
    const of = (transport: string, factor: number): Made => ({
      transport,
      block,
      type,
      lines: [
        // Copies half of the time at the smaller size natively, a tenth at the larger.
        product(64, 0.5 * factor * noise, 0.5 * factor),
        product(128, 0.1 * factor * noise, 0.9 * factor),
      ],
    });
    return [of("native", 1), of("tcp", over.tcp), of("v4v-sockets", over.v4v)];
  }).flat();
}

const transfers = (ratio: number, type = "cpu"): Made[] =>
  Array.from({ length: 6 }, (_, block) =>
    (["tcp", "v4v-sockets"] as const).map((transport): Made => ({
      transport,
      workload: "transfer",
      block,
      type,
      lines: [4096, 1 << 20].flatMap((bytes) => {
        const rate = (transport === "tcp" ? 20 : 20 * ratio) + block / 100;
        // Best to the device, at the larger size.
        return [
          transfer(bytes, "to_device", bytes > 4096 ? rate : 10 + block / 100),
          transfer(bytes, "from_device", 20 + block / 100),
        ];
      }),
    })),
  ).flat();

test.each([
  [1.05, "fail", "pass"],
  [1.5, "pass", "fail"],
])("an overhead of %f times: read as at least %s, as at most %s", async (v4v, least, most) => {
  const { claim } = await evaluate(runs({ tcp: 3, v4v }));
  // At 128, not at 64, of which a native run copies for half of its time.
  expect(claim("gpu-overhead-least").measured?.text).toContain("at 128 x 128: ");
  expect(claim("gpu-overhead-least").measured?.value).toBeCloseTo(v4v);
  expect(claim("gpu-overhead-least").verdict).toBe(least);
  expect(claim("gpu-overhead-most").verdict).toBe(most);
});

test.each([
  [8, "pass", "is kept"],
  [5, "fail", "is kept"],
  [2, "fail", "is not kept"],
])("transfers at %f times TCP's: %s, and the floor %s", async (ratio, verdict, floor) => {
  const { claim } = await evaluate(transfers(ratio));
  const row = claim("gpu-transfer");
  expect(row.verdict).toBe(verdict);
  expect(row.measured?.value).toBeCloseTo(ratio, 1);
  expect(row.measured?.text).toContain("at 1 MiB to the device, the best of 4");
  expect(row.why).toContain(`floor of 4 ${floor}`);
});

test("the best transfer's interval accounts for the choice: wider than its place's own by the number of places", async () => {
  const spread = (transport: string, block: number): number =>
    transport === "tcp" ? 10 + (block % 3) : 20 + 15 * ((block * 5) % 12);
  const legs = Array.from({ length: 12 }, (_, block) =>
    (["tcp", "v4v-sockets"] as const).map((transport): Made => ({
      ...{ transport, workload: "transfer", block },
      lines: [4096, 8192, 16384, 32768].flatMap((bytes, size) => {
        const rate = spread(transport, block) / (transport === "tcp" ? 1 : 1 + size / 10);
        return ["to_device", "from_device"].map((way) => transfer(bytes, way, rate));
      }),
    })),
  ).flat();
  const { claim } = await evaluate(legs);
  const { summary } = await readSummary(directory);
  const { measured } = claim("gpu-transfer");
  const best = summary.ratios.find(
    (one) => one.experiment === "gpu-transfer" && one.ratio === measured?.value,
  );
  const [wide, own] = [measured?.interval, best?.interval];
  expect(wide?.coverage).toBeCloseTo(1 - 0.05 / 8, 9);
  expect(own?.coverage).toBe(0.95);
  expect(wide?.low).toBeLessThan(own?.low ?? 0);
  expect(wide?.high).toBeGreaterThan(own?.high ?? Infinity);
  expect(measured?.text).toContain("(of all 8 places together), at 4 KiB");
  // The floor is judged by the same interval, which here contains it.
  expect([wide?.low, wide?.high].map((end) => (end ?? 0) < 4)).toEqual([true, false]);
  expect(claim("gpu-transfer").why).toContain("floor of 4 is not settled.");
});

test("the transfers' claim tells how many of its legs have no proof of their way", async () => {
  const proven = transfers(8).map((leg): Made => ({
    ...leg,
    lines: [
      ...leg.lines,
      ...[4096, 1 << 20].map((bytes) =>
        leg.transport === "tcp" ? connection(bytes, 9e6, null) : connection(bytes, 9, 9e6),
      ),
    ],
  }));
  const nameless = (legs: Made[], count: number): Made[] =>
    legs.map((leg, index) =>
      index < count ? { ...leg, lines: transfers(8)[index]?.lines ?? [] } : leg,
    );
  // Another workload's legs are no ground of it.
  const others = runs({ tcp: 3, v4v: 2 });
  const why = async (legs: Made[]) =>
    (await evaluate([...legs, ...others])).claim("gpu-transfer").why;
  expect(await why(proven)).not.toContain("proven");
  expect(await why(nameless(proven, 1))).toContain(
    "Of the 12 legs that it rests on 1 is not proven by connections.",
  );
  expect(await why(nameless(proven, 3))).toContain("Of the 12 legs that it rests on 3 are not");
  writeFileSync(join(directory, "gpu.jsonl"), gpuFile(transfers(8), true, 1));
  const { claims } = await writeArtifacts({ directory, plan, facts });
  expect(claims.find(({ id }) => id === "gpu-transfer")?.why).toContain(
    "Connections were not recorded: no leg's way is proven by them.",
  );
});

const NOTE = "the CPU computed, beside an emulated device: no GPU";

/** One and two clients at once. */
const shared = (slow = 0.2): Made[] =>
  Array.from({ length: 6 }, (_, block): Made[] =>
    (["tcp", "v4v-sockets"] as const).flatMap((transport): Made[] => [
      { transport, workload: "sharing", block, lines: series(40, 0.1) },
      {
        ...{ transport, workload: "sharing", block, lines: [] },
        clients: { domu1: series(20, 0.2), domu2: series(4 / slow, slow) },
      },
    ]),
  ).flat();

test("where a CPU computed, every claim, figure, table, row and the report's head say so", async () => {
  const sockets = transfers(40).map((leg): Made => ({ ...leg, workload: "socket", type: "other" }));
  const cold: Made = { transport: "native", block: 7, lines: [product(64, 1, 1, "cold")] };
  const dead: Made = { transport: "tcp", block: 8, status: 1, lines: [failure("matmul", "gone")] };
  const native: Made = { ...cold, block: 9, status: 1, lines: [failure("matmul", "no")] };
  const { made } = await evaluate([
    ...[...runs({ tcp: 3, v4v: 2 }), ...transfers(5), ...sockets, ...shared()],
    ...[cold, dead, native],
  ]);
  const claims = made.claims.filter(({ id }) => id.startsWith("gpu-"));
  expect(claims).toHaveLength(4);
  for (const { id, why, measured } of claims) {
    expect([id, why]).toEqual([id, expect.stringContaining(NOTE)]);
    // The poster's authors ran rCUDA: what ran here is said beside what it gave.
    expect([id, why]).toEqual([id, expect.stringContaining("PoCL's remote driver, not rCUDA")]);
    expect([id, measured?.text]).toEqual([
      id,
      expect.stringContaining("; by PoCL's remote driver"),
    ]);
  }

  const figures = readdirSync(join(directory, "figures")).filter((name) =>
    /^gpu-.*svg$/.test(name),
  );
  expect(figures).toEqual(
    ["gpu-phases", "gpu-runs", "gpu-sharing", "gpu-transfer"].map((one) => `${one}.svg`),
  );
  for (const name of figures)
    expect([name, readFileSync(join(directory, "figures", name), "utf8")]).toEqual([
      name,
      expect.stringContaining(NOTE),
    ]);

  const phases = readFileSync(join(directory, "figures/gpu-phases.svg"), "utf8");
  for (const text of ["64 x 64", "128 x 128", "copy A", "copy B", "compute", "copy C", "native"])
    expect(phases).toContain(`>${text}<`);

  const report = readFileSync(made.paths.report, "utf8");
  expect(report).toContain(`GPU experiments: ${NOTE}.`);
  expect(report).toContain("128 x 128");
  // A heading and the table behind it; the claims have it in their own rows.
  const parts = report
    .split(/(?=<h[23]>|<figure |<table)/)
    .filter((part) => part.includes("<table"));
  const headed = report
    .split(/(?=<h[23]>)/)
    .filter((part) => part.includes("<table") && /remote, |>native<|>gpu-/.test(part));
  expect(headed.length).toBeGreaterThan(15);
  for (const part of headed)
    expect([part.slice(0, 80), part]).toEqual([part.slice(0, 80), expect.stringContaining(NOTE)]);
  for (const part of parts) expect(part).not.toContain(">memcpy<");

  const rows = parseCsv(readFileSync(made.paths.results, "utf8"));
  for (const { experiment, metric, computedBy } of rows) {
    const expected =
      experiment === "gpu-socket" ? "none" : experiment.startsWith("gpu-") ? "cpu" : "";
    expect([experiment, metric, computedBy]).toEqual([experiment, metric, expected]);
  }
});

test("on an existing host nothing is said of an emulated device", async () => {
  const { claim, made } = await evaluate(runs({ tcp: 3, v4v: 2 }), true, { target: "existing" });
  const note = "the CPU computed, not the host's device: no GPU";
  expect(claim("gpu-overhead-least").why).toContain(note);
  expect(readFileSync(made.paths.report, "utf8")).not.toContain("emulated device");
  const { summary } = await readSummary(directory);
  expect(summary.gpu?.note).toBe(note);
});

test("where rCUDA ran, claims and report name it", async () => {
  const rcuda = { remoteGpu: { enabled: true, product: "rcuda" } };
  const { claim, made } = await evaluate(transfers(8, "gpu"), true, rcuda);
  const { measured, why } = claim("gpu-transfer");
  expect(measured?.text).toContain("; by rCUDA");
  expect(why).toContain("Measured with rCUDA, on Portable Computing Language, cpu-x.");
  expect(why).not.toContain("PoCL's");
  expect(readFileSync(made.paths.report, "utf8")).toContain("Remote execution by: rCUDA.");
});

test("without a number a claim tells what computed, and where copies were too large a part", async () => {
  const small = runs({ tcp: 3, v4v: 2 }).map((leg): Made => ({
    ...leg,
    lines: leg.lines.slice(0, 1),
  }));
  const { claim } = await evaluate(small);
  expect(claim("gpu-overhead-most")).toMatchObject({
    verdict: "cannot be judged here",
    measured: null,
  });
  expect(claim("gpu-overhead-most").why).toContain(
    "At no size measured does a native run copy for 20% of its time or less: at 64 x 64, where it is the least, for 50.1%.",
  );
  for (const id of ["gpu-overhead-most", "gpu-transfer", "gpu-evaluation"])
    expect(claim(id).why).toContain(NOTE);
});

test("the speed-up of transfers over TCP's is in results.csv, with the table's interval", async () => {
  const { made } = await evaluate(transfers(5));
  const { summary } = await readSummary(directory);
  const rows = parseCsv(readFileSync(made.paths.results, "utf8")).filter(({ metric }) =>
    metric.endsWith("_speedup"),
  );
  expect(rows.map(({ metric, sizeBytes }) => [metric, sizeBytes])).toEqual([
    ["from_device_speedup", 4096],
    ["from_device_speedup", 1 << 20],
    ["to_device_speedup", 4096],
    ["to_device_speedup", 1 << 20],
  ]);
  const best = rows.at(-1);
  expect(best).toMatchObject({
    ...{ experiment: "gpu-transfer", transport: "v4v-sockets", repetition: 0, unit: "1" },
    computedBy: "cpu",
  });
  expect(best?.value).toBeCloseTo(5, 1);
  const ratio = summary.ratios.find(
    (one) =>
      one.metric === "to_device" && one.sizeBytes === 1 << 20 && one.numerator === "v4v-sockets",
  );
  expect([best?.value, best?.low, best?.high]).toEqual([
    ...[ratio?.ratio, ratio?.interval?.low, ratio?.interval?.high],
  ]);
});

test("cold runs are in a table of their own and in results.csv", async () => {
  const legs = [0, 1, 2].map((block): Made => ({
    ...{ transport: "tcp", block },
    lines: [product(64, 1, 1 + block, "cold"), product(64, 1, 1)],
  }));
  const { made } = await evaluate(legs);
  const report = readFileSync(made.paths.report, "utf8");
  const [, table = ""] = report.split("<h2>Cold runs of the GPU's workloads</h2>");
  const [row = ""] = /<tr><th scope="row">.*\n?/.exec(table) ?? [];
  expect(
    row
      .replaceAll(/<[^>]*>/g, " ")
      .split(/ +/)
      .join(" ")
      .trim(),
  ).toBe(
    "matrix product, 64 x 64 remote, TCP 3 9.00 (9.00 to 9.00) 9.00 (9.00 to 9.00) 1.00 (1.00 to 1.00) 3.00 (2.00 to 4.00)",
  );
  const rows = parseCsv(readFileSync(made.paths.results, "utf8"));
  const values = (metric: string) =>
    rows.filter((one) => one.metric === metric).map(({ value }) => value);
  expect(values("cold_duration")).toEqual([2, 3, 4]);
  expect(values("cold_connect")).toEqual([9, 9, 9]);
});

test("legs that could not be run at all, and lines that are no good, are told", async () => {
  writeFileSync(join(directory, "samples.jsonl"), asFile(syntheticLines(plan)));
  const reason = "starting the GPU's legs on dom0 failed";
  writeFileSync(
    join(directory, "gpu.jsonl"),
    `no JSON\n${JSON.stringify({ type: "gpu-failed", reason })}\n`,
  );
  const { claims, paths } = await writeArtifacts({ directory, plan, facts });
  expect(claims.find(({ id }) => id === "gpu-transfer")).toMatchObject({
    verdict: "cannot be judged here",
    why: `The GPU's legs did not run to their end: ${reason}.`,
  });
  const report = readFileSync(paths.report, "utf8").replaceAll("&#x27;", "'");
  expect(report).not.toContain("This run measured no GPU");
  expect(report).toContain(`The GPU's legs did not run to their end: ${reason}.`);
  expect(report).toContain("1 line of gpu.jsonl could not be used.");
  expect(report).toContain("Lines of gpu.jsonl that could not be used");
  const run = await readRun(directory);
  expect(compareRuns(run, run).shortfalls).toEqual([
    `The GPU's legs of run ${facts.runId} are not complete.`,
  ]);
});

test("hosts and connections whose ends differ are shown and warned of", async () => {
  const ends = (receive: number) =>
    (["client", "server"] as const).map((end, index) => {
      const [local, remote] = ["10.83.0.11:40000", "10.83.0.10:10998"];
      const own = end === "client" ? { local, remote } : { local: remote, remote: local };
      return {
        type: "buffers",
        host: "x",
        end,
        ...own,
        receive: receive * (index + 1),
        send: 4096,
      };
    });
  const { made } = await evaluate([
    {
      ...{ transport: "tcp", workload: "sharing", lines: [] },
      clients: { domu1: [...series(20, 0.2), ...ends(1 << 20)] },
    },
  ]);
  const report = readFileSync(made.paths.report, "utf8").replaceAll("&#x27;", "'");
  expect(report).toContain(
    "The two ends of the GPU's connections were granted different buffers (remote, TCP, port 10998); see below.",
  );
  expect(report).toContain('<td class="number">1 MiB</td><td class="number">4 KiB</td>');
  expect(report).toContain("net.core.rmem_max 8388608");
  const { gpu } = JSON.parse(readFileSync(join(directory, "summary.json"), "utf8")) as {
    gpu: { hosts: object; buffers: { equal: boolean }[] };
  };
  expect(gpu.hosts).toEqual({ domu1: { "net.core.rmem_max": "8388608" } });
  expect(gpu.buffers).toMatchObject([{ equal: false, port: "10998" }]);
});

test("the plain socket beside the transfers is in results.csv, tables and figure, and in no claim", async () => {
  const sockets = transfers(40).map((leg): Made => ({ ...leg, workload: "socket", type: "other" }));
  const { made, claim } = await evaluate([...transfers(5), ...sockets]);
  const rows = parseCsv(readFileSync(made.paths.results, "utf8"));
  const of = (experiment: string, metric: string) =>
    rows.filter((row) => row.experiment === experiment && row.metric === metric);
  for (const metric of ["to_device", "from_device"]) {
    // Two sizes, two ways, six blocks.
    expect(of("gpu-socket", metric)).toHaveLength(24);
    expect(of("gpu-transfer", `${metric}_of_socket`).map(({ unit }) => unit)).toContain("percent");
  }
  expect(claim("gpu-transfer").measured?.value).toBeCloseTo(5, 1);
  expect(claim("gpu-transfer").measured?.text).toContain("the best of 4");
  const report = readFileSync(made.paths.report, "utf8");
  expect(report).toContain("One plain socket to the GPU domU, MB/s");
  expect(report).toContain("Transfers from the device, % of the plain socket");
  const figure = readFileSync(join(directory, "figures/gpu-transfer.svg"), "utf8");
  for (const series of ["TCP: socket, to the device", "V4V sockets: socket, from it"])
    expect(figure).toContain(series);
  // What computed is the CPU, whatever a socket is called.
  expect(report).toContain("GPU experiments: the CPU computed, beside an emulated device: no GPU.");
});

test("the report judges by which way each leg's bytes went, connection by connection", async () => {
  const leg = (transport: string, block: number, lines: object[]): Made => ({
    ...{ transport, block, workload: "transfer" },
    lines: [transfer(1e6, "to_device", 100), ...lines],
  });
  const { made } = await evaluate([
    leg("native", 0, []),
    leg("tcp", 0, [connection(1e6, 1_200_000, null)]),
    leg("v4v-sockets", 0, [connection(1e6, 99, 1_500_000)]),
    leg("v4v-sockets", 1, [connection(1e6, 2_000_000, null)]),
    leg("tcp", 1, []),
  ]);
  const report = readFileSync(made.paths.report, "utf8");
  expect(report).toContain("Which way the GPU's bytes went");
  expect(report).toContain("a native run has no connection. 3 of 5 legs proven.");
  const rows = report.split("<tr>").filter((row) => row.includes("<td>transfer</td>"));
  expect(rows).toHaveLength(5);
  expect(rows[1]).toContain("1.20 MB");
  expect(rows[2]).toContain("1.50 MB");
  expect(rows[3]).toContain(
    "another way: of 1000000 bytes only 0 went by rings on its connections",
  );
  expect(rows[4]).toContain("not shown: no connection was recorded");
  expect(report).toContain(
    "Of 1 leg of the GPU&#x27;s the bytes went another way than they should",
  );
  expect(report).toContain(
    "of 1 leg of the GPU&#x27;s went is not shown by their connections; where they gave numbers, these count all the same.",
  );
  const { gpu } = JSON.parse(readFileSync(join(directory, "summary.json"), "utf8")) as {
    gpu: { ways: { verdict: string }[] };
  };
  expect(gpu.ways.map(({ verdict }) => verdict)).toEqual([
    ...["proven", "proven", "proven", "another way", "not shown"],
  ]);
});

test("where a GPU computed nothing of the kind is said", async () => {
  const legs = [...runs({ tcp: 3, v4v: 2 }, "gpu"), ...transfers(5, "gpu")];
  const { made, claim } = await evaluate(legs);
  expect(claim("gpu-transfer").why).toContain("cpu-x.");
  expect(readFileSync(made.paths.report, "utf8")).not.toContain("CPU computed");
});

test("results.csv has the legs' rows, and drawn again everything is the same", async () => {
  const { made } = await evaluate([...runs({ tcp: 3, v4v: 2 }), ...transfers(5)]);
  const csv = readFileSync(made.paths.results, "utf8");
  const rows = parseCsv(csv).filter(({ experiment }) => experiment.startsWith("gpu-"));
  const units = new Map(rows.map(({ metric, unit }) => [metric, unit]));
  expect(Object.fromEntries(units)).toMatchObject({
    duration: "s",
    overhead: "percent",
    phase_compute: "s",
    to_device: "MB/s",
  });
  expect(new Set(rows.map(({ transport }) => transport))).toEqual(
    new Set(["native", "tcp", "v4v-sockets"]),
  );
  const again = await redraw(directory);
  expect(again.manifestHash).toBe(made.manifestHash);
  writeFileSync(join(directory, "gpu.jsonl"), gpuFile(transfers(7)));
  await expect(readSummary(directory)).rejects.toThrow("gpu.jsonl: has changed since");
});

test("what failed is said in place of a verdict, and costs V4V's other numbers nothing", async () => {
  const { made, claim } = await evaluate(
    [
      {
        transport: "tcp",
        status: 1,
        lines: [failure("matmul", "the server is gone")],
      },
    ],
    false,
  );
  expect(claim("gpu-overhead-least")).toMatchObject({
    verdict: "cannot be judged here",
    why: "It failed: remote, TCP: compute: the server is gone.",
  });
  expect(claim("latency-small").verdict).toBe("pass");
  const report = readFileSync(made.paths.report, "utf8");
  expect(report).toContain("Not all of the GPU&#x27;s legs had their turn.");
  expect(report).toContain("1 leg of the GPU&#x27;s failed");
});

test.each([
  [0.2, "pass"],
  [1, "fail"],
])("sharing: two clients of which one takes %f s a product: %s", async (slow, verdict) => {
  const { made, claim } = await evaluate(shared(slow));
  const row = claim("gpu-evaluation");
  expect(row.verdict).toBe(verdict);
  expect(row.measured?.text).toMatch(/^Jain's index of 2 clients, 64 x 64: /);
  expect(row.measured?.text).toContain("remote, V4V sockets");
  expect(row.why).toContain("no GPU");
  const report = readFileSync(made.paths.report, "utf8");
  expect(report).toContain("64 x 64, 2 clients");
  expect(readFileSync(join(directory, "figures/gpu-sharing.svg"), "utf8")).toContain("no GPU");
});
