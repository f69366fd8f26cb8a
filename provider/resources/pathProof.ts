import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PATH_PROOF } from "../../evaluation/runFiles.ts";
import type { PlanDomain } from "../../evaluation/plan.ts";
import type { Remote } from "../ssh/remote.ts";

/** Of dom0/; no stack holds them, an evaluation brings them along. */
export const SCRIPTS = ["path-proof", "path-peer"] as const;

const text = (name: string): string =>
  readFileSync(new URL(`../../dom0/${name}`, import.meta.url), "utf8");

/**
 * Has dom0 show by counters which way bytes take from one domU to another, and writes what it says into the run's folder.
 *
 * @param folder the run's in dom0
 * @param directory the run's here
 */
export async function provePath(
  remote: Remote,
  folder: string,
  directory: string,
  client: PlanDomain,
  server: PlanDomain,
): Promise<void> {
  await remote.write(
    SCRIPTS.map((name) => ({ path: `${folder}/${name}`, content: text(name), mode: 0o755 })),
  );
  const told = await remote.run(
    "asking the counters of the path",
    '"$@"',
    `${folder}/path-proof`,
    client.name,
    server.name,
    server.addr,
    String(server.cid),
  );
  writeFileSync(join(directory, PATH_PROOF), told);
}
