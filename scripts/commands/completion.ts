import { join } from "node:path";
import { Argument, Command } from "commander";
import { cloneStateFolder } from "../../provider/host/folders.ts";
import { completionScript, SHELLS } from "../lib/completion.ts";
import { ARTIFACTS, DEFAULT_STACK, PROJECT } from "../lib/workspace.ts";

export function completionCommand(): Command {
  return new Command("completion")
    .description('Print a shell\'s completion: eval "$(scripts/run completion bash)"')
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action((shell: (typeof SHELLS)[number], _options: unknown, command: Command) => {
      if (command.parent === null) throw new Error("the command is not part of a program");
      process.stdout.write(
        completionScript(shell, command.parent, {
          scripts: join(PROJECT, "scripts"),
          stacks: join(cloneStateFolder(PROJECT), "stacks"),
          artifacts: ARTIFACTS,
          stack: DEFAULT_STACK,
        }),
      );
    });
}
