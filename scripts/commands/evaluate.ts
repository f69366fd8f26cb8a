import { Command } from "commander";
import { check, configure } from "../lib/configuration.ts";
import { DEFAULT_STACK, Workspace } from "../lib/workspace.ts";
import { bringUp } from "./up.ts";

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("Measure again on the testbed as it is configured")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .option("--profile <TEXT>", "profile to measure from now on")
    .action(async (options: { stack: string; profile?: string }) => {
      const workspace = await Workspace.open(options.stack, (line) => {
        console.error(line);
      });
      workspace.selectOrCreate();
      const { evaluation } = check(workspace.config());
      configure(
        workspace,
        new Map([
          ["evaluation.generation", String(evaluation.generation + 1)],
          ...(options.profile === undefined
            ? []
            : [["evaluation.profile", options.profile] as const]),
        ]),
      );
      await bringUp(workspace);
    });
}
