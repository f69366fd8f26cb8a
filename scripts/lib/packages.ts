import { copyFileSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { build, type Entry } from "../../provider/build/cache.ts";
import { sourceDigest, type Recipe } from "../../provider/build/key.ts";
import { textOf, type StackState } from "./state.ts";
import { UserError } from "./userError.ts";

/** What the packages are made from, beside the recipe. */
const SOURCES = [
  "kernel/linux",
  "kernel/include",
  "dom0/v4vd.service",
  "dom0/v4v.modprobe",
  "LICENSE",
  "LICENSES",
];

/** Cache entry of a recipe that the last `up` of a stack used. */
function entryOf(state: StackState, recipe: string): string {
  const found = state.resources.find(
    ({ type, inputs }) => type === "v4v:index:Build" && textOf(inputs, "recipe") === recipe,
  );
  const path = textOf(found?.outputs, "path");
  if (path === undefined)
    throw new UserError(
      `this stack has no build of ${recipe}; run ./scripts/up with v4v.enabled first`,
    );
  return path;
}

/** The recipe of the packages, on what a stack was built with. */
export function packagesRecipe(project: string, state: StackState): Recipe {
  const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as {
    version: string;
  };
  return {
    name: "packages",
    parameters: { VERSION: version },
    sources: SOURCES,
    dependencies: Object.fromEntries(
      ["index", "buildroot", "sockets"].map((recipe) => [recipe, entryOf(state, recipe)]),
    ),
  };
}

/** Builds the packages unless the cache has them. */
export function buildPackages(
  project: string,
  state: StackState,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Entry> {
  const recipe = packagesRecipe(project, state);
  return build(project, recipe, sourceDigest(project, recipe), signal, say);
}

/** Copies the packages into a folder; their paths there. */
export function copyPackages(from: string, to: string): string[] {
  mkdirSync(to, { recursive: true });
  return readdirSync(from)
    .filter((name) => name.endsWith(".deb"))
    .sort()
    .map((name) => {
      const path = join(to, name);
      copyFileSync(join(from, name), path);
      return path;
    });
}
