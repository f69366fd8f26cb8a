import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import type { Summary } from "../../evaluation/summary.ts";
import { formatTable } from "../../evaluation/table.ts";
import { addSettingFlags, givenSettings } from "../lib/flags.ts";
import { configure } from "../lib/configuration.ts";
import { clearDeadLocks, pastDeadLocks } from "../lib/interrupted.ts";
import { goOnFromPending } from "../lib/pending.ts";
import { UserError } from "../lib/userError.ts";
import { DEFAULT_STACK, Workspace } from "../lib/workspace.ts";

const say = (line: string): void => {
  console.error(line);
};

/** Brings a stack up as its configuration says, and shows what was measured. */
export async function bringUp(workspace: Workspace): Promise<void> {
  clearDeadLocks(workspace, say);
  await goOnFromPending(workspace, say);
  const started = Date.now();
  // Looking first mends what was changed behind Pulumi's back; it costs seconds. What does not depend on something that
  // failed is brought up all the same: one domU that cannot be made takes no other along.
  const up = ["up", "--yes", "--skip-preview", "--refresh", "--continue-on-error"];
  const code = await pastDeadLocks(workspace, say, (hear) =>
    workspace.attached([...up, "--stack", workspace.stack], hear),
  );
  const seconds = Math.round((Date.now() - started) / 1000);
  if (code !== 0) {
    throw new UserError(
      `up ended with code ${code} after ${seconds} s. Run it again to go on from there, or "npm run destroy" to take everything down; ` +
        `"npm run logs" shows the machine's console`,
    );
  }
  const outputs = workspace.outputs();
  console.log();
  const report = outputs.report;
  if (typeof report === "string") {
    const summary = join(dirname(report), "summary.json");
    if (existsSync(summary))
      console.log(
        `${formatTable(JSON.parse(readFileSync(summary, "utf8")) as Summary)}\n\nReport: ${report}`,
      );
    else console.log(`What was measured is on the computer that measured it: ${report}`);
  } else {
    console.log("The testbed is up; nothing was measured (evaluation.profile is none).");
  }
  console.log(`Up in ${seconds} s. Next: npm run ssh -- domu1, npm run logs, npm run destroy`);
}

export function upCommand(): Command {
  const command = new Command("up")
    .description("Build the testbed and measure; run again to change, mend or finish it")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .option("-y, --yes", "install missing packages without asking", false);
  addSettingFlags(command);
  return command.action(async (options: Record<string, unknown>) => {
    const workspace = await Workspace.open(String(options.stack), say);
    workspace.selectOrCreate();
    configure(workspace, givenSettings(options));
    await bringUp(workspace);
  });
}
