import { Command } from "commander";
import { bundleCommand } from "./commands/bundle.ts";
import { compareCommand } from "./commands/compare.ts";
import { completionCommand } from "./commands/completion.ts";
import { consoleCommand } from "./commands/console.ts";
import { destroyCommand } from "./commands/destroy.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { envCommand } from "./commands/env.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { logsCommand } from "./commands/logs.ts";
import { packagesCommand } from "./commands/packages.ts";
import { sshCommand } from "./commands/ssh.ts";
import { statusCommand } from "./commands/status.ts";
import { sweepCommand } from "./commands/sweep.ts";
import { testCommand } from "./commands/test.ts";
import { upCommand } from "./commands/up.ts";

/** Every command: what main.ts runs, and what completions and tests of the documentation read. */
export function testbedProgram(): Command {
  const program = new Command("v4v-testbed")
    .description(
      "Builds the V4VSockets testbed on a real Xen, measures V4V against TCP, and takes it down again",
    )
    .enablePositionalOptions()
    .showHelpAfterError("(--help lists the options)");
  for (const command of [
    upCommand,
    evaluateCommand,
    sweepCommand,
    statusCommand,
    destroyCommand,
    doctorCommand,
    envCommand,
    sshCommand,
    consoleCommand,
    logsCommand,
    compareCommand,
    bundleCommand,
    packagesCommand,
    completionCommand,
    testCommand,
  ]) {
    program.addCommand(command());
  }
  return program;
}
