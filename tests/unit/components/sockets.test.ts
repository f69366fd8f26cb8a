import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RemoteFile } from "../../../provider/resources/files.ts";
import { PROJECT, testbedOf } from "./world.ts";

test("dom0 gets the discovery daemon and its unit, which is started anew with each", async () => {
  const { engine } = await testbedOf();
  const resource = engine.one("v4v:index:Files", "sockets-dom0");
  const files = resource.inputs.files as RemoteFile[];
  expect(files).toContainEqual({
    path: "/usr/local/sbin/v4vd",
    mode: "755",
    source: "/cache/sockets/root/sbin/v4vd",
  });
  const unit = files.find(({ path }) => path === "/etc/systemd/system/v4vd.service");
  expect(unit?.content).toBe(readFileSync(join(PROJECT, "dom0/v4vd.service"), "utf8"));
  expect(unit?.content).toContain("ExecStart=/usr/local/sbin/v4vd\n");
  expect(resource.inputs.then).toContain("restart v4vd.service");
  expect(engine.before(resource)).toContain("host-xen");
});

test("every domain gets library and tools, the same in dom0 and domUs", async () => {
  const { engine } = await testbedOf();
  const dom0 = engine.one("v4v:index:Files", "sockets-dom0").inputs.files as RemoteFile[];
  const { payload } = engine.one("v4v:index:GuestImage").inputs as { payload: RemoteFile[] };
  const makefile = readFileSync(join(PROJECT, "sockets/Makefile"), "utf8");
  for (const [path, mode] of [
    ["bin/v4vrun", "755"],
    ["bin/v4vctl", "755"],
    ["lib/libv4vsockets.so", "644"],
  ] as const) {
    const file = { path: `/usr/local/${path}`, mode, source: `/cache/sockets/root/${path}` };
    expect(dom0).toContainEqual(file);
    expect(payload).toContainEqual(file);
    expect(makefile).toContain(`$(DESTDIR)$(PREFIX)/${path}\n`);
  }
});

test("without V4V there is no discovery", async () => {
  const { engine, result } = await testbedOf({ "v4v.enabled": "false" });
  expect(result.sockets).toBeUndefined();
  expect(engine.of("v4v:testbed:Sockets")).toEqual([]);
});
