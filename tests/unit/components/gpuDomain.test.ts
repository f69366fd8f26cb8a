import { expect, test } from "vitest";
import { testbedOf } from "./world.ts";

const DEVICE = "0000:00:10.0";

test.each([{}, { "gpu.device": "auto" }, { "gpu.device": "none" }])(
  "with %j nothing is taken from dom0, and the machine is the plain one",
  async (given: Record<string, string>) => {
    const { engine, result } = await testbedOf(given);
    expect(result.gpuDomain).toBeUndefined();
    expect(engine.of("v4v:index:Passthrough")).toEqual([]);
    expect(engine.one("v4v:index:Machine").inputs).not.toHaveProperty("gpu");
  },
);

test("a named device is taken when Xen runs, on a machine that has one", async () => {
  const { engine } = await testbedOf({ "gpu.device": DEVICE });
  const device = engine.one("v4v:index:Passthrough");
  expect(device.inputs).toMatchObject({
    dom0BootId: "dom0 boot",
    device: DEVICE,
    domain: "gpu",
    folder: "/var/lib/v4v-testbed/passthrough",
    sysfs: "/sys",
  });
  expect(engine.before(device)).toContain("host-xen");
  expect(engine.one("v4v:index:Machine").inputs.gpu).toBe(true);
});

test("it changes no build and no domU", async () => {
  const plain = await testbedOf();
  const named = await testbedOf({ "gpu.device": DEVICE });
  const wire = ({ engine }: typeof plain, type: string) => engine.of(type).map((one) => one.wire);
  for (const type of ["Domain", "Module", "GuestImage", "Hypervisor", "Build", "Rules"])
    expect(wire(named, `v4v:index:${type}`)).toEqual(wire(plain, `v4v:index:${type}`));
});
