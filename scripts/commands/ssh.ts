import { Command } from "commander";
import { checkMachine, machinesOf } from "../lib/machines.ts";
import { attached } from "../lib/process.ts";
import { DEFAULT_STACK } from "../lib/workspace.ts";

export function sshCommand(): Command {
  return new Command("ssh")
    .description(
      "Log in to dom0 (host) or a domU, or run a command there: npm run ssh -- domu1 uname -a",
    )
    .argument("[name]", "host, domu1, domu2, ...", "host")
    .argument("[command...]", "what to run; without it, a shell")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .passThroughOptions()
    .action(async (name: string, command: string[], options: { stack: string }) => {
      const { config, names } = machinesOf(options.stack);
      checkMachine(options.stack, name, names);
      process.exitCode = await attached("ssh", ["-F", config, name, ...command], process.env);
    });
}
