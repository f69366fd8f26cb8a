import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { debianPackages } from "../../evaluation/sbom/debian.ts";
import { billOfMaterials, type Part } from "../../evaluation/sbom/document.ts";
import { npmPackages } from "../../evaluation/sbom/npm.ts";
import { sourceDigest } from "../build/key.ts";
import { sourcesOf, type SourcedRecipe } from "../build/sources.ts";

/** Where the parts of a testbed lie on the controller. */
export interface BillInputs {
  project: string;
  /** Entries of the build cache, by recipe. */
  index: string;
  xenSource: string;
  sockets?: string;
  /** Absent without a GPU domU. */
  gpu?: { pocl: string; tools: string };
  /** Debian trees: those of the machines and the one that builds. */
  images: Record<string, string>;
}

/** What a run's own facts say of the parts. */
export interface BillFacts {
  startedAt: string;
  versions: Record<string, string>;
  builds: Record<string, string>;
}

const read = (...path: string[]): string => readFileSync(join(...path), "utf8");

/** Packages of an image: the list that its recipe left, or dpkg's. */
function packagesOf(image: string): string {
  const list = join(image, "packages");
  return read(existsSync(list) ? list : join(image, "root/var/lib/dpkg/status"));
}

/** Lines of sha256sum(1), by path. */
const sums = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split("\n")
      .map((line) => /^([0-9a-f]{64}) [ *](?:\.\/)?(.+)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, hex = "", path = ""]) => [path, hex]),
  );

/** What only a testbed with a GPU domU has. */
function gpuParts(
  { pocl, tools }: { pocl: string; tools: string },
  version: string,
  sourcesSha256: string,
): Part[] {
  const release = read(pocl, "facts/version").trim();
  return [
    {
      name: "pocl",
      version: release,
      kind: "platform",
      licence: "MIT",
      purl: `pkg:deb/debian/pocl@${encodeURIComponent(release)}?arch=source`,
      files: sums(read(pocl, "facts/sha256sums")),
    },
    ...["gpu-bench", "pci-bar"].map((name): Part => ({
      name,
      version,
      kind: "application",
      licence: "MIT",
      sha256: read(tools, `facts/${name}-sha256`).trim(),
      sourcesSha256,
    })),
  ];
}

function parts(inputs: BillInputs, facts: BillFacts, version: string): Part[] {
  const { project, xenSource, sockets, gpu } = inputs;
  const digest = (name: SourcedRecipe) => sourceDigest(project, { name, sources: sourcesOf(name) });
  const built = (name: string) => {
    const sha256 = facts.builds[name] ?? "";
    return sha256 === "" ? {} : { sha256 };
  };
  const xen = read(xenSource, "facts/version").trim();
  const { xen: running = xen, qemu = "unknown", node = "unknown" } = facts.versions;
  const all: Part[] = [
    {
      name: "xen",
      version: xen,
      kind: "platform",
      licence: "GPL-2.0-only",
      purl: `pkg:deb/debian/xen@${encodeURIComponent(xen)}?arch=source`,
      files: sums(read(xenSource, "sha256sums")),
    },
    {
      name: "xen with V4V",
      version: running,
      kind: "platform",
      licence: "GPL-2.0-only",
      sourcesSha256: digest("hypervisor"),
      ...built("hypervisor"),
    },
    {
      name: "v4v-bench",
      version,
      kind: "application",
      licence: "MIT",
      sourcesSha256: digest("tools"),
      ...built("v4v-bench"),
    },
    { name: "root file system of the domUs", version, kind: "file", ...built("domU image") },
    { name: "qemu", version: qemu, kind: "application" },
    { name: "node", version: node, kind: "application", licence: "MIT" },
  ];
  if ((facts.builds.module ?? "") !== "")
    all.push({
      name: "v4v.ko",
      version,
      kind: "device-driver",
      licence: "GPL-2.0-only",
      sourcesSha256: digest("module"),
      ...built("module"),
    });
  if (sockets !== undefined)
    all.push({
      name: "v4v sockets",
      version,
      kind: "library",
      licence: "MIT",
      sourcesSha256: digest("sockets"),
      files: sums(read(sockets, "facts/sha256sums")),
    });
  if (gpu !== undefined) all.push(...gpuParts(gpu, version, digest("gpu-tools")));
  return all;
}

/** The bill of materials of what a run measures, as text. */
export function billOf(inputs: BillInputs, facts: BillFacts): string {
  const { project, index, images } = inputs;
  const { version } = JSON.parse(read(project, "package.json")) as { version: string };
  const lists = readdirSync(join(index, "lists")).filter((name) => name.endsWith("_Packages"));
  return billOfMaterials({
    version,
    startedAt: facts.startedAt,
    suite: read(index, "suite").trim(),
    npm: npmPackages(read(project, "package-lock.json")),
    debian: debianPackages(
      Object.fromEntries(Object.entries(images).map(([name, path]) => [name, packagesOf(path)])),
      lists.map((name) => read(index, "lists", name)).join("\n\n"),
    ),
    parts: parts(inputs, facts, version),
  });
}
