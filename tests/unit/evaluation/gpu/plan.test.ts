import { expect, test } from "vitest";
import {
  gpuLegs,
  gpuPointsOf,
  renderGpuPlan,
  SHARING,
  WORKLOADS,
  type GpuPoints,
  type GpuRoute,
} from "../../../../evaluation/gpu/plan.ts";

const routes: GpuRoute[] = [
  { transport: "native", host: "gpu", prefix: "" },
  {
    transport: "tcp",
    host: "domu1",
    server: { unit: "pocld-tcp.service", port: 10998 },
    prefix: "remote-gpu tcp ",
  },
  {
    transport: "v4v-sockets",
    host: "domu1",
    server: { unit: "pocld-v4v-sockets.service", port: 11008 },
    prefix: "remote-gpu v4v-sockets ",
  },
];

const points: GpuPoints = {
  blocks: 8,
  warm: 2,
  sizes: { matmul: [64, 128], stencil: [32], transfer: [4096] },
  transferBudgetMs: 100,
  sharing: { clients: [1, 2, 4], side: 64, durationS: 3 },
};
const domUs = ["domu1", "domu2", "domu3"];

test("each block has every workload on every transport, one transport after the other", () => {
  const legs = gpuLegs(points, routes, [], 1);
  expect(legs).toHaveLength(points.blocks * routes.length * WORKLOADS.length);
  const orders = new Set<string>();
  for (let block = 0; block < points.blocks; block++) {
    const own = legs.filter((leg) => leg.block === block);
    const order = own.map(({ route }) => route.transport);
    expect(order.filter((one, i) => one !== order[i - 1])).toHaveLength(routes.length);
    expect(new Set(own.map(({ route, workload }) => `${route.transport} ${workload}`)).size).toBe(
      9,
    );
    orders.add(order.join(" "));
  }
  // Random, and not the order of the settings.
  expect(orders.size).toBeGreaterThan(1);
  expect(gpuLegs(points, routes, [], 1)).toEqual(legs);
  expect(gpuLegs(points, routes, [], 2)).not.toEqual(legs);
});

test("a line tells dom0 which domU runs what, and which server is to be fresh", () => {
  const lines = renderGpuPlan(gpuLegs({ ...points, blocks: 1 }, routes, [], 1))
    .trim()
    .split("\n");
  expect(lines.map((line) => Number(line.split(" ")[1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const find = (text: string): string =>
    lines.find((line) => line.includes(text))?.replace(/^leg \d+ /, "") ?? "";
  expect(find("native transfer")).toBe(
    "0 native transfer gpu - - gpu-bench transfer --transport native --repetitions 2 --budget-ms 100 --timeout 240 4096",
  );
  expect(find("v4v-sockets matmul")).toBe(
    "0 v4v-sockets matmul domu1 pocld-v4v-sockets.service 11008 remote-gpu v4v-sockets gpu-bench matmul --transport v4v-sockets --repetitions 2 --timeout 240 64 128",
  );
});

test("beside each remote way's transfers its plain socket has the same ones, on a server of its own", () => {
  const socket = { unit: "gpu-socket-tcp.service", address: "10.83.0.10", port: 11020 };
  const withSocket = routes.map((one) => (one.transport === "tcp" ? { ...one, socket } : one));
  const lines = renderGpuPlan(gpuLegs({ ...points, blocks: 1 }, withSocket, domUs, 1))
    .trim()
    .split("\n");
  const own = lines.filter((line) => line.slice(0, 20).includes(" tcp "));
  expect(own.find((line) => line.includes(" socket "))?.replace(/^leg \d+ /, "")).toBe(
    "0 tcp socket domu1 gpu-socket-tcp.service 11020 remote-gpu tcp gpu-bench transfer --backend socket --server 10.83.0.10:11020 --transport tcp --repetitions 2 --budget-ms 100 --timeout 240 4096",
  );
  expect(lines.filter((line) => line.includes(" socket "))).toHaveLength(1);
  // The others ask the product's server, as without one.
  expect(own.filter((line) => line.includes(" pocld-tcp.service 10998 "))).toHaveLength(5);
});

test("the plain socket is measured directly before or after its way's transfers, at random", () => {
  const withSockets = routes.map(({ server, ...route }) => ({
    ...route,
    ...(server && { server, socket: { ...server, address: "10.83.0.10" } }),
  }));
  const legs = gpuLegs({ ...points, blocks: 20 }, withSockets, domUs, 1);
  const distances = legs.flatMap(({ workload, block, route }, index) => {
    if (workload !== "socket") return [];
    const of = legs.findIndex(
      (one) => one.block === block && one.route === route && one.workload === "transfer",
    );
    return [index - of];
  });
  expect(distances).toHaveLength(40);
  expect([...new Set(distances)].sort((a, b) => a - b)).toEqual([-1, 1]);
  for (const side of [-1, 1])
    expect(distances.filter((one) => one === side).length).toBeGreaterThan(10);
  expect(gpuLegs({ ...points, blocks: 20 }, withSockets, domUs, 1)).toEqual(legs);
});

test("as many clients at once as there are domUs, on each way to the server and none natively", () => {
  const legs = gpuLegs({ ...points, blocks: 1 }, routes, domUs, 1);
  const shared = legs.filter(({ workload }) => workload === SHARING);
  const hosts = (transport: string) =>
    shared.filter(({ route }) => route.transport === transport).map((leg) => leg.hosts);
  expect(hosts("tcp")).toEqual([["domu1"], ["domu1", "domu2"]]);
  expect(hosts("v4v-sockets")).toEqual(hosts("tcp"));
  expect(hosts("native")).toEqual([]);
  expect(
    renderGpuPlan(legs)
      .split("\n")
      .find((line) => line.includes(" v4v-sockets sharing domu1,")),
  ).toMatch(
    / v4v-sockets sharing domu1,domu2 pocld-v4v-sockets.service 11008 remote-gpu v4v-sockets gpu-bench matmul --transport v4v-sockets --repetitions 100000 --duration 3 --gate stdin --timeout 240 64$/,
  );
});

test("every profile that measures has enough blocks for an interval, and none has none", () => {
  for (const profile of ["smoke", "quick", "paper", "full"])
    expect(gpuPointsOf(profile)?.blocks).toBeGreaterThanOrEqual(6);
  expect(gpuPointsOf("none")).toBeUndefined();
  expect(gpuPointsOf("toString")).toBeUndefined();
});
