import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  mkdirSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  markLatest,
  redraw,
  writeArtifacts,
  type SummaryFile,
} from "../../../evaluation/artifacts.ts";
import { sha256 } from "../../../evaluation/hash.ts";
import { manifestHash } from "../../../evaluation/manifest.ts";
import { parseManifest, parsePlan } from "../../../evaluation/formats.ts";
import { parseCsv } from "../../../evaluation/results.ts";
import { facts } from "./facts.ts";
import { asFile, smokePlan, syntheticLines } from "./synthetic.ts";

let parent: string;
let directory: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "v4v-artifacts-"));
  directory = join(parent, facts.runId);
  mkdirSync(directory);
});

afterEach(() => {
  rmSync(parent, { recursive: true });
});

const plan = smokePlan();
const put = (lines: readonly string[]): void => {
  writeFileSync(join(directory, "samples.jsonl"), asFile(lines));
};
const get = (name: string): string => readFileSync(join(directory, name), "utf8");
const bytes = (name: string): Buffer => readFileSync(join(directory, name));
const contents = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
      .sort()
      .map((name) => [name, bytes(name).toString("latin1")]),
  );

test("the bill of materials is vouched for by the manifest, and goes along where a run is drawn anew", async () => {
  put(syntheticLines(plan));
  writeFileSync(join(directory, "sbom.cdx.json"), '{"bomFormat":"CycloneDX"}');
  await writeArtifacts({ directory, plan, facts });
  const { artifacts } = parseManifest(get("manifest.json"));
  expect(artifacts["sbom.cdx.json"]).toBe(sha256(bytes("sbom.cdx.json")));
  const target = join(parent, "elsewhere");
  await redraw(directory, target);
  for (const name of ["sbom.cdx.json", "manifest.json", "report.html"])
    expect(readFileSync(join(target, name), "utf8"), name).toBe(get(name));
});

test("a run folder gets all of its files, which agree with each other", async () => {
  put(syntheticLines(plan, undefined, [3]));
  const made = await writeArtifacts({ directory, plan, facts });
  expect(Object.keys(contents())).toEqual([
    "figures/bandwidth.png",
    "figures/bandwidth.svg",
    "figures/latency.png",
    "figures/latency.svg",
    "figures/ratio.png",
    "figures/ratio.svg",
    "figures/stream.png",
    "figures/stream.svg",
    "manifest.json",
    "plan.json",
    "report.html",
    "results.csv",
    "samples.jsonl",
    "summary.json",
  ]);
  const manifest = parseManifest(get("manifest.json"));
  expect(manifestHash(manifest)).toBe(made.manifestHash);
  const listed = Object.keys(contents()).filter(
    (name) => !["manifest.json", "report.html"].includes(name),
  );
  expect(Object.keys(manifest.artifacts).sort()).toEqual(listed);
  for (const [name, hash] of Object.entries(manifest.artifacts))
    expect(sha256(bytes(name))).toBe(hash);
  expect(parsePlan(get("plan.json"))).toEqual(plan);
  const summary = JSON.parse(get("summary.json")) as SummaryFile;
  expect(summary.claims).toEqual(made.claims);
  expect(summary.headline).toEqual(made.headline);
  const rows = parseCsv(get("results.csv")).filter(
    (row) => row.experiment === "latency" && row.transport === "v4v" && row.sizeBytes === 1,
  );
  const values = rows.map((row) => row.value).sort((a, b) => a - b);
  expect(made.headline[0]?.halfRtt.v4v).toBe(((values[2] ?? 0) + (values[3] ?? 0)) / 2);
  expect(get("report.html")).toContain(made.manifestHash);
  expect(get("report.html")).toContain(get("figures/latency.svg"));
  expect(made).toMatchObject({ complete: true, paths: { report: join(directory, "report.html") } });
  expect(made.table).toContain("1 sample failed");
});

test("drawn again from the folder alone it is the same, byte for byte", async () => {
  put(syntheticLines(plan));
  const made = await writeArtifacts({ directory, plan, facts });
  const before = contents();
  for (const name of [
    ...["results.csv", "summary.json", "report.html"],
    ...["figures/latency.svg", "figures/latency.png"],
  ]) {
    rmSync(join(directory, name));
  }
  expect(await redraw(directory)).toEqual(made);
  expect(contents()).toEqual(before);
});

test("samples changed behind the manifest's back are not passed off as the run's", async () => {
  put(syntheticLines(plan));
  await writeArtifacts({ directory, plan, facts });
  writeFileSync(
    join(directory, "samples.jsonl"),
    get("samples.jsonl").replace('"bytes":', '"bytes":1'),
  );
  await expect(redraw(directory)).rejects.toThrow(
    /samples\.jsonl: has changed since manifest\.json/,
  );
});

test("a run that is not complete is evaluated so far, and again when it went on", async () => {
  const lines = syntheticLines(plan);
  const end = lines.findIndex((line) => line.includes('"v4v"'));
  put([...lines.slice(0, end), lines[end]?.slice(0, 30) ?? ""]);
  writeFileSync(join(directory, "samples.jsonl"), get("samples.jsonl").trimEnd());
  const partly = await writeArtifacts({ directory, plan, facts });
  expect(partly.complete).toBe(false);
  expect(parseManifest(get("manifest.json")).complete).toBe(false);
  expect(readdirSync(join(directory, "figures"))).not.toContain("ratio.svg");
  put(lines);
  const whole = await writeArtifacts({ directory, plan, facts });
  expect(whole.complete).toBe(true);
  expect(whole.manifestHash).not.toBe(partly.manifestHash);
  expect(readdirSync(join(directory, "figures"))).toContain("ratio.svg");
});

test("figures that the samples no longer give disappear", async () => {
  put(syntheticLines(plan));
  await writeArtifacts({ directory, plan, facts });
  const tcp = smokePlan(["tcp"]);
  put(syntheticLines(tcp));
  await writeArtifacts({ directory, plan: tcp, facts });
  expect(readdirSync(join(directory, "figures"))).toEqual([
    "bandwidth.png",
    "bandwidth.svg",
    "latency.png",
    "latency.svg",
    "stream.png",
    "stream.svg",
  ]);
});

test("characters cut by the reader's pieces stay whole", async () => {
  const wide = "é€😀".repeat(1000);
  const lines = syntheticLines(plan, undefined, [1]).map((line) =>
    line.replace("Connection", wide),
  );
  const padded = (length: number): string[] => [
    lines[0] ?? "",
    "x".repeat(length),
    ...lines.slice(1),
  ];
  // Files are read in pieces of 64 KiB: the second one is to begin within a character.
  const continues = (length: number): boolean =>
    ((Buffer.from(asFile(padded(length)))[65_536] ?? 0) & 0xc0) === 0x80;
  const length = [60_000, 60_001, 60_002, 60_003].find(continues);
  expect(length).toBeDefined();
  put(padded(length ?? 0));
  await writeArtifacts({ directory, plan, facts });
  const { unused, problems } = JSON.parse(get("summary.json")) as SummaryFile;
  expect(unused[0]?.reason).toBe(`domu1 (client): connect: ${wide} reset by peer`);
  expect(problems).toMatchObject([{ line: 2, problem: "not JSON" }]);
});

test("samples of another plan, no samples, or none at all are refused and nothing is written", async () => {
  await expect(writeArtifacts({ directory, plan, facts })).rejects.toThrow(
    /samples\.jsonl: there is no such file/,
  );
  await expect(redraw(directory)).rejects.toThrow(/plan\.json: there is no such file/);
  put([]);
  await expect(writeArtifacts({ directory, plan, facts })).rejects.toThrow(/holds no sample/);
  put(syntheticLines(plan));
  const other = smokePlan(["tcp", "v4v"], 2);
  await expect(writeArtifacts({ directory, plan: other, facts })).rejects.toThrow(
    /the samples belong to plan [0-9a-f]{16}/,
  );
  expect(Object.keys(contents())).toEqual(["samples.jsonl"]);
});

test("latest points to the run marked last", async () => {
  await markLatest(directory);
  expect(readlinkSync(join(parent, "latest"))).toBe(facts.runId);
  mkdirSync(join(parent, "second"));
  await markLatest(`${join(parent, "second")}/`);
  expect(readlinkSync(join(parent, "latest"))).toBe("second");
  expect(readdirSync(parent).sort()).toEqual([facts.runId, "latest", "second"]);
});
