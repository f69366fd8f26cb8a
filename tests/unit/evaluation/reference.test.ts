import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readRun, redraw } from "../../../evaluation/artifacts.ts";
import { compareRuns, type ComparedRun } from "../../../evaluation/compare.ts";
import { parseManifest } from "../../../evaluation/formats.ts";
import { useFolder } from "../helpers/folder.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const at = (name: string): string => join(PROJECT, "evaluation/reference", name);
const manifestOf = (name: string) =>
  parseManifest(readFileSync(join(at(name), "manifest.json"), "utf8"));
const folder = useFolder();

describe.each([
  [
    "smoke-tcg",
    ["gpu.jsonl.gz", "manifest.json", "plan.json.gz", "samples.jsonl.gz"],
    200,
    "smoke",
  ],
  ["quick-tcg", ["manifest.json", "plan.json.gz", "samples.jsonl.gz"], 500, "quick"],
  [
    "gpu-tcg",
    ["gpu.jsonl.gz", "manifest.json", "path.jsonl.gz", "plan.json.gz", "samples.jsonl.gz"],
    800,
    "quick",
  ],
] as const)("%s", (name, expected, kib, profile) => {
  test("is small, complete and holds raw samples, plan and manifest alone", () => {
    const files = readdirSync(at(name)).sort();
    expect(files).toEqual(expected);
    const size = files.reduce((sum, one) => sum + statSync(join(at(name), one)).size, 0);
    expect(size).toBeLessThan(kib * 1024);
    expect(manifestOf(name)).toMatchObject({ complete: true, profile });
  });

  test("can be compared with, and is never written into", async () => {
    const { observed } = await readRun(at(name));
    expect(observed.length).toBeGreaterThan(200);
    await expect(redraw(at(name))).rejects.toThrow(/compressed to be kept; draw into another/);
    expect(readdirSync(at(name))).toHaveLength(expected.length);
  });
});

test("the older two were made by the same build on the same machine", () => {
  const [one, other] = [manifestOf("smoke-tcg"), manifestOf("quick-tcg")];
  expect([one.builds, one.versions, one.machine]).toEqual([
    other.builds,
    other.versions,
    other.machine,
  ]);
});

/** The documented commands, as they stand in the page. */
const page = readFileSync(join(PROJECT, "docs/artifact-evaluation.md"), "utf8");
const commands = [...page.matchAll(/^ {4}node (evaluation\/cli\.ts redraw .*) \/tmp\/(\w+)$/gm)];

test.each([
  ["smoke", 8, "", "the CPU computed"],
  ["quick", 8, "16 samples failed", "Jain"],
  ["gpu", 11, "", "the CPU computed"],
])("the documented command draws %s without a machine", (name, figures, failed, word) => {
  const command = commands.find(([, , target]) => target === name)?.[1] ?? "";
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...command.split(" "), folder("drawn")],
    { cwd: PROJECT, encoding: "utf8", timeout: 50_000 },
  );
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("Xen in QEMU TCG (emulated)");
  expect(stdout).toContain(failed);
  const report = readFileSync(folder("drawn/report.html"), "utf8");
  expect(report.match(/<svg /g)).toHaveLength(figures);
  expect(report).toContain(word);
  expect(readdirSync(folder("drawn/figures"))).toHaveLength(2 * figures);
  const drawn = parseManifest(readFileSync(folder("drawn/manifest.json"), "utf8"));
  const kept = manifestOf(`${name}-tcg`);
  for (const file of ["samples.jsonl", "plan.json"])
    expect([file, drawn.artifacts[file]]).toEqual([file, kept.artifacts[file]]);
  expect(drawn.plan).toEqual(kept.plan);
});

describe("two real runs of one build", () => {
  const slowed = ({ manifest, observed }: ComparedRun, transport: string, factor: number) => ({
    manifest,
    observed: observed.map((one) =>
      one.transport === transport && one.metric === "half_rtt"
        ? {
            ...one,
            median: one.median * factor,
            values: one.values.map((value) => value * factor),
          }
        : one,
    ),
  });

  test("show no change; V4V slowed by 10% is caught, and TCP beside it is not", async () => {
    const [base, run] = [await readRun(at("smoke-tcg")), await readRun(at("quick-tcg"))];
    for (const [one, other] of [
      [base, run],
      [run, base],
    ] as const) {
      const { changes, pooled, warnings } = compareRuns(one, other);
      expect(warnings).toEqual([]);
      expect([...changes, ...pooled].filter(({ finding }) => finding !== "none shown")).toEqual([]);
      const slower = compareRuns(one, slowed(other, "v4v", 1.1));
      expect(slower.pooled.map(({ transport, finding }) => [transport, finding])).toEqual([
        ["tcp", "none shown"],
        ["v4v", "worse"],
      ]);
    }
  });

  test.each(["smoke-tcg", "quick-tcg", "gpu-tcg"])(
    "%s against itself slowed: 10% of V4V shows, either way",
    async (name) => {
      const run = await readRun(at(name));
      for (const [factor, expected] of [
        [1, "none shown"],
        [1.1, "worse"],
        [1 / 1.1, "better"],
      ] as const) {
        const { pooled } = compareRuns(run, slowed(run, "v4v", factor));
        for (const { transport, finding, ratio } of pooled) {
          const isSlowed = transport === "v4v";
          expect([transport, finding]).toEqual([transport, isSlowed ? expected : "none shown"]);
          expect(ratio).toBeCloseTo(isSlowed ? factor : 1, 6);
        }
      }
    },
  );
});
