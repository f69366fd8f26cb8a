import { Command } from "commander";
import { quote } from "../../provider/ssh/quote.ts";
import { DEFAULT_STACK, Workspace } from "../lib/workspace.ts";

export function envCommand(): Command {
  return new Command("env")
    .description('Print what plain pulumi commands need: eval "$(npm run -s env)"')
    .action(async () => {
      const workspace = await Workspace.open(DEFAULT_STACK, (line) => {
        console.error(line);
      });
      for (const [name, value] of Object.entries(workspace.exports()))
        console.log(`export ${name}=${quote(value)}`);
    });
}
