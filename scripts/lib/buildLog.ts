import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../provider/host/folders.ts";

/** The log of the build that wrote last, of whatever stack. */
export function lastBuildLog(): string | undefined {
  const folder = join(cacheFolder(), "logs");
  if (!existsSync(folder)) return undefined;
  const logs = readdirSync(folder).map((name) => join(folder, name));
  return logs.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}
