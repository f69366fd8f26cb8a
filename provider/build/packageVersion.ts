import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Version of the project's Debian packages: the project's own. */
export function packageVersion(project: string): string {
  const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as {
    version: string;
  };
  return version;
}
