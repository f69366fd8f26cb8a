import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { gunzipSync } from "node:zlib";
import { judgeClaims, type ClaimRow } from "./claims.ts";
import { drawFigures, FIGURE_NAMES } from "./figures.ts";
import { parseManifest, parsePlan } from "./formats.ts";
import { gpuObservations, type GpuObservations } from "./gpu/observations.ts";
import { gpuSettingOf } from "./gpu/product.ts";
import { readGpuSamples } from "./gpu/samples.ts";
import type { GpuPart, GpuSummary } from "./gpu/summary.ts";
import { fnv1a64, sha256 } from "./hash.ts";
import { buildManifest, factsOf, manifestHash, type Manifest, type RunFacts } from "./manifest.ts";
import { replaceFile } from "./replaceFile.ts";
import { readPathProof, type PathProof } from "./path/proof.ts";
import { BILL, GPU_SAMPLES, PATH_PROOF, SAMPLES } from "./runFiles.ts";
import { observations, type Observation, type Unused } from "./observations.ts";
import { renderPlan, type Plan } from "./plan.ts";
import { toPng } from "./raster.ts";
import { renderReport } from "./report.ts";
import { formatCsv, resultRows } from "./results.ts";
import { SamplesReader, type SampleFile } from "./samples.ts";
import { summarise, type HeadlineRow, type Summary } from "./summary.ts";
import { formatTable } from "./table.ts";

/** What a run folder was turned into. */
export interface Artifacts {
  claims: ClaimRow[];
  headline: HeadlineRow[];
  /** The headline for a terminal, with the accelerator's stamp. */
  table: string;
  /** v4v-bench ran the plan to its end. */
  complete: boolean;
  /** SHA-256 of the manifest's contents, hex. */
  manifestHash: string;
  paths: { report: string; results: string; summary: string; manifest: string; figures: string[] };
}

/** A run folder that cannot be evaluated; the message says why and names the file. */
export class ArtifactsError extends Error {
  override readonly name = "ArtifactsError";
}

/** A run: its folder, which holds samples.jsonl, and what is known of it. */
export interface Run {
  directory: string;
  plan: Plan;
  facts: RunFacts;
}

/** summary.json. */
export interface SummaryFile extends Summary {
  claims: ClaimRow[];
}

const TEMPLATE = new URL("../templates/report.html.hbs", import.meta.url);
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** A run that is kept for long may have its plan and samples compressed. */
const packed = (path: string): string => `${path}.gz`;

const isPacked = (path: string): boolean => !existsSync(path) && existsSync(packed(path));

async function* piecesOf(path: string): AsyncGenerator<Buffer> {
  if (isPacked(path)) yield gunzipSync(await readFile(packed(path)));
  else yield* createReadStream(path) as AsyncIterable<Buffer>;
}

/** @throws ArtifactsError if there is no such file */
async function readText(path: string): Promise<string> {
  try {
    return isPacked(path)
      ? gunzipSync(await readFile(packed(path))).toString("utf8")
      : await readFile(path, "utf8");
  } catch (error) {
    throw isMissing(error) ? new ArtifactsError(`${path}: there is no such file`) : error;
  }
}

async function loadSamples(path: string): Promise<{ file: SampleFile; sha256: string }> {
  const reader = new SamplesReader();
  const decoder = new TextDecoder();
  const hash = createHash("sha256");
  try {
    for await (const chunk of piecesOf(path)) {
      hash.update(chunk);
      reader.push(decoder.decode(chunk, { stream: true }));
    }
  } catch (error) {
    throw isMissing(error) ? new ArtifactsError(`${path}: there is no such file`) : error;
  }
  reader.push(decoder.decode());
  return { file: reader.finish(), sha256: hash.digest("hex") };
}

interface Gpu {
  part: GpuPart;
  found: GpuObservations;
  sha256: string;
}

/** A file that not every run has; undefined without it. */
async function readIfThere(path: string): Promise<string | undefined> {
  return existsSync(path) || isPacked(path) ? readText(path) : undefined;
}

/** Undefined for a run without a GPU. */
async function loadGpu(directory: string, { settings }: RunFacts): Promise<Gpu | undefined> {
  const content = await readIfThere(join(directory, GPU_SAMPLES));
  if (content === undefined) return undefined;
  const file = readGpuSamples(content);
  const found = gpuObservations(file);
  return {
    part: { file, devices: found.devices, ways: found.ways, setting: gpuSettingOf(settings) },
    found,
    sha256: sha256(content),
  };
}

interface Path {
  proof: PathProof;
  sha256: string;
}

/** Undefined for a run that did not ask. */
async function loadPath(directory: string): Promise<Path | undefined> {
  const content = await readIfThere(join(directory, PATH_PROOF));
  if (content === undefined) return undefined;
  return { proof: readPathProof(content), sha256: sha256(content) };
}

/** All numbers of a run. */
function evaluated(file: SampleFile, gpu: Gpu | undefined, path: Path | undefined) {
  const { observed, unused } = observations(file.samples);
  return {
    observed: [...observed, ...(gpu?.found.observed ?? [])],
    unused: [...unused, ...(gpu?.found.unused ?? [])],
    gpu: gpu?.part,
    path: path?.proof,
  };
}

/** Refuses samples that say nothing or belong to another plan. */
function checkSamples(path: string, file: SampleFile, { plan, facts }: Run): void {
  if (file.samples.length === 0) throw new ArtifactsError(`${path}: holds no sample`);
  const own = fnv1a64(renderPlan(plan, facts.domains));
  const theirs = file.start?.plan;
  if (theirs !== undefined && theirs !== own) {
    throw new ArtifactsError(
      `${path}: the samples belong to plan ${theirs}, not to this one (${own})`,
    );
  }
}

/**
 * Turns samples.jsonl of a run folder into plan.json, results.csv, summary.json, figures as SVG and PNG,
 * manifest.json and report.html beside it. The same input gives the same bytes. Samples of an unfinished run are welcome: everything
 * then says that the run is not complete.
 *
 * @throws ArtifactsError if the folder holds no samples, or those of another plan
 */
export async function writeArtifacts(run: Run): Promise<Artifacts> {
  const { directory, plan, facts } = run;
  const at = (name: string): string => join(directory, name);
  const { file, sha256: samplesHash } = await loadSamples(at(SAMPLES));
  checkSamples(at(SAMPLES), file, run);

  const gpu = await loadGpu(directory, facts);
  const path = await loadPath(directory);
  const numbers = evaluated(file, gpu, path);
  const accelerator = facts.accelerator.kind;
  const summary = summarise({ runId: facts.runId, accelerator, plan, file, ...numbers });
  const claims = judgeClaims(summary);
  const figures = await drawFigures(summary);
  const files: Record<string, string | Uint8Array> = {
    "plan.json": json(plan),
    "results.csv": formatCsv(resultRows(numbers.observed, summary.ratios)),
    "summary.json": json({ ...summary, claims } satisfies SummaryFile),
  };
  for (const { name, svg } of figures) {
    files[`figures/${name}.svg`] = svg;
    files[`figures/${name}.png`] = toPng(svg);
  }

  const hashes = Object.entries(files).map(([name, data]) => [name, sha256(data)] as const);
  const bill = existsSync(at(BILL)) ? { [BILL]: sha256(await readFile(at(BILL))) } : {};
  const artifacts = {
    [SAMPLES]: samplesHash,
    ...(gpu && { [GPU_SAMPLES]: gpu.sha256 }),
    ...(path && { [PATH_PROOF]: path.sha256 }),
    ...bill,
    ...Object.fromEntries(hashes),
  };
  const manifest = buildManifest({ facts, plan, complete: summary.complete, artifacts });
  const template = await readFile(TEMPLATE, "utf8");
  files["manifest.json"] = json(manifest);
  files["report.html"] = renderReport(template, { manifest, summary, claims, figures, file });

  await mkdir(at("figures"), { recursive: true });
  for (const name of FIGURE_NAMES.flatMap((one) => [`figures/${one}.svg`, `figures/${one}.png`])) {
    // A figure of an earlier drawing that these samples do not give.
    if (!(name in files)) await rm(at(name), { force: true });
  }
  for (const [name, contents] of Object.entries(files)) await replaceFile(at(name), contents);
  return {
    claims,
    headline: summary.headline,
    table: formatTable(summary),
    complete: summary.complete,
    manifestHash: manifestHash(manifest),
    paths: {
      report: at("report.html"),
      results: at("results.csv"),
      summary: at("summary.json"),
      manifest: at("manifest.json"),
      figures: figures.map(({ name }) => at(`figures/${name}.svg`)),
    },
  };
}

interface Kept {
  plan: Plan;
  manifest: Manifest;
  file: SampleFile;
  gpu: Gpu | undefined;
  path: Path | undefined;
}

async function readKept(directory: string): Promise<Kept> {
  const plan = parsePlan(await readText(join(directory, "plan.json")));
  const manifest = parseManifest(await readText(join(directory, "manifest.json")));
  const samples = join(directory, SAMPLES);
  const { file, sha256: hash } = await loadSamples(samples);
  if (hash !== manifest.artifacts[SAMPLES]) {
    throw new ArtifactsError(`${samples}: has changed since manifest.json was written`);
  }
  const gpu = await loadGpu(directory, manifest);
  const path = await loadPath(directory);
  for (const [name, found] of [
    [GPU_SAMPLES, gpu],
    [PATH_PROOF, path],
  ] as const) {
    if (found?.sha256 !== manifest.artifacts[name]) {
      throw new ArtifactsError(
        `${join(directory, name)}: has changed since manifest.json was written`,
      );
    }
  }
  return { plan, manifest, file, gpu, path };
}

/**
 * The numbers of a run folder, evaluated anew; writes nothing.
 *
 * @throws ArtifactsError also if samples.jsonl is not the file that the manifest tells of
 */
export async function readSummary(
  directory: string,
): Promise<{ manifest: Manifest; summary: Summary }> {
  const { plan, manifest, file, gpu, path } = await readKept(directory);
  const { runId, accelerator } = manifest;
  return {
    manifest,
    summary: summarise({
      runId,
      accelerator: accelerator.kind,
      plan,
      file,
      ...evaluated(file, gpu, path),
    }),
  };
}

/** What a run folder says, evaluated anew. */
export interface ReadRun {
  manifest: Manifest;
  plan: Plan;
  observed: Observation[];
  unused: Unused[];
  claims: ClaimRow[];
  /** Null where none was measured. */
  gpu: GpuSummary | null;
}

/**
 * Reads a run folder and writes nothing.
 *
 * @throws ArtifactsError also if samples.jsonl is not the file that the manifest tells of
 */
export async function readRun(directory: string): Promise<ReadRun> {
  const { plan, manifest, file, gpu, path } = await readKept(directory);
  const numbers = evaluated(file, gpu, path);
  const { runId, accelerator } = manifest;
  const summary = summarise({ runId, accelerator: accelerator.kind, plan, file, ...numbers });
  const { observed, unused } = numbers;
  return { manifest, plan, observed, unused, claims: judgeClaims(summary), gpu: summary.gpu };
}

/**
 * Draws everything in a run folder again from samples.jsonl, plan.json and manifest.json; needs no machine.
 *
 * @param target folder that gets the files, the samples among them; the run's own if not given
 * @throws ArtifactsError also if samples.jsonl is not the file that the manifest tells of
 */
export async function redraw(directory: string, target = directory): Promise<Artifacts> {
  const { plan, manifest, gpu, path } = await readKept(directory);
  const samples = join(directory, SAMPLES);
  if (resolve(target) !== resolve(directory)) {
    await mkdir(target, { recursive: true });
    const names = [SAMPLES, ...(gpu ? [GPU_SAMPLES] : []), ...(path ? [PATH_PROOF] : [])];
    for (const name of names)
      await pipeline(piecesOf(join(directory, name)), createWriteStream(join(target, name)));
    const bill = join(directory, BILL);
    if (existsSync(bill)) await copyFile(bill, join(target, BILL));
  } else if (isPacked(samples)) {
    throw new ArtifactsError(
      `${packed(samples)}: is compressed to be kept; draw into another folder`,
    );
  }
  return writeArtifacts({ directory: target, plan, facts: factsOf(manifest) });
}

/** Points the link `latest` beside a run folder to it, in one step. */
export async function markLatest(directory: string): Promise<void> {
  const link = join(dirname(resolve(directory)), "latest");
  const temporary = `${link}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  await symlink(basename(resolve(directory)), temporary);
  await rename(temporary, link);
}
