import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../host/folders.ts";
import { consoleTail } from "../host/console.ts";
import { ensureEntry, entryPath } from "./entry.ts";
import { buildKey, type Recipe } from "./key.ts";

export interface Entry {
  key: string;
  /** The entry's folder; its name is the key. */
  path: string;
  /** Small facts that the recipe left in facts/: kernel release, build id, digests. */
  facts: Record<string, string>;
}

/** Objects that the recipes' compilers made, by ccache's own keys; recipes give the same bytes without it. */
const compilerCache = () => join(cacheFolder(), "ccache");

function readFacts(path: string): Record<string, string> {
  const folder = join(path, "facts");
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), "utf8").trim()]),
  );
}

/** The entry of a recipe if it has been built. */
export function cached(recipe: Recipe, sources: string): Entry | undefined {
  const key = buildKey(recipe, sources);
  const path = entryPath(key);
  return existsSync(path) ? { key, path, facts: readFacts(path) } : undefined;
}

/**
 * The entry of a recipe, built if need be.
 *
 * @param progress called every few seconds with how long the recipe has been running
 */
export async function build(
  project: string,
  recipe: Recipe,
  sources: string,
  signal: AbortSignal,
  progress: (message: string) => void,
): Promise<Entry> {
  const key = buildKey(recipe, sources);
  const waiting = () => {
    progress("another process is building the same; waiting for it");
  };
  await ensureEntry(key, signal, waiting, async (scratch, out) => {
    const work = join(scratch, "work");
    const logs = join(cacheFolder(), "logs");
    mkdirSync(work);
    mkdirSync(logs, { recursive: true });
    mkdirSync(compilerCache(), { recursive: true });
    await runRecipe(project, recipe, work, out, join(logs, `${key}.log`), signal, progress);
  });
  const entry = cached(recipe, sources);
  if (entry === undefined) throw new Error(`${key} was built and is not there`);
  return entry;
}

async function runRecipe(
  project: string,
  recipe: Recipe,
  work: string,
  out: string,
  logPath: string,
  signal: AbortSignal,
  progress: (message: string) => void,
): Promise<void> {
  signal.throwIfAborted();
  const log = openSync(logPath, "w");
  const dependencies = Object.entries(recipe.dependencies).map(([name, path]) => [
    `DEP_${name.toUpperCase()}`,
    path,
  ]);
  const child = spawn("sh", ["-eu", join(project, "recipes", `${recipe.name}.sh`)], {
    cwd: work,
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      // Debian keeps mkfs and sgdisk where ordinary users' PATH does not look.
      PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`,
      HOME: process.env.HOME ?? "/",
      LC_ALL: "C.UTF-8",
      SRC: project,
      OUT: out,
      CCACHE: compilerCache(),
      ...recipe.parameters,
      ...(Object.fromEntries(dependencies) as Record<string, string>),
    },
  });
  closeSync(log);
  const stop = () => {
    if (child.pid === undefined) return;
    try {
      // The recipe's whole process group: apt, make and their children too.
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  };
  signal.addEventListener("abort", stop, { once: true });
  const started = Date.now();
  const ticker = setInterval(() => {
    progress(`${recipe.name}: building for ${Math.round((Date.now() - started) / 1000)} s`);
  }, 5000);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    });
    signal.throwIfAborted();
    if (code !== 0) {
      throw new Error(
        `building ${recipe.name} failed (exit code ${code ?? "none"}); ${logPath} ends with:\n${consoleTail(logPath, 12)}`,
      );
    }
  } finally {
    clearInterval(ticker);
    signal.removeEventListener("abort", stop);
  }
}
