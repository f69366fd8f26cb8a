import { join } from "node:path";
import { Command } from "commander";
import { ArtifactsError } from "../../evaluation/artifacts.ts";
import { FormatError } from "../../evaluation/formats.ts";
import { SweepError } from "../../evaluation/sweep.ts";
import { writeSweep } from "../../evaluation/sweepFiles.ts";
import { configure, judge } from "../lib/configuration.ts";
import { fromUser } from "../lib/process.ts";
import { findRun } from "../lib/runs.ts";
import { parseCounts, runFolderOf, sweep, sweepName } from "../lib/sweep.ts";
import { UserError } from "../lib/userError.ts";
import { ARTIFACTS, DEFAULT_STACK, Workspace } from "../lib/workspace.ts";
import { bringUp } from "./up.ts";

interface Options {
  stack: string;
  vms?: string;
  profile?: string;
  runs?: string;
}

/** The tables, and where the page is. */
async function summarise(folder: string, runs: readonly string[]): Promise<void> {
  try {
    const { table, page } = await writeSweep(folder, runs);
    console.log(`\n${table}\nSweep: ${page}`);
  } catch (error) {
    if (
      error instanceof ArtifactsError ||
      error instanceof FormatError ||
      error instanceof SweepError
    )
      throw new UserError(`no sweep can be made of these runs: ${error.message}`);
    throw error;
  }
}

async function measureAll({ stack, profile }: Options, counts: number[], folder: string) {
  const workspace = await Workspace.open(stack, (line) => {
    console.error(line);
  });
  workspace.selectOrCreate();
  const settings = (vmCount: number, generation: number) =>
    new Map([
      ["vmCount", String(vmCount)],
      ["evaluation.generation", String(generation)],
      ...(profile === undefined ? [] : [["evaluation.profile", profile] as const]),
    ]);
  await sweep(counts, {
    check: (vmCount) => {
      const { evaluation } = judge(workspace.config(), settings(vmCount, 1));
      if (evaluation.profile === "none")
        throw new UserError(
          "evaluation.profile is none, and a sweep measures: name one with --profile",
        );
    },
    measure: async (vmCount) => {
      console.error(`\n== ${vmCount} domUs`);
      const { evaluation } = judge(workspace.config(), new Map());
      configure(workspace, settings(vmCount, evaluation.generation + 1));
      await bringUp(workspace);
      return runFolderOf(workspace.outputs());
    },
    summarise: (runs) => summarise(folder, runs),
  });
}

export function sweepCommand(): Command {
  return new Command("sweep")
    .description("Grow the testbed step by step and measure at each; tables and figures by domUs")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .option("--vms <LIST>", "numbers of domUs, such as 2,4,8,16; the last one stays")
    .option("--profile <TEXT>", "profile to measure from now on; quick and longer measure in pairs")
    .option(
      "--runs <LIST>",
      "make the tables of these runs, named as in artifacts/; needs no machine",
    )
    .action(async (options: Options) => {
      const { vms, runs, profile } = options;
      if ((vms === undefined) === (runs === undefined))
        throw new UserError(
          "give either --vms to measure or --runs to look at runs that there are",
        );
      const folder = join(ARTIFACTS, sweepName(new Date()));
      if (vms !== undefined) {
        await measureAll(options, parseCounts(vms), folder);
        return;
      }
      if (profile !== undefined) throw new UserError("--profile goes with --vms alone");
      const folders = (runs ?? "")
        .split(",")
        .map((name) => findRun(ARTIFACTS, name, fromUser(name)));
      await summarise(folder, folders);
    });
}
