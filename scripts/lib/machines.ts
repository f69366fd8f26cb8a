import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { runFolder } from "../../provider/host/folders.ts";
import { sshConfigPath } from "../../provider/ssh/clientConfig.ts";
import { UserError } from "./userError.ts";
import { checkStackName, PROJECT } from "./workspace.ts";

export interface DomainEntry {
  name: string;
  address: string;
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
    .map((file) => ({
      name: file.slice(0, -".conf".length),
      address: /^\s*HostName (\S+)$/m.exec(readFileSync(join(entries, file), "utf8"))?.[1] ?? "",
    }))
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
  return { folder, config, names: ["host", ...domainsIn(folder).map(({ name }) => name)] };
}

/** @throws UserError that says which names there are */
export function checkMachine(stack: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new UserError(
    `there is no ${JSON.stringify(name)} in stack ${stack}; there are ${names.join(", ")}`,
  );
}
