import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { attached } from "../lib/process.ts";
import { UserError } from "../lib/userError.ts";
import { checkStackName, DEFAULT_STACK, PROJECT } from "../lib/workspace.ts";
import { runFolder } from "../../provider/host/folders.ts";

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
      checkStackName(options.stack);
      const config = join(runFolder(PROJECT, options.stack), "ssh", "config");
      if (!existsSync(config))
        throw new UserError(
          `stack ${options.stack} is not up: there is no ${config}; run ./scripts/up`,
        );
      const known = readdirSync(join(dirname(config), "domains")).filter((file) =>
        file.endsWith(".conf"),
      );
      const names = ["host", ...known.map((file) => file.slice(0, -".conf".length)).sort()];
      if (!names.includes(name))
        throw new UserError(
          `there is no ${JSON.stringify(name)} in stack ${options.stack}; there are ${names.join(", ")}`,
        );
      process.exitCode = await attached("ssh", ["-F", config, name, ...command], process.env);
    });
}
