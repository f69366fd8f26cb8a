import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { useFolder } from "./helpers/folder.ts";
import { standIns } from "./helpers/programs.ts";

const PROJECT = join(import.meta.dirname, "../..");
const folder = useFolder();

const NVIDIA = readFileSync(join(PROJECT, "recipes/gpu-image/nvidia-packages"), "utf8")
  .trim()
  .split("\n");

/** The plan of a root file system: what mmdebstrap would put into it. It is stopped there. */
function planOf(recipe: string, parameters: Record<string, string>, lists: readonly string[]) {
  for (const name of ["out", "work", "index/lists"]) {
    rmSync(folder(name), { recursive: true, force: true });
    mkdirSync(folder(name), { recursive: true });
  }
  writeFileSync(folder("index/suite"), "trixie\n");
  writeFileSync(folder("index/sources.list"), "deb http://deb.example/debian trixie main\n");
  writeFileSync(
    folder("index/lists/deb.example_dists_trixie_non-free_binary-amd64_Packages"),
    lists.map((name) => `Package: ${name}\nVersion: 1\n\n`).join(""),
  );
  const programs = standIns(folder("bin"), {
    mmdebstrap: `printf '%s\\n' "$@" >'${folder("asked")}'; exit 9`,
  });
  const { status, stderr } = spawnSync("sh", ["-eu", join(PROJECT, `recipes/${recipe}.sh`)], {
    cwd: folder("work"),
    encoding: "utf8",
    env: {
      ...parameters,
      ...{ SRC: PROJECT, OUT: folder("out"), DEP_INDEX: folder("index") },
      PATH: [programs, process.env.PATH ?? ""].join(delimiter),
    },
  });
  const asked = status === 9 ? readFileSync(folder("asked"), "utf8").split("\n") : [];
  const include = asked.find((word) => word.startsWith("--include="))?.slice(10);
  return { status, stderr, packages: include?.split(",") ?? [] };
}

describe("the GPU domU's image", () => {
  test("has nothing of NVIDIA's by itself", () => {
    const { status, packages } = planOf("gpu-image", {}, NVIDIA);
    expect(status).toBe(9);
    expect(packages).toContain("pocl-opencl-icd");
    expect(packages.filter((name) => NVIDIA.includes(name))).toEqual([]);
  });

  test("for a card of NVIDIA's has the driver's libraries, OpenCL and the CUDA run time beside it", () => {
    const plain = planOf("gpu-image", {}, NVIDIA).packages;
    const { packages } = planOf("gpu-image", { NVIDIA: "y" }, NVIDIA);
    expect(packages).toEqual([...plain, ...NVIDIA]);
    // What gpu-bench's back end opens by name.
    expect(NVIDIA).toEqual(expect.arrayContaining(["libcuda1", "nvidia-opencl-icd"]));
    expect(NVIDIA).toEqual(
      expect.arrayContaining(["libcudart12", "libcublas12", "libnvrtc12", "firmware-nvidia-gsp"]),
    );
  });

  test("is not begun where the lists lack one of them", () => {
    const lists = NVIDIA.filter((name) => name !== "libcublas12");
    const { status, stderr } = planOf("gpu-image", { NVIDIA: "y" }, lists);
    expect(status).toBe(1);
    expect(stderr).toContain("error: the distribution's lists have no libcublas12");
  });
});

test.each([
  [{}, false],
  [{ HVM: "n" }, false],
  [{ HVM: "y" }, true],
])("the host's image with %j has a device model: %s", (parameters, there) => {
  const { packages } = planOf("host-image", { DISK_MIB: "4096", ...parameters }, []);
  expect(packages).toContain("xen-utils-4.20");
  expect(packages.includes("qemu-system-xen")).toBe(there);
});
