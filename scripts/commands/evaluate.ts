import { Command } from "commander";
import type { Setting } from "../../config/settings.ts";
import { configure, judge } from "../lib/configuration.ts";
import { dryRun } from "../lib/dryRun.ts";
import { addSettingFlags, givenSettings } from "../lib/flags.ts";
import { DEFAULT_STACK, Workspace } from "../lib/workspace.ts";
import { bringUp } from "./up.ts";

/** What is measured and how; the generation is raised anyway. */
const isOfEvaluation = ({ path }: Setting): boolean =>
  path.startsWith("evaluation.") && path !== "evaluation.generation";

const EXAMPLES = `
What is given is kept for this stack: --experiments all, --sizes profile and so on take it back. Examples:
  evaluate --profile quick --dry-run
  evaluate --profile quick
  evaluate --profile quick --experiments latency,connect --transports tcp,v4v
  evaluate --experiments latency --sizes 1,64KiB --repetitions 6-60 --budget 300`;

export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .description("Measure again on the testbed as it is configured: a profile, or parts of it")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .option("--dry-run", "say what would be measured and about how long it takes; nothing is kept")
    .addHelpText("after", EXAMPLES);
  addSettingFlags(command, isOfEvaluation);
  return command.action(async (options: Record<string, unknown>) => {
    const workspace = await Workspace.open(String(options.stack), (line) => {
      console.error(line);
    });
    const given = givenSettings(options);
    if (options.dryRun === true) {
      console.log(dryRun(judge(workspace.config(), given)));
      return;
    }
    workspace.selectOrCreate();
    const { evaluation } = judge(workspace.config(), given);
    configure(workspace, given.set("evaluation.generation", String(evaluation.generation + 1)));
    await bringUp(workspace);
  });
}
