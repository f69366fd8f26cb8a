import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { ArtifactsError, readRun } from "../../evaluation/artifacts.ts";
import { claimTitle } from "../../evaluation/claimTitles.ts";
import { compareRuns, type ComparedRun, type RunComparison } from "../../evaluation/compare.ts";
import { formatComparison, renderComparison } from "../../evaluation/compareView.ts";
import { counted } from "../../evaluation/format.ts";
import { FormatError } from "../../evaluation/formats.ts";
import { agreement } from "../../evaluation/verdicts.ts";
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

/** A sentence for each reason why the check has not been passed. */
function regressions({ changes, pooled, tested, shortfalls }: RunComparison): string[] {
  const worse = [...changes, ...pooled].filter(({ finding }) => finding === "worse").length;
  return [
    ...shortfalls,
    ...(worse > 0 ? [`${counted(worse, "row")} became worse beyond doubt.`] : []),
    // A check that looked at nothing must not look like one that was passed.
    ...(tested === 0 ? ["The runs have nothing in common that could be compared."] : []),
  ];
}

function otherVerdicts({ verdicts }: RunComparison): string[] {
  if (verdicts.every((row) => agreement(row) === "one run alone"))
    return ["There is no claim that both runs measure."];
  return verdicts
    .filter((row) => agreement(row) === "differs")
    .map(({ id, base, run }) => `${claimTitle(id)}: ${base} in base, ${run} in run.`);
}

export function compareCommand(): Command {
  return new Command("compare")
    .description("Compare two runs: which metrics changed, by how much, and whether that is real")
    .argument("<base>", "the run to compare with: its name, latest, or a run folder")
    .argument("<run>", "the run that may have changed")
    .option("--html <FILE>", "write the comparison as a page, too")
    .option(
      "--fail-on-regression",
      "exit with 1 if anything became worse beyond doubt, or was lost",
    )
    .option("--same-verdicts", "exit with 1 if the runs say different things of a claim")
    .action(
      async (
        baseName: string,
        runName: string,
        options: { html?: string; failOnRegression?: true; sameVerdicts?: true },
      ) => {
        const target = options.html === undefined ? undefined : checkTarget(options.html);
        const comparison = compareRuns(await read(baseName), await read(runName));
        process.stdout.write(formatComparison(comparison));
        if (target !== undefined) {
          const template = readFileSync(join(PROJECT, "templates/compare.html.hbs"), "utf8");
          writeFileSync(target, renderComparison(template, comparison));
          console.log(target);
        }
        const failings = [
          ...(options.failOnRegression === true ? regressions(comparison) : []),
          ...(options.sameVerdicts === true ? otherVerdicts(comparison) : []),
        ];
        for (const failing of failings) console.error(`failed: ${failing}`);
        if (failings.length > 0) process.exitCode = 1;
      },
    );
}
