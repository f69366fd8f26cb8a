import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readRun, redraw, writeArtifacts } from "../../evaluation/artifacts.ts";
import { compareRuns } from "../../evaluation/compare.ts";
import { renderComparison } from "../../evaluation/compareView.ts";
import { writeSweep } from "../../evaluation/sweepFiles.ts";
import { facts } from "../unit/evaluation/facts.ts";
import {
  asFile,
  model,
  smokePlan,
  syntheticLines,
  type Model,
} from "../unit/evaluation/synthetic.ts";

/** A page as a file. */
export interface MadePage {
  name: string;
  file: string;
  /** How many figures it has to show. */
  figures: number;
}

const PROJECT = join(import.meta.dirname, "../..");

/** A smoke run of invented numbers, three samples of which failed; its last lines are missing. */
async function makeRun(directory: string, speeds: Model, vmCount = 2): Promise<string> {
  mkdirSync(directory);
  const plan = smokePlan();
  const lines = syntheticLines(plan, speeds, [3, 4, 5]).slice(0, -5);
  writeFileSync(join(directory, "samples.jsonl"), asFile([...lines, "no JSON at all"]));
  return (await writeArtifacts({ directory, plan, facts: { ...facts, settings: { vmCount } } }))
    .paths.report;
}

/** Every kind of page, with what is not so nice in it: failures, warnings, losses. */
export async function makePages(folder: string): Promise<MadePage[]> {
  const [one, other] = [join(folder, "one"), join(folder, "other")];
  const report = await makeRun(one, model);
  await makeRun(other, { ...model, v4v: { rtt: 5000, bandwidth: 200 } }, 16);
  const reference = (name: string) => join(PROJECT, "evaluation/reference", name);
  const withGpu = await redraw(reference("smoke-tcg"), join(folder, "smoke"));
  const inPairs = await redraw(reference("quick-tcg"), join(folder, "quick"));
  const sweep = await writeSweep(join(folder, "sweep"), [one, other]);
  const comparison = compareRuns(await readRun(one), await readRun(other));
  const template = readFileSync(join(PROJECT, "templates/compare.html.hbs"), "utf8");
  const compared = join(folder, "compared.html");
  writeFileSync(compared, renderComparison(template, comparison));
  return [
    { name: "report-of-failures", file: report, figures: 4 },
    { name: "report-of-a-run-with-a-gpu", file: withGpu.paths.report, figures: 8 },
    { name: "report-of-a-run-in-pairs", file: inPairs.paths.report, figures: 8 },
    { name: "sweep", file: sweep.page, figures: 2 },
    { name: "comparison", file: compared, figures: 0 },
  ];
}
