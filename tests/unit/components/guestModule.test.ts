import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RemoteFile } from "../../../provider/resources/files.ts";
import { PROJECT, testbedOf } from "./world.ts";

test("dom0 loads the module that was built, at this boot and the next", async () => {
  const { engine } = await testbedOf({ "v4v.ringKiB": "256", "v4v.spinUs": "50" });
  const module = engine.one("v4v:index:Module");
  expect(module.inputs).toMatchObject({
    source: "/cache/module/v4v.ko",
    srcversion: "5EC",
    dom0BootId: "dom0 boot",
    unit: "v4v-module.service",
  });
  // The unit loads what the resource puts in place.
  expect(module.inputs.unitFile).toContain(
    ` ${String(module.inputs.path)} ring_kib=256 spin_us=50\n`,
  );
  expect(engine.before(module)).toContain("host-xen");
  expect(engine.before(module)).toContain("host-files");
});

test("domUs get the module, the loader, and a hook that runs one on the other", async () => {
  const { engine } = await testbedOf({ "v4v.ringKiB": "64" });
  const { payload } = engine.one("v4v:index:GuestImage").inputs as { payload: RemoteFile[] };
  const files = payload.filter(({ path }) => /\/lib\/v4v\/|-v4v$/.test(path));
  const [module, loader, hook, ...others] = files as [RemoteFile, RemoteFile, RemoteFile];
  expect(others).toEqual([]);
  expect(module).toEqual({
    path: "/usr/local/lib/v4v/v4v.ko",
    mode: "644",
    source: "/cache/module/v4v.ko",
  });
  expect(loader.mode).toBe("755");
  expect(loader.content).toBe(readFileSync(join(PROJECT, "dom0/load-v4v"), "utf8"));
  expect(hook).toEqual({
    path: "/etc/v4v/boot.d/50-v4v",
    mode: "755",
    content: `#!/bin/sh\nexec ${loader.path} ${module.path} ring_kib=64 spin_us=1000\n`,
  });
});

test("without V4V nothing of it is built, loaded or packed", async () => {
  const { engine, result } = await testbedOf({ "v4v.enabled": "false" });
  expect(result.guestModule).toBeUndefined();
  expect(engine.of("v4v:index:Module")).toEqual([]);
  expect(engine.of("v4v:testbed:GuestModule")).toEqual([]);
  const { payload } = engine.one("v4v:index:GuestImage").inputs as { payload: RemoteFile[] };
  expect(payload.map(({ path }) => path)).toEqual([
    "/usr/local/bin/v4v-bench",
    "/etc/v4v/boot.d/10-sockets",
  ]);
});

test("a hook's place in the order is its name: buffers before the module", async () => {
  const { engine } = await testbedOf();
  const { payload } = engine.one("v4v:index:GuestImage").inputs as { payload: RemoteFile[] };
  const hooks = payload
    .map(({ path }) => path)
    .filter((path) => path.startsWith("/etc/v4v/boot.d/"));
  expect(hooks).toEqual(["/etc/v4v/boot.d/10-sockets", "/etc/v4v/boot.d/50-v4v"]);
  expect([...hooks].sort()).toEqual(hooks);
});
