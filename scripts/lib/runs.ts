import { existsSync, readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { PROGRESS, SAMPLES, UNFINISHED } from "../../evaluation/runFiles.ts";
import { UserError } from "./userError.ts";

/** A folder of artifacts/. */
export interface Run {
  id: string;
  path: string;
  /** Why it is not complete; undefined if it is. */
  lacks: string | undefined;
  /** RFC 3339; absent while it is measured. */
  endedAt?: string;
}

/** As the evaluation names them: time, profile, hash. */
const ID = /^\d{8}T\d{6}Z-[a-z0-9-]+$/;

interface ManifestPart {
  complete?: unknown;
  endedAt?: unknown;
  artifacts?: Record<string, unknown>;
}

function readManifest(path: string): ManifestPart | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof found === "object" && found !== null ? found : undefined;
  } catch {
    return undefined;
  }
}

function inspect(id: string, path: string): Run {
  const manifest = readManifest(join(path, "manifest.json"));
  const endedAt = typeof manifest?.endedAt === "string" ? { endedAt: manifest.endedAt } : {};
  const files = ["report.html", ...Object.keys(manifest?.artifacts ?? {})];
  const absent = files.find((file) => !existsSync(join(path, file)));
  let lacks: string | undefined;
  if (existsSync(join(path, UNFINISHED))) lacks = "it was interrupted or is being measured";
  else if (manifest === undefined) lacks = "it has no manifest.json that can be read";
  else if (manifest.complete !== true) lacks = "not all of its plan was measured";
  else if (absent !== undefined) lacks = `it lacks ${absent}`;
  return { id, path, lacks, ...endedAt };
}

/** The runs in artifacts/, oldest first. */
export function listRuns(artifacts: string): Run[] {
  if (!existsSync(artifacts)) return [];
  return readdirSync(artifacts, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && ID.test(entry.name))
    .map(({ name }) => inspect(name, join(artifacts, name)))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The run that artifacts/latest names, which is the last one that ended well. */
export function latestRun(artifacts: string): Run | undefined {
  let target: string;
  try {
    target = basename(readlinkSync(join(artifacts, "latest")));
  } catch {
    return undefined;
  }
  return listRuns(artifacts).find(({ id }) => id === target);
}

/** The run of a name in artifacts/, or the one that `latest` points to. */
export const runNamed = (artifacts: string, name: string): Run | undefined =>
  name === "latest" ? latestRun(artifacts) : listRuns(artifacts).find(({ id }) => id === name);

/** In words: the runs that there are, and what is wrong with them. */
export function listed(runs: readonly Run[]): string {
  if (runs.length === 0) return "there is no run yet; npm run evaluate makes one";
  const lines = runs.map(({ id, lacks }) => `  - ${id}${lacks === undefined ? "" : ` (${lacks})`}`);
  return `there are\n${lines.join("\n")}`;
}

/**
 * Folder of a run, complete or not, named as in artifacts/, `latest`, or by the folder itself.
 *
 * @param folder the name as a path
 * @throws UserError where there is none, with those that are there
 */
export function findRun(artifacts: string, name: string, folder: string): string {
  const run = runNamed(artifacts, name);
  if (run !== undefined) return run.path;
  if (existsSync(join(folder, "manifest.json"))) return folder;
  throw new UserError(
    `there is no run ${JSON.stringify(name)}, nor is that a folder with a manifest.json; ${listed(listRuns(artifacts))}`,
  );
}

/** A minute: samples of a run under way come home every ten seconds. */
const FRESH_MS = 60_000;

/** The run that is being measured now, as its files are written to. */
export function runUnderWay(artifacts: string): Run | undefined {
  const since = Date.now() - FRESH_MS;
  return listRuns(artifacts)
    .filter(({ path }) => existsSync(join(path, UNFINISHED)))
    .find(({ path }) =>
      [UNFINISHED, SAMPLES, PROGRESS]
        .map((file) => join(path, file))
        .some((file) => existsSync(file) && statSync(file).mtimeMs > since),
    );
}

/** Where each experiment of a run under way is, a line each, as the provider has noted it. */
export function progressOf(path: string): string[] {
  try {
    const lines: unknown = JSON.parse(readFileSync(join(path, PROGRESS), "utf8"));
    return Array.isArray(lines) ? lines.filter((line) => typeof line === "string") : [];
  } catch {
    return []; // Not there before the first look, nor after the last one.
  }
}
