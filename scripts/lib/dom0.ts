import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { reachedUser } from "../../provider/ssh/clientConfig.ts";
import { quote } from "../../provider/ssh/quote.ts";

/** Whether a stack is on existing hosts, by its ssh configuration. */
export const onExistingHost = (config: string): boolean =>
  reachedUser(readFileSync(config, "utf8")) !== undefined;

/** A command line for the root of a host's dom0, for whoever the ssh configuration logs in as. */
export function asRootOfDom0(config: string, command: string, host = "host"): string {
  const user = reachedUser(readFileSync(config, "utf8"), host) ?? "root";
  return user === "root" ? command : `sudo -n -- sh -c ${quote(command)}`;
}

/** Names of the hosts in an ssh configuration: `host`, and of several `host2` and so on. */
export const hostNames = (config: string): string[] => [
  "host",
  ...[...readFileSync(config, "utf8").matchAll(/^Host (host\d+)$/gm)].map(([, name]) => name ?? ""),
];

/** The host that a domU is reached through. */
export function hostOfDomain(config: string, domain: string): string {
  const entry = join(dirname(config), "domains", `${domain}.conf`);
  if (!existsSync(entry)) return "host";
  return /^\s*ProxyJump (\S+)$/m.exec(readFileSync(entry, "utf8"))?.[1] ?? "host";
}
