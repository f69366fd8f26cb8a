import { join } from "node:path";
import { Command } from "commander";
import { buildPackages, copyPackages } from "../lib/packages.ts";
import { fromUser } from "../lib/process.ts";
import { readState, StateOutOfReach, type StackState } from "../lib/state.ts";
import { UserError } from "../lib/userError.ts";
import { checkStackName, DEFAULT_STACK, PROJECT } from "../lib/workspace.ts";

/** The recipe takes seconds; this only bounds one that hangs, ms. */
const LONGEST = 600_000;

function stateOf(stack: string): StackState {
  try {
    const state = readState(stack);
    if (state === undefined) throw new UserError(`stack ${stack} is not up; run ./scripts/up`);
    return state;
  } catch (error) {
    throw error instanceof StateOutOfReach ? new UserError(error.message) : error;
  }
}

export function packagesCommand(): Command {
  return new Command("packages")
    .description(
      "The testbed's Debian packages for hosts and domains of one's own: v4v-sockets, v4v-dom0, v4v-module-dkms",
    )
    .option("-o, --output <FOLDER>", "where they go; by default packages/ in the project")
    .option("-s, --stack <NAME>", "whose builds they are made from", DEFAULT_STACK)
    .action(async (options: { output?: string; stack: string }) => {
      checkStackName(options.stack);
      const state = stateOf(options.stack);
      const folders = await buildPackages(PROJECT, state, AbortSignal.timeout(LONGEST), (line) => {
        console.error(line);
      });
      const folder =
        options.output === undefined ? join(PROJECT, "packages") : fromUser(options.output);
      for (const path of copyPackages(folders, folder)) console.log(path);
    });
}
