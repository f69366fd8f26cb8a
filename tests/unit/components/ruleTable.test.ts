import { expect, test } from "vitest";
import { testbedOf } from "./world.ts";

const given = {
  "v4v.policy": "drop",
  "v4v.rules": '["domu1 -> domu2:5000 accept","any -> dom0 drop"]',
};

test("the table is what the configuration says, in viptables' words", async () => {
  const { engine } = await testbedOf(given);
  expect(engine.one("v4v:index:Rules").inputs).toMatchObject({
    dom0BootId: "dom0 boot",
    rules: expect.stringMatching(
      /^#.*\n-P drop\n-A -s domu1 -d domu2:5000 -j accept\n-A -s any -d dom0 -j drop\n$/,
    ) as string,
    tool: "/usr/local/sbin/viptables",
    unit: "v4v-rules.service",
  });
});

test("it is in force before any domU runs, by a tool that is there before it", async () => {
  const { engine } = await testbedOf(given);
  const before = engine.before(engine.one("v4v:index:Rules"));
  for (const name of ["rules-tool", "host-xen", "host-files"]) expect(before).toContain(name);
  const domUs = engine.registered.filter(({ type }) => type === "v4v:index:Domain");
  expect(domUs).toHaveLength(2);
  for (const domU of domUs) expect(engine.before(domU)).toContain("rules-table");
});

test("without V4V there is nothing to rule", async () => {
  const { engine } = await testbedOf({ "v4v.enabled": "false" });
  expect(engine.registered.filter(({ type }) => type === "v4v:index:Rules")).toEqual([]);
});
