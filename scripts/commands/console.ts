import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { consoleTail } from "../../provider/host/console.ts";
import { FILES } from "../../provider/qemu/arguments.ts";
import { asRootOfDom0, hostNames, hostOfDomain, onExistingHost } from "../lib/dom0.ts";
import { checkMachine, machinesOf } from "../lib/machines.ts";
import { attached } from "../lib/process.ts";
import { UserError } from "../lib/userError.ts";
import { DEFAULT_STACK } from "../lib/workspace.ts";

/** Follows the machine's serial console, which QEMU writes to a file; whoever watches cannot type. */
async function follow(path: string): Promise<number> {
  if (!existsSync(path))
    throw new UserError(`the machine has no console yet: there is no ${path}; run ./scripts/up`);
  console.error(`${path}: leave with Ctrl-C`);
  console.log(consoleTail(path, 40));
  const code = await attached("tail", ["-n", "0", "-F", path], process.env);
  // Ctrl-C is the way out, not a failure.
  return code === 130 ? 0 : code;
}

export function consoleCommand(): Command {
  return new Command("console")
    .description("Attach to a domU's console, or follow that of the machine: host")
    .argument("<name>", "host, domu1, domu2, ...")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .action(async (name: string, { stack }: { stack: string }) => {
      const { folder, config, names } = machinesOf(stack);
      checkMachine(stack, name, names);
      if (hostNames(config).includes(name)) {
        if (onExistingHost(config))
          throw new UserError("an existing host's console is not known here; domUs have theirs");
        process.exitCode = await follow(join(folder, FILES.console));
        return;
      }
      console.error(`Console of ${name}: leave with Ctrl-]; Enter shows the prompt`);
      const host = hostOfDomain(config, name);
      const command = asRootOfDom0(config, `xl console -t pv ${name}`, host);
      const attach = ["-t", "-F", config, host, command];
      process.exitCode = await attached("ssh", attach, process.env);
    });
}
