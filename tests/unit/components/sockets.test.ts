import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RemoteFile } from "../../../provider/resources/files.ts";
import { DISPLAY, PROJECT, testbedOf } from "./world.ts";

const { version } = JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as {
  version: string;
};
const makefile = readFileSync(join(PROJECT, "sockets/Makefile"), "utf8");
const parts = join(PROJECT, "recipes/packages");

/** What a domU gets on top of its image from a build. */
async function onTop(given: Record<string, string>, image: string, build: string) {
  const { engine } = await testbedOf(given);
  const { payload } = engine.one("v4v:index:GuestImage", image).inputs as { payload: RemoteFile[] };
  return payload.filter(({ source = "" }) => source.startsWith(`/cache/${build}/`));
}

test("dom0 gets the packages of the build, which start the daemon; that it cannot be started is an error", async () => {
  const { engine } = await testbedOf();
  const resource = engine.one("v4v:index:Packages", "sockets-dom0");
  const deb = (name: string) => `/cache/sockets/packages/${name}_${version}_amd64.deb`;
  expect(resource.inputs.packages).toEqual([
    { name: "v4v-sockets", source: deb("v4v-sockets"), build: "5d1" },
    { name: "v4v-dom0", source: deb("v4v-dom0"), build: "5d2" },
  ]);
  expect(resource.inputs.then).toBe("systemctl start v4vd.service");
  expect(engine.before(resource)).toContain("host-xen");
  expect(readFileSync(join(parts, "v4v-dom0/postinst"), "utf8")).toContain("restart v4vd.service");
  expect(readFileSync(join(parts, "v4v-dom0/v4vd.service"), "utf8")).toContain(
    "ExecStart=/usr/sbin/v4vd\n",
  );
});

test("a domU's image gets all of v4v-sockets, with what dpkg keeps of it", async () => {
  const layer = await onTop({}, "domus-image", "domu-packages");
  for (const { path, source } of layer) expect(source).toBe(`/cache/domu-packages/root${path}`);
  const modes = new Map(layer.map(({ path, mode }) => [path, mode]));
  const installed = [...makefile.matchAll(/-m (\d+) .*\$\(PREFIX\)\/((?:bin|lib)\/\S+)$/gm)];
  expect(installed).toHaveLength(3);
  for (const [, mode, path = ""] of installed) expect(modes.get(`/usr/${path}`)).toBe(mode);
  const records = ["list", "md5sums"].concat(
    ["preinst", "postinst", "prerm", "postrm"].filter((script) =>
      existsSync(join(parts, "v4v-sockets", script)),
    ),
  );
  for (const name of records)
    expect(modes.has(`/var/lib/dpkg/info/v4v-sockets.${name}`), name).toBe(true);
  expect(modes.has("/var/lib/dpkg/status")).toBe(true);
  expect(layer).toHaveLength(installed.length + records.length + 1);
  // No domU runs them: its image is put together without running anything of it.
  expect(records).not.toContain("postinst");
});

test("the GPU domU's image has packages of its own, so its records are others", async () => {
  const given = { "gpu.device": DISPLAY };
  const { engine } = await testbedOf(given);
  const image = (name: string) =>
    (engine.one("v4v:index:Build", name).inputs.dependencies as { image: string }).image;
  expect(image("build-domu-packages")).toBe("/cache/domu-image");
  expect(image("build-gpu-packages")).toBe("/cache/gpu-image");
});

test("without V4V there are no packages and no discovery", async () => {
  const given = { "v4v.enabled": "false" };
  const { engine, result } = await testbedOf(given);
  expect(result.sockets).toBeUndefined();
  expect(engine.of("v4v:testbed:Sockets")).toEqual([]);
  expect(engine.of("v4v:index:Packages")).toEqual([]);
  expect(await onTop(given, "domus-image", "domu-packages")).toEqual([]);
});
