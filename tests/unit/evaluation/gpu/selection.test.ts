import { describe, expect, test } from "vitest";
import { gpuPointsOf, type GpuRoute } from "../../../../evaluation/gpu/plan.ts";
import { selectGpu } from "../../../../evaluation/gpu/selection.ts";
import { WHOLE_PROFILE, type Selection } from "../../../../evaluation/selection.ts";

const routes: GpuRoute[] = (["native", "tcp", "v4v-sockets"] as const).map((transport) => ({
  ...{ transport, host: "domu1", prefix: "" },
}));
const chosen = (parts: Partial<Selection>, profile = "smoke", from = routes) =>
  selectGpu(profile, from, { ...WHOLE_PROFILE, ...parts });

test("the whole profile measures all routes as often as it says", () => {
  expect(chosen({})).toEqual({ points: gpuPointsOf("smoke"), routes });
});

describe("nothing is measured", () => {
  test.each(["latency", "latency,stream"])("where experiments are named: %s", (experiments) => {
    expect(chosen({ experiments })).toBeUndefined();
  });

  test("over transports that no route has, without a route, and by profile none", () => {
    expect(chosen({ transports: "unix, v4v" })).toBeUndefined();
    expect(chosen({}, "smoke", [])).toBeUndefined();
    expect(chosen({}, "none")).toBeUndefined();
  });
});

test("transports chosen are the routes", () => {
  const found = chosen({ transports: "v4v-sockets, native,v4v" });
  expect(found?.routes.map(({ transport }) => transport)).toEqual(["native", "v4v-sockets"]);
});

test("sizes chosen for a workload take the place of the profile's, and of no other workload's", () => {
  const found = chosen({ gpuProducts: "32, 96,32", gpuTransfers: "8KiB,1" });
  const whole = gpuPointsOf("smoke");
  expect(found?.points).toEqual({
    ...whole,
    sizes: { matmul: [32, 96], stencil: whole?.sizes.stencil, transfer: [8192, 1] },
  });
});

test.each([
  ["12", 12],
  ["7-20", 7],
])("repetitions %s are that many blocks at least", (repetitions, blocks) => {
  const found = chosen({ repetitions });
  expect(found?.points).toEqual({ ...gpuPointsOf("smoke"), blocks });
});
