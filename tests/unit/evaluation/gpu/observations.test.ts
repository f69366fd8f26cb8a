import { expect, test } from "vitest";
import { bufferRows } from "../../../../evaluation/gpu/buffers.ts";
import { gpuObservations } from "../../../../evaluation/gpu/observations.ts";
import { readGpuSamples } from "../../../../evaluation/gpu/samples.ts";
import { wayWarnings } from "../../../../evaluation/gpu/wayView.ts";
import { connection, failure, gpuFile, product, series, transfer, type Made } from "./legs.ts";

const observe = (...legs: Made[]) => gpuObservations(readGpuSamples(gpuFile(legs)));

test("a block's number is the median of its warm runs, by phase; cold runs are numbers of their own", () => {
  const { observed, unused } = observe({
    transport: "native",
    block: 3,
    lines: [
      product(64, 1, 50, "cold"),
      product(64, 0.4, 1),
      product(64, 0.4, 2),
      product(64, 0.4, 9),
    ],
  });
  expect(unused).toEqual([]);
  const by = Object.fromEntries(observed.map((one) => [one.metric, one]));
  expect(by.duration).toMatchObject({
    experiment: "gpu-matmul",
    transport: "native",
    sizeBytes: 16384,
    pairs: 1,
    // Blocks count from 0, repetitions from 1.
    repetition: 4,
    computedBy: "cpu",
  });
  expect(by.duration?.values).toHaveLength(3);
  expect(by.duration?.median).toBeCloseTo(2.4);
  expect(by.phase_compute?.median).toBe(2);
  expect(by.phase_copy_a?.median).toBeCloseTo(0.1);
  expect(by.phase_copy_c?.median).toBeCloseTo(0.2);
  expect(by.copy_share?.median).toBeCloseTo(100 / 6);
  expect(by.cold_connect?.values).toEqual([9]);
  expect([by.cold_compile?.median, by.cold_allocate?.median]).toEqual([9, 1]);
  expect(by.cold_duration?.values).toEqual([51]);
});

test("the overhead is a block's own: over the same block's native run", () => {
  const { observed } = observe(
    { transport: "native", block: 0, lines: [product(64, 0, 1)] },
    { transport: "tcp", block: 0, lines: [product(64, 0.5, 1)] },
    { transport: "tcp", block: 1, lines: [product(64, 2, 2)] },
    { transport: "native", block: 1, lines: [product(64, 0, 2)] },
    // No native run to compare with.
    { transport: "tcp", block: 2, lines: [product(64, 2, 2)] },
  );
  const overheads = observed.filter(({ metric }) => metric === "overhead");
  expect(overheads.map((one) => [one.transport, one.repetition, one.median])).toEqual([
    ["tcp", 1, 50],
    ["tcp", 2, 100],
  ]);
});

test("transfers are bandwidth, each way by itself", () => {
  const { observed } = observe({
    transport: "v4v-sockets",
    workload: "transfer",
    lines: [
      transfer(1e6, "to_device", 200),
      transfer(1e6, "to_device", 400),
      transfer(1e6, "from_device", 50),
    ],
  });
  expect(observed.map(({ metric, sizeBytes, median }) => [metric, sizeBytes, median])).toEqual([
    ["to_device", 1e6, 300],
    ["from_device", 1e6, 50],
  ]);
});

test("beside the transfers of a device stand its own block's plain socket, and what part of it they reach", () => {
  const of = (
    workload: "transfer" | "socket",
    block: number,
    there: number,
    back: number,
  ): Made => ({
    transport: "v4v-sockets",
    workload,
    block,
    type: workload === "socket" ? "other" : "cpu",
    lines: [transfer(4096, "to_device", there), transfer(4096, "from_device", back)],
  });
  const { observed, unused, devices } = observe(
    of("transfer", 0, 100, 50),
    of("socket", 0, 400, 100),
    of("socket", 1, 400, 100),
    of("transfer", 1, 300, 80),
    // Nothing to compare with.
    of("transfer", 2, 100, 50),
  );
  expect(unused).toEqual([]);
  const of4096 = (metric: string) =>
    observed
      .filter((one) => one.metric === metric)
      .map((one) => [one.experiment, one.repetition, Math.round(one.median)]);
  expect(of4096("to_device_of_socket")).toEqual([
    ["gpu-transfer", 1, 25],
    ["gpu-transfer", 2, 75],
  ]);
  expect(of4096("from_device_of_socket")).toEqual([
    ["gpu-transfer", 1, 50],
    ["gpu-transfer", 2, 80],
  ]);
  expect(of4096("to_device").filter(([experiment]) => experiment === "gpu-socket")).toHaveLength(2);
  // It is none of the devices that computed.
  expect(devices.map(({ type }) => type)).toEqual(["cpu"]);
});

test.each([
  ["tcp", { net: 1000, ring: 2 ** 30 }, /^of 1000000 bytes only 1000 went by the network/],
  ["v4v-sockets", { net: 2 ** 30, ring: 1000 }, /^of 1000000 bytes only 1000 went by rings/],
  ["native", { net: 2 ** 30, ring: 0 }, /left the GPU domU/],
])("%s whose bytes went another way gives no number", (transport, moved, reason) => {
  const lines = [transfer(1e6, "to_device", 200)];
  const leg: Made = { transport, workload: "transfer", ...moved, lines };
  const { observed, unused, ways } = observe(leg);
  expect(observed).toEqual([]);
  // By its connections a native leg was proven; the table must not say what the numbers do not.
  expect(ways).toMatchObject([{ verdict: "another way", why: unused[0]?.reason }]);
  expect(unused).toMatchObject([{ experiment: "gpu-transfer", transport, failed: true }]);
  expect(unused[0]?.reason).toMatch(reason);
});

const MB = 1e6;
const moved = (transport: string, connections: object[], status = 0): Made => ({
  transport,
  workload: "transfer",
  status,
  lines: [transfer(MB, "to_device", 200), ...connections],
});

test.each([
  ["tcp", [connection(MB, MB, null)], "proven", ""],
  ["tcp", [connection(MB, 200, null), connection(MB, MB, 0)], "proven", ""],
  [
    "tcp",
    [connection(MB, MB - 1, null)],
    "another way",
    "of 1000000 bytes only 999999 went by TCP",
  ],
  ["tcp", [connection(MB, 2 * MB, 1)], "another way", "1 bytes of its connections went by rings"],
  // Another size's connection moved the bytes, which is no proof for this one.
  ["tcp", [connection(4096, MB, null)], "not shown", "no connection was recorded"],
  ["tcp", [], "not shown", "no connection was recorded"],
  ["tcp", [connection(MB, null, null)], "not shown", "ss did not tell"],
  ["v4v-sockets", [connection(MB, 100, MB)], "proven", ""],
  ["v4v-sockets", [connection(MB, MB, null)], "another way", "only 0 went by rings"],
  ["v4v-sockets", [connection(MB, MB / 2, MB)], "another way", "500000 bytes of its connections"],
  ["v4v-sockets", [connection(MB, null, MB)], "not shown", "ss did not tell"],
  ["native", [], "proven", ""],
  [
    "native",
    [connection(MB, 1, null)],
    "another way",
    "a native run has a connection to 10.83.0.10",
  ],
] as const)("the way of %s with %j: %s", (transport, connections, verdict, why) => {
  const { ways, observed, unused } = observe(moved(transport, [...connections]));
  expect(ways).toMatchObject([
    { leg: 1, block: 0, transport, workload: "transfer", connections: connections.length, verdict },
  ]);
  expect(ways[0]?.why).toContain(why);
  expect(ways[0]?.payload).toBe(MB);
  // What went another way is no number of this one's.
  expect(observed).toHaveLength(verdict === "another way" ? 0 : 1);
  expect(unused.map(({ reason }) => reason)).toEqual(
    verdict === "another way" ? [ways[0]?.why] : [],
  );
});

test("a leg that failed proves nothing, and its last attempt is the one that is told of", () => {
  const { ways } = observe(
    { ...moved("tcp", [connection(MB, 0, null)], 1), leg: 4 },
    { ...moved("tcp", [connection(MB, 3 * MB, null)]), leg: 4, attempt: 2 },
    { ...moved("tcp", [connection(MB, 0, null)], 1), leg: 5 },
  );
  expect(ways.map(({ leg, attempt, verdict, tcp }) => [leg, attempt, verdict, tcp])).toEqual([
    [4, 2, "proven", 3 * MB],
    [5, 1, "not shown", 0],
  ]);
});

test("of a run that recorded no connections nothing is said of them", () => {
  const old = (legs: Made[]) => gpuObservations(readGpuSamples(gpuFile(legs, true, 1)));
  const { ways, observed } = old([moved("tcp", []), moved("native", [])]);
  expect(ways).toEqual([]);
  expect(observed).toHaveLength(2);
});

test("of several clients each has to show its own way", () => {
  const own = (ring: number): object[] => [...series(20, 0.2), connection(4 * 64 * 64, 50, ring)];
  const of = (second: number): Made => ({
    transport: "v4v-sockets",
    workload: "sharing",
    lines: [],
    clients: { domu1: own(2 * MB), domu2: own(second) },
  });
  // 20 products of three matrices of 64 x 64.
  expect(observe(of(20 * 3 * 16_384)).ways).toMatchObject([{ verdict: "proven", connections: 2 }]);
  const { ways, observed } = observe(of(20 * 3 * 16_384 - 1));
  expect(ways[0]?.verdict).toBe("another way");
  expect(observed).toEqual([]);
});

test("of a leg that was measured again the last attempt counts, and the failure is told", () => {
  const { observed, unused } = observe(
    {
      transport: "tcp",
      leg: 1,
      status: 1,
      lines: [product(64, 1, 1), failure("matmul", "the server is gone")],
    },
    { transport: "tcp", leg: 1, attempt: 2, lines: [product(64, 1, 3)] },
  );
  const durations = observed.filter(({ metric }) => metric === "duration");
  expect(durations.map(({ median }) => median)).toEqual([4]);
  expect(unused).toMatchObject([
    { failed: true, reason: "compute: the server is gone (measured again)", sizeBytes: 16384 },
  ]);
});

test("a leg that could not be started, and one that was given up, are told", () => {
  const { observed, unused } = observe(
    { transport: "tcp", status: 255, lines: [] },
    { transport: "v4v-sockets", status: 1, lines: [failure("matmul", "no device")] },
  );
  expect(observed).toEqual([]);
  expect(unused.map(({ reason }) => reason)).toEqual([
    "gpu-bench could not be started, or its domU was lost",
    "compute: no device",
  ]);
});

test.each([
  ["tcp", 0, 0],
  ["v4v-sockets", null, null],
])("a leg of %s that ran out of its time says so, and nothing of ways", (transport, net, ring) => {
  const { observed, unused, ways } = observe({
    ...{ transport, workload: "transfer", status: 124, net, ring, why: "not done within 900 s" },
    lines: [transfer(1e6, "to_device", 200), connection(1e6, 2e6, 2e6)],
  });
  expect(observed).toEqual([]);
  expect(unused.map(({ reason }) => reason)).toEqual(["not done within 900 s"]);
  expect(ways).toMatchObject([{ verdict: "not shown", why: "the leg failed", used: false }]);
  expect(wayWarnings(ways)).toEqual([]);
});

test("a leg that was ended by force with its counters read counts for what it did", () => {
  const { observed, unused } = observe({
    ...{ transport: "tcp", workload: "transfer", status: 124 },
    lines: [transfer(1e6, "to_device", 200)],
  });
  expect(observed).toHaveLength(1);
  expect(unused.map(({ reason }) => reason)).toEqual(["it was not done in its time"]);
});

test("both ends' buffers of a connection are brought together; other connections have the client's alone", () => {
  const end = (role: string, local: string, remote: string, receive: number) =>
    ({ type: "buffers", host: "x", end: role, local, remote, receive, send: 9 }) as const;
  const [client, other, server] = ["10.83.0.11:40000", "10.83.0.12:40000", "10.83.0.10:10998"];
  const told = { ...connection(4096, 1, null), remote: "10.83.0.10:11020", rcvbuf: 5, sndbuf: 6 };
  const made = gpuFile([
    {
      ...{ transport: "tcp", workload: "sharing", lines: [] },
      clients: {
        domu1: [
          ...series(9, 0.2),
          end("client", client, server, 7),
          end("server", server, client, 7),
        ],
        domu2: [
          ...series(9, 0.2),
          end("client", other, server, 7),
          end("server", server, other, 8),
        ],
      },
    },
    { transport: "tcp", workload: "socket", lines: [transfer(4096, "to_device", 1), told] },
    {
      ...{ transport: "v4v-sockets", workload: "socket" },
      lines: [transfer(4096, "to_device", 1), told, end("listener", told.remote, "", 5)],
    },
  ]);
  const file = readGpuSamples(made);
  expect(file.problems).toEqual([]);
  const [seven, eight] = [7, 8].map((receive) => ({ receive, send: 9 }));
  const common = { transport: "tcp", connections: 1 };
  expect(bufferRows(file)).toEqual([
    { ...common, port: "10998", client: seven, server: seven, equal: true },
    { ...common, port: "10998", client: seven, server: eight, equal: false },
    { ...common, port: "11020", client: { receive: 5, send: 6 }, server: null, equal: null },
    {
      ...{ ...common, transport: "v4v-sockets", port: "11020", client: { receive: 5, send: 6 } },
      ...{ server: { receive: 5, send: 9 }, equal: false },
    },
  ]);
});

test("lines that are no good are numbered, the others count; a leg without its end does not", () => {
  const text = gpuFile([{ transport: "tcp", lines: [product(64, 1, 1)] }], false);
  const file = readGpuSamples(
    `${text}{"type":"leg","leg":2}\nno JSON\n{"type":"what"}\n${JSON.stringify(product(64, 1, 1))}\n`,
  );
  expect(file.attempts).toHaveLength(1);
  expect(file.complete).toBe(false);
  expect(file.problems.map(({ line }) => line)).toEqual([8, 9, 10, 11]);
  expect(file.hosts).toEqual({ domu1: { "net.core.rmem_max": "8388608" } });
});

test("several clients: what they get together and each, how evenly, and how much longer each waits", () => {
  const { observed, unused } = observe(
    { transport: "tcp", workload: "sharing", block: 1, lines: series(40, 0.1) },
    {
      transport: "tcp",
      workload: "sharing",
      block: 1,
      lines: [],
      clients: { domu1: series(20, 0.2), domu2: series(10, 0.4) },
    },
    // No lone client of its block to compare with.
    {
      transport: "tcp",
      workload: "sharing",
      block: 2,
      lines: [],
      clients: { domu1: series(20, 0.2), domu2: series(20, 0.2) },
    },
  );
  expect(unused).toEqual([]);
  const find = (metric: string, pairs: number, repetition = 2) =>
    observed.find(
      (one) => one.metric === metric && one.pairs === pairs && one.repetition === repetition,
    );
  expect(observed.every(({ experiment }) => experiment === "gpu-sharing")).toBe(true);
  expect(find("rate", 1)?.median).toBeCloseTo(10);
  expect(find("rate", 2)?.median).toBeCloseTo(7.5);
  expect(find("client_rate", 2)?.values.map((value) => value.toFixed(2))).toEqual(["5.00", "2.50"]);
  expect(find("fairness", 1)).toBeUndefined();
  expect(find("fairness", 2)?.median).toBeCloseTo(0.9);
  expect(find("slowdown", 2)?.values.map((value) => value.toFixed(2))).toEqual(["2.00", "4.00"]);
  expect(find("slowdown", 1)?.values).toEqual([1]);
  expect(find("rate", 2, 3)?.median).toBeCloseTo(10);
  expect(find("slowdown", 2, 3)).toBeUndefined();
});

test("of several clients one of which ended badly there is no number, of a repeated leg only then if the last attempt did", () => {
  const of = (leg: number, attempt: number, status: number): Made => ({
    ...{ transport: "tcp", workload: "sharing", lines: [], leg, attempt, status },
    clients: { domu1: series(20, 0.2), domu2: series(10, 0.2) },
  });
  const { observed, unused } = observe(of(1, 1, 0), of(1, 2, 1));
  expect(observed).toEqual([]);
  expect(unused.map(({ reason }) => reason)).toEqual(["gpu-bench ended with status 1"]);
  expect(observe(of(1, 1, 1), of(1, 2, 0)).observed.map(({ metric }) => metric)).toEqual([
    ...["rate", "client_rate", "duration", "fairness"],
  ]);
  // One client by itself, too: the others' slowdown is over its product.
  const alone: Made = {
    ...{ transport: "tcp", workload: "sharing", lines: series(9, 0.1), status: 1 },
  };
  expect(observe(alone).observed).toEqual([]);
});

test("several clients of which one did nothing, or too shortly, give no number", () => {
  const { observed, unused } = observe(
    {
      transport: "tcp",
      workload: "sharing",
      lines: [],
      clients: { domu1: series(20, 0.2), domu2: [] },
    },
    {
      transport: "tcp",
      workload: "sharing",
      lines: [],
      clients: { domu1: series(20, 0.2), domu2: series(2, 0.2) },
    },
  );
  expect(observed).toEqual([]);
  expect(unused.map(({ experiment, reason }) => [experiment, reason])).toEqual([
    ["gpu-sharing", "domu2 has no run"],
    ["gpu-sharing", "the time is too short to tell when all clients ran"],
  ]);
});
