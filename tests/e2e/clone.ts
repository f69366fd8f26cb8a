import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  chmodSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const PROJECT = resolve(import.meta.dirname, "../..");

/** A copy of the project with a state folder of its own: nothing of a test reaches the user's own stacks or results. */
export interface Clone {
  project: string;
  env: NodeJS.ProcessEnv;
  remove(): void;
}

/** Copies what git tracks or would track; modules and caches are shared with the original. */
export function makeClone(): Clone {
  const root = mkdtempSync(join(tmpdir(), "v4v-e2e-"));
  const project = join(root, "project");
  const listed = execFileSync("git", ["ls-files", "-coz", "--exclude-standard"], {
    cwd: PROJECT,
    encoding: "utf8",
  });
  for (const name of listed
    .split("\0")
    .filter((file) => file !== "" && existsSync(join(PROJECT, file)))) {
    const target = join(project, name);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(PROJECT, name), target);
    chmodSync(target, statSync(join(PROJECT, name)).mode);
  }
  symlinkSync(join(PROJECT, "node_modules"), join(project, "node_modules"));
  // The user's own Pulumi settings, and what vitest puts into its workers' environment, are not the testbed's.
  const kept = Object.entries(process.env).filter(([name]) => !/^(PULUMI|VITEST)/.test(name));
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(kept),
    XDG_STATE_HOME: join(root, "state"),
    // Whoever runs the tests may be logged in somewhere.
    PULUMI_CREDENTIALS_PATH: join(root, "credentials"),
  };
  return {
    project,
    env,
    remove: () => {
      rmSync(root, { recursive: true, force: true });
    },
  };
}
