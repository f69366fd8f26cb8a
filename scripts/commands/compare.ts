import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { ArtifactsError, readRun } from "../../evaluation/artifacts.ts";
import { compareRuns, type ComparedRun } from "../../evaluation/compare.ts";
import { formatComparison, renderComparison } from "../../evaluation/compareView.ts";
import { FormatError } from "../../evaluation/formats.ts";
import { fromUser } from "../lib/process.ts";
import { findRun } from "../lib/runs.ts";
import { UserError } from "../lib/userError.ts";
import { ARTIFACTS, PROJECT } from "../lib/workspace.ts";

async function read(name: string): Promise<ComparedRun> {
  try {
    return await readRun(findRun(ARTIFACTS, name, fromUser(name)));
  } catch (error) {
    if (error instanceof ArtifactsError || error instanceof FormatError)
      throw new UserError(`run ${name} cannot be read: ${error.message}`);
    throw error;
  }
}

function checkTarget(file: string): string {
  const path = fromUser(file);
  if (!existsSync(dirname(path)))
    throw new UserError(`--html: there is no folder ${dirname(path)}; make it, or choose another`);
  if (existsSync(path) && statSync(path).isDirectory())
    throw new UserError(`--html: ${path} is a folder; name a file in it`);
  return path;
}

export function compareCommand(): Command {
  return new Command("compare")
    .description("Compare two runs: which metrics changed, by how much, and whether that is real")
    .argument("<base>", "the run to compare with: its name, latest, or a run folder")
    .argument("<run>", "the run that may have changed")
    .option("--html <FILE>", "write the comparison as a page, too")
    .option("--fail-on-regression", "exit with 1 if anything became worse beyond doubt")
    .action(
      async (
        baseName: string,
        runName: string,
        options: { html?: string; failOnRegression?: true },
      ) => {
        const target = options.html === undefined ? undefined : checkTarget(options.html);
        const comparison = compareRuns(await read(baseName), await read(runName));
        process.stdout.write(formatComparison(comparison));
        if (target !== undefined) {
          const template = readFileSync(join(PROJECT, "templates/compare.html.hbs"), "utf8");
          writeFileSync(target, renderComparison(template, comparison));
          console.log(target);
        }
        if (options.failOnRegression !== true) return;
        // A check that looked at nothing must not look like one that was passed.
        if (comparison.tested === 0)
          throw new UserError("the runs have nothing in common that could be compared");
        if (
          [...comparison.changes, ...comparison.pooled].some(({ finding }) => finding === "worse")
        )
          process.exitCode = 1;
      },
    );
}
