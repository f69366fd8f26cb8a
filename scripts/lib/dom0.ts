import { readFileSync } from "node:fs";
import { reachedUser } from "../../provider/ssh/clientConfig.ts";
import { quote } from "../../provider/ssh/quote.ts";

/** Whether a stack is on an existing host, by its ssh configuration. */
export const onExistingHost = (config: string): boolean =>
  reachedUser(readFileSync(config, "utf8")) !== undefined;

/** A command line for dom0's root, for whoever the ssh configuration logs in as. */
export function asRootOfDom0(config: string, command: string): string {
  const user = reachedUser(readFileSync(config, "utf8")) ?? "root";
  return user === "root" ? command : `sudo -n -- sh -c ${quote(command)}`;
}
