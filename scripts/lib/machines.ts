import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { runFolder } from "../../provider/host/folders.ts";
import { sshConfigPath } from "../../provider/ssh/clientConfig.ts";
import { hostNames } from "./dom0.ts";
import { UserError } from "./userError.ts";
import { checkStackName, PROJECT } from "./workspace.ts";

export interface DomainEntry {
  name: string;
  address: string;
  /** Of several hosts, the name of the one that it is on, if that is not the first. */
  host?: string;
}

/** domu2 before domu10. */
export const byName = (a: { name: string }, b: { name: string }): number =>
  a.name.localeCompare(b.name, "en", { numeric: true });

/** The domUs that the ssh configuration of a run folder names. */
export function domainsIn(folder: string): DomainEntry[] {
  const entries = join(dirname(sshConfigPath(folder)), "domains");
  if (!existsSync(entries)) return [];
  return readdirSync(entries)
    .filter((file) => file.endsWith(".conf"))
    .map((file) => {
      const entry = readFileSync(join(entries, file), "utf8");
      const host = /^\s*ProxyJump (\S+)$/m.exec(entry)?.[1] ?? "host";
      return {
        name: file.slice(0, -".conf".length),
        address: /^\s*HostName (\S+)$/m.exec(entry)?.[1] ?? "",
        ...(host !== "host" && { host }),
      };
    })
    .sort(byName);
}

/**
 * Where to reach the machines of a stack.
 *
 * @throws UserError if the stack is not up
 */
export function machinesOf(stack: string): { folder: string; config: string; names: string[] } {
  checkStackName(stack);
  const folder = runFolder(PROJECT, stack);
  const config = sshConfigPath(folder);
  if (!existsSync(config))
    throw new UserError(`stack ${stack} is not up: there is no ${config}; run ./scripts/up`);
  return {
    folder,
    config,
    names: [...hostNames(config), ...domainsIn(folder).map(({ name }) => name)],
  };
}

/** @throws UserError that says which names there are */
export function checkMachine(stack: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new UserError(
    `there is no ${JSON.stringify(name)} in stack ${stack}; there are ${names.join(", ")}`,
  );
}
