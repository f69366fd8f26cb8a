import { expect, test } from "vitest";
import { judgeClaims, PAPER_BANDWIDTH_RATIO, type ClaimRow } from "../../../evaluation/claims.ts";
import { judgeInterval } from "../../../evaluation/judge.ts";
import {
  connections,
  paired,
  pingPong,
  program,
  programs,
  repetitions,
  stream,
  summaryOf,
} from "./measured.ts";
import { smokePlan, syntheticLines } from "./synthetic.ts";

const between = (low: number, high: number) => ({ low, high, coverage: 0.95 });

test.each([
  [0.1, 0.19, "pass"],
  [0.1, 0.1901, "cannot be judged here"],
  [0.19, 0.3, "cannot be judged here"],
  [0.1901, 0.3, "fail"],
])("at most 0.19: %d to %d is %s", (low, high, verdict) => {
  expect(judgeInterval(between(low, high), { kind: "at most", value: 0.19 }).verdict).toBe(verdict);
});

test.each([
  [4.59, 6, "pass"],
  [4.58, 6, "cannot be judged here"],
  [3, 4.59, "cannot be judged here"],
  [3, 4.58, "fail"],
])("at least 4.59: %d to %d is %s", (low, high, verdict) => {
  expect(judgeInterval(between(low, high), { kind: "at least", value: 4.59 }).verdict).toBe(
    verdict,
  );
});

async function claim(id: string, lines: string[]): Promise<ClaimRow> {
  const rows = judgeClaims(await summaryOf(lines));
  const found = rows.find((row) => row.id === id);
  if (found === undefined) throw new Error(`no claim ${id}`);
  return found;
}

const steady = (us: number): number[] => [us, us, us, us, us, us];
const MIB = 1 << 20;

test.each([
  [760, "pass"],
  [761, "fail"],
])("latency: %d us against TCP's 4000 us at 1 B: %s", async (us, verdict) => {
  const lines = [
    ...repetitions("tcp", 1, 1, steady(4000)),
    ...repetitions("v4v", 1, 10, steady(us)),
  ];
  const row = await claim("latency-small", lines);
  expect(row.verdict).toBe(verdict);
  expect(row.stamp).toBe("Xen in QEMU TCG (emulated)");
  expect(row.measured?.value).toBeCloseTo(us / 4000, 12);
  expect(row.measured?.text).toContain(`−81%; V4V/TCP 0.190, 95% interval 0.190 to 0.190`);
  expect(row.measured?.text).toMatch(
    /V4V 38[01] \(38[01] to 38[01]\) µs, TCP 2000 \(2000 to 2000\) µs$/,
  );
});

test("a claim says what the untuned TCP would make of it, where that was measured", async () => {
  const lines = [
    ...repetitions("tcp", 1, 1, steady(4000)),
    ...repetitions("v4v", 1, 10, steady(700)),
  ];
  const alone = await claim("latency-small", lines);
  expect(alone.why).not.toContain("stock");
  const both = await claim("latency-small", [
    ...lines,
    ...repetitions("tcp-stock", 1, 20, steady(2000)),
  ]);
  expect(both.verdict).toBe("pass");
  expect(both.why).toBe(`${alone.why} Over TCP (stock): 0.350 (0.350 to 0.350), fail.`);
});

test("latency: an interval around the threshold decides nothing", async () => {
  const lines = [
    ...repetitions("tcp", 1, 1, steady(4000)),
    ...repetitions("v4v", 1, 10, [700, 720, 750, 770, 800, 820]),
  ];
  const row = await claim("latency-small", lines);
  expect(row.verdict).toBe("cannot be judged here");
  expect(row.why).toMatch(/contains 0\.190/);
});

test.each([
  [1000, "pass"],
  [1100, "fail"],
])("bandwidth: TCP 4600 us, V4V %d us a round trip at 1 MiB: %s", async (us, verdict) => {
  const lines = [
    ...repetitions("tcp", MIB, 1, steady(4600)),
    ...repetitions("v4v", MIB, 10, steady(us)),
  ];
  const row = await claim("bandwidth-large", lines);
  expect(PAPER_BANDWIDTH_RATIO).toBeCloseTo(4.589, 3);
  expect(row.measured?.value).toBeCloseTo(4600 / us, 12);
  expect(row.verdict).toBe(verdict);
  expect(row.why).toMatch(/Judged by the ratio/);
});

test("other sizes are no answer", async () => {
  const lines = [
    ...repetitions("tcp", 64, 1, steady(4000)),
    ...repetitions("v4v", 64, 10, steady(400)),
  ];
  for (const id of ["latency-small", "bandwidth-large"]) {
    const row = await claim(id, lines);
    expect(row).toMatchObject({ verdict: "not measured yet", measured: null });
  }
});

test("without V4V, with V4V failing, with too few repetitions", async () => {
  const tcp = repetitions("tcp", 1, 1, steady(4000));
  expect(await claim("latency-small", tcp)).toMatchObject({
    verdict: "not measured yet",
    why: "This run has no V4V sample at this size.",
  });
  const failure = pingPong(10, "v4v", 1, 1, [1], { ok: false, error: "connect: No such device" });
  expect(await claim("latency-small", [...tcp, failure])).toMatchObject({
    verdict: "cannot be judged here",
    why: "V4V failed at this size (1 sample): connect: No such device",
  });
  const few = repetitions("v4v", 1, 10, [400, 400, 400, 400]);
  const row = await claim("latency-small", [...tcp, ...few]);
  expect(row).toMatchObject({
    verdict: "cannot be judged here",
    measured: { value: 0.1, interval: null },
  });
  expect(row.why).toMatch(/^4 repetitions on one side are too few/);
});

test("every claim of the poster has its row; what is not measured says why", async () => {
  const rows = judgeClaims(await summaryOf(syntheticLines(smokePlan())));
  expect(rows.map((row) => row.id)).toEqual([
    "latency-small",
    "bandwidth-large",
    "scaling-latency",
    "scaling-bandwidth",
    "aggregate",
    "aggregate-ratio",
    "fairness",
    "gpu-overhead-least",
    "gpu-overhead-most",
    "gpu-transfer",
    "no-driver-domain",
    "no-shared-pages",
    "drop-or-forward",
    "socket-interface",
    "ease-of-use",
    "cpu-cost",
    "no-dip",
    "unix-latency",
    "unix-stream",
    "iperf3-share",
    "iperf3",
    "redis-get",
    "setup-cost",
    "non-peer-cost",
    "peer-discovery",
    "gpu-evaluation",
  ]);
  // The synthetic V4V is 8 times as fast.
  expect(rows.filter((row) => row.verdict === "pass").map((row) => row.id)).toEqual([
    "latency-small",
    "bandwidth-large",
    "no-dip",
  ]);
  const open = [
    ...["scaling-latency", "scaling-bandwidth", "aggregate", "aggregate-ratio", "fairness"],
    "cpu-cost",
  ];
  for (const row of rows.slice(2).filter(({ id }) => id !== "no-dip")) {
    const verdict = open.includes(row.id) ? "cannot be judged here" : "not measured yet";
    expect(row).toMatchObject({ verdict, measured: null });
    expect(row.why).toMatch(/^.{20,}\.$/);
  }
});

test.each([
  [20, "pass"],
  [22, "fail"],
])("scaling: one pair takes 10 ms, each of two %d ms: %s", async (ms, verdict) => {
  const row = await claim("scaling-bandwidth", [
    ...paired("scaling", "v4v", 1, 1, 10),
    ...paired("scaling", "v4v", 11, 2, ms),
  ]);
  expect(row.measured?.value).toBeCloseTo(20 / ms, 6);
  expect(row.verdict).toBe(verdict);
});

test.each([
  [40, "pass"],
  [48, "fail"],
])("aggregate of 8 pairs: V4V %d ms a round trip against TCP's 200 ms: %s", async (ms, verdict) => {
  const row = await claim("aggregate-ratio", [
    ...paired("scaling", "tcp", 1, 8, 200),
    ...paired("scaling", "v4v", 11, 8, ms),
  ]);
  expect(row.measured?.value).toBeCloseTo(200 / ms, 6);
  expect(row.verdict).toBe(verdict);
});

test("the aggregate's ratio is judged with 16 domUs only, and at 8 pairs even if more ran", async () => {
  const seven = await claim("aggregate-ratio", [
    ...paired("scaling", "tcp", 1, 7, 200),
    ...paired("scaling", "v4v", 11, 7, 10),
  ]);
  expect(seven).toMatchObject({ verdict: "cannot be judged here", measured: null });
  expect(seven.why).toMatch(/16 domUs.*; 7 pairs ran here\.$/);
  const nine = await claim("aggregate-ratio", [
    ...paired("scaling", "tcp", 1, 8, 200),
    ...paired("scaling", "v4v", 11, 8, 100),
    ...paired("scaling", "tcp", 21, 9, 200),
    ...paired("scaling", "v4v", 31, 9, 10),
  ]);
  expect(nine.measured?.value).toBeCloseTo(2, 6);
  expect(nine.verdict).toBe("fail");
});

// Jain's index of two shares in the ratio 1 : r is (1 + r)^2 / (2 (1 + r^2)): 0.962 for 1.5, 0.9 for 2.
test.each([
  [15, 0.9615, "pass"],
  [20, 0.9, "fail"],
])("fairness: one pair takes 10 ms, the other %d ms: %d, %s", async (ms, index, verdict) => {
  const row = await claim("fairness", paired("scaling", "v4v", 1, 2, [10, ms]));
  expect(row.measured).toMatchObject({ unit: "index" });
  expect(row.measured?.value).toBeCloseTo(index, 3);
  expect(row.verdict).toBe(verdict);
});

test("fairness: with too few repetitions, or without V4V, nothing is decided", async () => {
  const few = paired("scaling", "v4v", 1, 2, 10).filter((line) => !line.includes('"repetition":6'));
  expect(await claim("fairness", few)).toMatchObject({
    verdict: "cannot be judged here",
    why: "Too few repetitions for an interval.",
  });
  expect(await claim("fairness", paired("scaling", "tcp", 1, 2, 10))).toMatchObject({
    verdict: "not measured yet",
    measured: null,
  });
});

test.each([
  [4, "pass"],
  [6, "fail"],
])("1 B beside a busy pair: V4V %d ms against TCP's 5 ms: %s", async (ms, verdict) => {
  const row = await claim("scaling-latency", [
    ...paired("neighbours", "tcp", 1, 2, 5, 1),
    ...paired("neighbours", "v4v", 11, 2, ms, 1),
  ]);
  expect(row.verdict).toBe(verdict);
});

test.each([
  [300, "pass"],
  [400, "fail"],
])("CPU cost: V4V %d against TCP's 1000: %s", async (cost, verdict) => {
  const of = (transport: string, first: number, ns: number) =>
    Array.from({ length: 6 }, (_, index) =>
      pingPong(first + index, transport, 1000, index + 1, [1000], {
        experiment: "cpu-pingpong",
        cpu_ns: { "0": ns, "1": ns },
        cpu_window_ns: 10_000,
      }),
    );
  const row = await claim("cpu-cost", [...of("tcp", 1, 1000), ...of("v4v", 11, cost)]);
  expect(row.measured?.value).toBeCloseTo(cost / 1000, 12);
  expect(row.verdict).toBe(verdict);
});

test("one size below 4 times TCP's bandwidth is a dip", async () => {
  const of = (size: number, first: number, us: number) => [
    ...repetitions("tcp", size, first, steady(4000)),
    ...repetitions("v4v", size, first + 10, steady(us)),
  ];
  expect((await claim("no-dip", [...of(512, 1, 500), ...of(4096, 31, 900)])).verdict).toBe("pass");
  const dip = await claim("no-dip", [...of(512, 1, 500), ...of(4096, 31, 1100)]);
  expect(dip).toMatchObject({ verdict: "fail" });
  expect(dip.measured?.value).toBeCloseTo(4000 / 1100, 9);
});

test("the size that keeps a dip from being decided is the one shown", async () => {
  const of = (size: number, first: number, us: number[]) => [
    ...repetitions("tcp", size, first, steady(4000)),
    ...repetitions("v4v", size, first + 10, us),
  ];
  const wide = [400, 500, 600, 700, 1100, 1200];
  const row = await claim("no-dip", [...of(512, 1, steady(900)), ...of(4096, 31, wide)]);
  expect(row.verdict).toBe("cannot be judged here");
  expect(row.why).toMatch(/^Of 2 places 1 pass, 0 fail; .* contains 4/);
  expect(row.measured?.value).toBeCloseTo((4000 / 600 + 4000 / 700) / 2, 9);
});

test.each([
  [790, "pass"],
  [810, "fail"],
])("1 B: V4V %d us a round trip against AF_UNIX's 400: %s", async (us, verdict) => {
  const row = await claim("unix-latency", [
    ...repetitions("unix", 1, 1, steady(400)),
    ...repetitions("v4v", 1, 11, steady(us)),
  ]);
  expect(row.verdict).toBe(verdict);
  expect(row.measured?.text).toContain("V4V/AF_UNIX, one domU");
});

test.each([
  [1299, "pass"],
  [1301, "fail"],
])("set-up under v4vrun in %d us against TCP's 1000: %s", async (us, verdict) => {
  const row = await claim("setup-cost", [
    ...connections("tcp", 1, 1000),
    ...connections("v4v", 11, 5000),
    ...connections("v4v-sockets", 21, us),
  ]);
  expect(row.verdict).toBe(verdict);
  expect(row.measured?.value).toBeCloseTo(us / 1000, 9);
  expect(row.measured?.text).toMatch(/^V4V sockets \(v4vrun\)\/TCP 1\.30, .* µs, TCP 1000/);
});

const streams = (mbPerSecond: number): string[] =>
  Array.from({ length: 6 }, (_, index) => {
    const line = stream(900 + index, "v4v", 131_072, mbPerSecond * 1e6, 1e9);
    return JSON.stringify({ ...(JSON.parse(line) as object), repetition: index + 1 });
  });

test.each([
  [86, "pass"],
  [84, "fail"],
])("iperf3 with %d MB/s against v4v-bench's 100 over AF_VSOCK: %s", async (figure, verdict) => {
  const row = await claim("iperf3-share", [
    ...programs("iperf3", "v4v-sockets", 1, figure),
    ...streams(100),
  ]);
  expect(row.verdict).toBe(verdict);
  expect(row.measured?.value).toBeCloseTo(figure / 100, 9);
  expect(row.measured?.text).toMatch(/^iperf3 over V4V sockets .* MB\/s, 100 MB\/s$/);
});

test.each<[string, "iperf3" | "redis-get", number, string]>([
  ["iperf3", "iperf3", 461, "pass"],
  ["iperf3", "iperf3", 459, "fail"],
  ["redis-get", "redis-get", 301, "pass"],
  ["redis-get", "redis-get", 299, "fail"],
])("claim %s: %s gives %d against TCP's 100: %s", async (id, kind, figure, verdict) => {
  const row = await claim(id, [
    ...programs(kind, "tcp", 1, 100),
    ...programs(kind, "v4v-sockets", 11, figure),
  ]);
  expect(row.verdict).toBe(verdict);
  expect(row.measured?.value).toBeCloseTo(figure / 100, 9);
  if (kind === "redis-get") expect(row.why).toContain("The aim of 5 is not reached.");
});

test("programs that ran over rings keep the socket interface; one whose bytes did not breaks it", async () => {
  const ran = [...programs("iperf3", "v4v-sockets", 1, 9), ...programs("redis-get", "tcp", 11, 9)];
  const kept = await claim("socket-interface", ran);
  expect(kept.verdict).toBe("pass");
  expect(kept.why).toContain(": iperf3. ");
  const slipped = program("redis-get", "v4v-sockets", 21, 1, 9, {
    ok: false,
    error: "path: by TCP",
  });
  expect(await claim("socket-interface", [...ran, slipped])).toMatchObject({
    verdict: "fail",
    why: "apps-redis-get: path: by TCP",
  });
  expect(await claim("redis-get", [slipped])).toMatchObject({
    verdict: "cannot be judged here",
    why: "It failed: path: by TCP",
  });
});

test("a stream that stays off the network interfaces has no driver domain in its path", async () => {
  const run = (transport: string, first: number, net_tx_bytes: number) =>
    Array.from({ length: 6 }, (_, index) =>
      program("iperf3", transport, first + index, index + 1, 500, { net_tx_bytes }),
    );
  const tcp = run("tcp", 30, 1052);
  expect(await claim("no-driver-domain", [...tcp, ...run("v4v-sockets", 40, 0)])).toMatchObject({
    verdict: "pass",
    measured: { value: 0.008 },
  });
  const through = await claim("no-driver-domain", [...tcp, ...run("v4v-sockets", 40, 1052)]);
  expect(through.verdict).toBe("fail");
  expect(through.measured?.text).toContain("TCP 1.06");
  expect((await claim("no-driver-domain", tcp)).verdict).toBe("not measured yet");
});
