import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { billOf, type BillInputs } from "../../../../provider/resources/bill.ts";
import { useFolder } from "../../helpers/folder.ts";

const PROJECT = join(import.meta.dirname, "../../../..");
const folder = useFolder();

const put = (path: string, text: string): void => {
  mkdirSync(dirname(folder(path)), { recursive: true });
  writeFileSync(folder(path), text);
};

/** A project and a build cache as `up` leaves them, as far as a bill of materials reads them. */
let inputs: BillInputs;
beforeEach(() => {
  const lock = { packages: { "node_modules/x": { version: "1.0.0", license: "MIT" } } };
  put("project/package.json", '{"version":"9.8.7"}');
  put("project/package-lock.json", JSON.stringify(lock));
  for (const part of ["recipes", "kernel", "sockets", "benchmarks", "tests/sockets", "LICENSE"])
    cpSync(join(PROJECT, part), folder("project", part), { recursive: true });
  put("index/suite", "trixie\n");
  put(
    "index/lists/m_dists_trixie_main_binary-amd64_Packages",
    `Package: a\nVersion: 1\nSHA256: ${"1".repeat(64)}\n`,
  );
  put("index/lists/m_dists_trixie_main_source_Sources", "Package: a\nVersion: 1\nSHA256: no\n");
  put("xen/facts/version", "4.20.3+1\n");
  put("xen/sha256sums", `${"2".repeat(64)}  xen_4.20.3+1.orig.tar.xz\n`);
  put("sockets/facts/sha256sums", `${"3".repeat(64)}  ./bin/v4vrun\n`);
  put("host/packages", "a 1\n");
  put("root/root/var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n");
  inputs = {
    project: folder("project"),
    index: folder("index"),
    xenSource: folder("xen"),
    sockets: folder("sockets"),
    images: { host: folder("host"), buildroot: folder("root") },
  };
});

const facts = {
  startedAt: "2026-01-02T03:04:05.000Z",
  versions: { xen: "4.20", qemu: "QEMU 7", node: "v24" },
  builds: { hypervisor: "4".repeat(64), module: "5".repeat(64), "v4v-bench": "6".repeat(64) },
};

interface Component {
  name: string;
  version?: string;
  hashes?: { content: string }[];
  properties?: { name: string; value: string }[];
  components?: Component[];
}
const components = (of: BillInputs = inputs, given = facts): Component[] =>
  (JSON.parse(billOf(of, given)) as { components: Component[] }).components;
const named = (name: string, all = components()) => all.find((one) => one.name === name);

test("it is read from lock file, images, lists, Xen's archives and the builds' digests", () => {
  const all = components();
  expect(named("x", all)?.version).toBe("1.0.0");
  expect(named("a", all)?.hashes?.[0]?.content).toBe("1".repeat(64));
  expect(named("a", all)?.properties?.map(({ value }) => value)).toEqual(["buildroot", "host"]);
  expect(named("xen", all)?.components).toMatchObject([
    { name: "xen_4.20.3+1.orig.tar.xz", hashes: [{ content: "2".repeat(64) }] },
  ]);
  expect(named("v4v sockets", all)?.components).toMatchObject([{ name: "bin/v4vrun" }]);
  for (const [name, digit] of [
    ["xen with V4V", "4"],
    ["v4v.ko", "5"],
    ["v4v-bench", "6"],
  ] as const)
    expect(named(name, all)?.hashes?.[0]?.content, name).toBe(digit.repeat(64));
  expect(named("qemu", all)?.version).toBe("QEMU 7");
});

test("what is made here carries the digest of its sources, which an edit changes", () => {
  const digest = (name: string) =>
    named(name)?.properties?.find((one) => one.name === "v4v-testbed:sources-sha256")?.value;
  const before = ["xen with V4V", "v4v.ko", "v4v sockets", "v4v-bench"].map(digest);
  expect(new Set(before).size).toBe(4);
  put("project/kernel/linux/main.c", "another\n");
  const after = ["xen with V4V", "v4v.ko", "v4v sockets", "v4v-bench"].map(digest);
  expect(after.map((value, i) => value === before[i])).toEqual([true, false, true, true]);
});

test("a testbed with a GPU domU has PoCL and the GPU's programs", () => {
  put("pocl/facts/version", "6.0-6\n");
  put("pocl/facts/sha256sums", `${"7".repeat(64)}  server/bin/pocld\n`);
  put("tools/facts/gpu-bench-sha256", `${"8".repeat(64)}\n`);
  put("tools/facts/pci-bar-sha256", `${"9".repeat(64)}\n`);
  const all = components({ ...inputs, gpu: { pocl: folder("pocl"), tools: folder("tools") } });
  expect(named("pocl", all)).toMatchObject({
    version: "6.0-6",
    purl: "pkg:deb/debian/pocl@6.0-6?arch=source",
    components: [{ name: "server/bin/pocld", hashes: [{ content: "7".repeat(64) }] }],
  });
  expect(named("gpu-bench", all)?.hashes?.[0]?.content).toBe("8".repeat(64));
  expect(named("pci-bar", all)?.hashes?.[0]?.content).toBe("9".repeat(64));
  expect(named("pocl")).toBeUndefined();
});

test("a testbed without V4V has neither module nor sockets", () => {
  const { sockets, ...without } = inputs;
  expect(sockets).toBe(folder("sockets"));
  const all = components(without, { ...facts, builds: { ...facts.builds, module: "" } });
  expect([named("v4v.ko", all), named("v4v sockets", all)]).toEqual([undefined, undefined]);
});
