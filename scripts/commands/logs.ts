import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { consoleTail } from "../../provider/host/console.ts";
import { runFolder } from "../../provider/host/folders.ts";
import { FILES } from "../../provider/qemu/arguments.ts";
import { sshConfigPath } from "../../provider/ssh/clientConfig.ts";
import { lastBuildLog } from "../lib/buildLog.ts";
import { asRootOfDom0, hostNames, hostOfDomain, onExistingHost } from "../lib/dom0.ts";
import { attached } from "../lib/process.ts";
import { UserError } from "../lib/userError.ts";
import { checkStackName, DEFAULT_STACK, PROJECT } from "../lib/workspace.ts";

export function logsCommand(): Command {
  return new Command("logs")
    .description(
      "Show the end of a log: console (of the machine, default), qemu, build, xen, journal (of dom0), or a domU's console",
    )
    .argument("[what]", "console, qemu, build, xen, journal, domu1, ...", "console")
    .option("-n, --lines <N>", "how many lines", "60")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .option("--host <NAME>", "of several hosts, whose xen and journal: host, host2, ...", "host")
    .action(async (what: string, options: { lines: string; stack: string; host: string }) => {
      checkStackName(options.stack);
      const lines = Number(options.lines);
      if (!Number.isInteger(lines) || lines < 1)
        throw new UserError(`--lines: ${options.lines} is not a number of lines`);
      const folder = runFolder(PROJECT, options.stack);
      const show = (path: string | undefined) => {
        if (path === undefined || !existsSync(path))
          throw new UserError(
            `there is no such log${path === undefined ? "" : `: ${path}`}; is stack ${options.stack} up?`,
          );
        console.log(`${path}:`);
        console.log(consoleTail(path, lines));
      };
      const config = sshConfigPath(folder);
      const remotely = async (command: string, domU?: string) => {
        if (!existsSync(config))
          throw new UserError(`stack ${options.stack} is not up; run ./scripts/up`);
        const host = domU === undefined ? options.host : hostOfDomain(config, domU);
        if (!hostNames(config).includes(host))
          throw new UserError(
            `--host: there is no ${host}; there are ${hostNames(config).join(", ")}`,
          );
        process.exitCode = await attached(
          "ssh",
          ["-F", config, host, asRootOfDom0(config, command, host)],
          process.env,
        );
      };
      if (["console", "qemu"].includes(what) && existsSync(config) && onExistingHost(config))
        throw new UserError(
          `stack ${options.stack} is on an existing host, whose console is not known here; npm run logs -- xen and -- journal ask dom0`,
        );
      if (what === "console") show(join(folder, FILES.console));
      else if (what === "qemu") show(join(folder, FILES.log));
      else if (what === "build") show(lastBuildLog());
      else if (what === "xen") await remotely(`xl dmesg | tail -n ${lines}`);
      else if (what === "journal") await remotely(`journalctl -q -n ${lines} --no-pager`);
      else if (/^domu[1-9][0-9]*$/.test(what))
        await remotely(`tail -n ${lines} /var/log/xen/console/guest-${what}.log`, what);
      else
        throw new UserError(
          `there is no log ${JSON.stringify(what)}; "npm run logs -- --help" lists them`,
        );
    });
}
