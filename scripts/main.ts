import { Command } from "commander";
import { destroyCommand } from "./commands/destroy.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { envCommand } from "./commands/env.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { logsCommand } from "./commands/logs.ts";
import { sshCommand } from "./commands/ssh.ts";
import { testCommand } from "./commands/test.ts";
import { upCommand } from "./commands/up.ts";
import { UserError } from "./lib/userError.ts";

const program = new Command("v4v-testbed")
  .description(
    "Builds the V4VSockets testbed on a real Xen, measures V4V against TCP, and takes it down again",
  )
  .enablePositionalOptions()
  .showHelpAfterError("(--help lists the options)");
for (const command of [
  upCommand,
  evaluateCommand,
  destroyCommand,
  doctorCommand,
  envCommand,
  sshCommand,
  logsCommand,
  testCommand,
]) {
  program.addCommand(command());
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  // What the user can mend is told in a sentence; anything else is a mistake of ours and shows where.
  console.error(error instanceof UserError ? `error: ${error.message}` : error);
  process.exitCode = 1;
}
