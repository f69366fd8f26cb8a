import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { chooseRun, pack } from "../../../scripts/lib/bundle.ts";
import { capture } from "../../../scripts/lib/process.ts";
import { latestRun, listRuns, runUnderWay } from "../../../scripts/lib/runs.ts";
import { useFolder } from "../helpers/folder.ts";

const folder = useFolder();
const ID = "20261123T033345Z-smoke-542fa7";
const OLDER = "20261122T033345Z-smoke-000000";
const artifacts = () => folder("artifacts");
const archive = () => folder("run.tar.gz");

function makeRun(id: string, change: Record<string, unknown> = {}) {
  const path = join(artifacts(), id);
  mkdirSync(join(path, "figures"), { recursive: true });
  const manifest = {
    complete: true,
    endedAt: "2026-11-23T03:34:40.168Z",
    artifacts: { "samples.jsonl": "00", "figures/a.svg": "00" },
    ...change,
  };
  writeFileSync(join(path, "manifest.json"), JSON.stringify(manifest));
  for (const file of ["samples.jsonl", "report.html", "figures/a.svg"])
    writeFileSync(join(path, file), file);
  return path;
}

beforeEach(() => {
  makeRun(OLDER);
  makeRun(ID);
  symlinkSync(ID, join(artifacts(), "latest"));
});

const listing = () => capture("tar", ["tvzf", archive(), "--numeric-owner"]).stdout;

test("the latest run is packed: its files, sorted, owned by 0, of the run's time", () => {
  pack(chooseRun(artifacts(), "latest"), archive());
  const lines = listing().trim().split("\n");
  expect(lines.map((line) => line.split(/\s+/).at(-1))).toEqual(
    ["figures/a.svg", "manifest.json", "report.html", "samples.jsonl"].map(
      (file) => `${ID}/${file}`,
    ),
  );
  for (const line of lines) expect(line).toMatch(/^-rw-r--r-- 0\/0 .* 2026-11-23 03:34 /);
});

test("the same run gives the same bytes, whatever clock and permissions say", () => {
  const run = chooseRun(artifacts(), ID);
  const first = pack(run, archive());
  const bytes = readFileSync(archive());
  expect(first).toEqual({
    size: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    leftOut: [],
  });
  utimesSync(join(run.path, "report.html"), 1, 1);
  chmodSync(join(run.path, "report.html"), 0o600);
  expect(pack(run, folder("again.tar.gz")).sha256).toBe(first.sha256);
  writeFileSync(join(run.path, "report.html"), "other");
  expect(pack(run, folder("other.tar.gz")).sha256).not.toBe(first.sha256);
});

test("links are neither followed nor packed, to files or to folders, and are named", () => {
  mkdirSync(folder("outside"));
  writeFileSync(folder("outside/secret"), "SECRET");
  const run = chooseRun(artifacts(), ID);
  symlinkSync(folder("outside/secret"), join(run.path, "link"));
  symlinkSync(folder("outside"), join(run.path, "figures/all"));
  expect(pack(run, archive()).leftOut).toEqual(["figures/all", "link"]);
  expect(listing()).not.toMatch(/secret|link|all/);
});

test("a run that holds a private key is not packed", () => {
  const run = chooseRun(artifacts(), ID);
  writeFileSync(join(run.path, "log"), "x\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3\n");
  expect(() => pack(run, archive())).toThrow(/log holds a private key/);
  expect(readdirSync(folder())).toEqual(["artifacts"]);
});

test.each([
  ["in the run itself", () => join(artifacts(), ID, "x.tar.gz"), /lies in the run itself/],
  ["in a folder that there is not", () => folder("no/x.tar.gz"), /there is no folder/],
  ["at a folder", () => artifacts(), /is a folder/],
])("an archive %s is refused", (_where, path, message) => {
  expect(() => pack(chooseRun(artifacts(), ID), path())).toThrow(message);
});

describe("a run that cannot be packed is refused with those that there are", () => {
  test.each(["nope", "..", `../artifacts/${ID}`, `${ID}/figures`, ""])("%j", (name) => {
    expect(() => chooseRun(artifacts(), name)).toThrow(
      `there is no run ${JSON.stringify(name)}; there are\n  - ${OLDER}\n  - ${ID}`,
    );
  });

  test("interrupted, damaged, cut short, or with a file lost", () => {
    writeFileSync(join(artifacts(), ID, "unfinished.json"), "{}");
    makeRun("20261124T000000Z-smoke-aaaaaa", { complete: false });
    writeFileSync(join(makeRun("20261124T000001Z-smoke-aaaaaa"), "manifest.json"), '{"comp');
    makeRun("20261124T000002Z-smoke-aaaaaa", { artifacts: { "results.csv": "00" } });
    expect(listRuns(artifacts()).map(({ lacks }) => lacks)).toEqual([
      undefined,
      "it was interrupted or is being measured",
      "not all of its plan was measured",
      "it has no manifest.json that can be read",
      "it lacks results.csv",
    ]);
    for (const { id } of listRuns(artifacts()).slice(1))
      expect(() => chooseRun(artifacts(), id)).toThrow(/is not complete: .*there are\n/s);
  });

  test("none at all", () => {
    expect(() => chooseRun(folder("empty"), "latest")).toThrow("there is no run yet");
    expect(latestRun(folder("empty"))).toBeUndefined();
  });
});

test("the run that is written to is under way; one that was left long ago is not", () => {
  expect(runUnderWay(artifacts())).toBeUndefined();
  const unfinished = join(artifacts(), ID, "unfinished.json");
  writeFileSync(unfinished, "{}");
  const samples = join(artifacts(), ID, "samples.jsonl");
  utimesSync(samples, 1, 1);
  expect(runUnderWay(artifacts())?.id).toBe(ID);
  utimesSync(unfinished, 1, 1);
  expect(runUnderWay(artifacts())).toBeUndefined();
  writeFileSync(samples, "more");
  expect(runUnderWay(artifacts())?.id).toBe(ID);
});
