import { expect, test } from "vitest";
import { testbedOf } from "./world.ts";

const RULES = '["domu1 -> domu2:1 drop","any -> dom0 accept"]';

test("the table is that of the settings, put in force by the tool of dom0's package", async () => {
  const { engine } = await testbedOf({ "v4v.rules": RULES, "v4v.policy": "drop" });
  const { inputs } = engine.one("v4v:index:Rules");
  expect(inputs).toMatchObject({
    dom0BootId: "dom0 boot",
    path: "/etc/v4v-testbed/rules",
    tool: "/usr/sbin/viptables",
    unit: "v4v-rules.service",
  });
  expect(String(inputs.rules).split("\n").slice(1)).toEqual([
    "-P drop",
    "-A -s domu1 -d domu2:1 -j drop",
    "-A -s any -d dom0 -j accept",
    "",
  ]);
});

test("it comes after Xen and the tool, and before any domU runs", async () => {
  const { engine } = await testbedOf({ "v4v.rules": RULES });
  const before = engine.before(engine.one("v4v:index:Rules"));
  for (const name of ["host-xen", "host-files", "sockets-dom0"]) expect(before).toContain(name);
  for (const domain of engine.of("v4v:index:Domain"))
    expect(engine.before(domain)).toContain("rules-table");
});

test("other rules are another table, and no reason for another domU, module or image", async () => {
  const plain = await testbedOf();
  const ruled = await testbedOf({ "v4v.rules": RULES });
  const wire = ({ engine }: typeof plain, type: string) => engine.of(type).map((one) => one.wire);
  for (const type of ["Domain", "Module", "GuestImage", "Hypervisor", "Machine", "Build"])
    expect(wire(ruled, `v4v:index:${type}`)).toEqual(wire(plain, `v4v:index:${type}`));
  expect(wire(ruled, "v4v:index:Rules")).not.toEqual(wire(plain, "v4v:index:Rules"));
});

test("without V4V there is no table", async () => {
  const { engine, result } = await testbedOf({ "v4v.enabled": "false" });
  expect(result.ruleTable).toBeUndefined();
  expect(engine.of("v4v:index:Rules")).toEqual([]);
});
