import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../provider/build/cache.ts";
import { sourceDigest, type Recipe } from "../../provider/build/key.ts";
import { packageVersion } from "../../provider/build/packageVersion.ts";
import { sourcesOf } from "../../provider/build/sources.ts";
import { textOf, type StackState } from "./state.ts";
import { UserError } from "./userError.ts";

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

/** The recipe of the module's package, on what a stack was built with. */
export function modulePackage(project: string, state: StackState): Recipe {
  return {
    name: "module-package",
    parameters: { VERSION: packageVersion(project) },
    sources: sourcesOf("module-package"),
    dependencies: Object.fromEntries(
      ["index", "buildroot"].map((recipe) => [recipe, entryOf(state, recipe)]),
    ),
  };
}

/** Folders with the packages that a stack has, and with the module's, which is built unless the cache has it. */
export async function buildPackages(
  project: string,
  state: StackState,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<string[]> {
  const sockets = entryOf(state, "sockets");
  const recipe = modulePackage(project, state);
  const module = await build(project, recipe, sourceDigest(project, recipe), signal, say);
  return [sockets, module.path].map((path) => join(path, "packages"));
}

/** Copies the packages of folders into one; their paths there. */
export function copyPackages(from: readonly string[], to: string): string[] {
  mkdirSync(to, { recursive: true });
  return from.flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .map((name) => {
        const path = join(to, name);
        copyFileSync(join(folder, name), path);
        return path;
      }),
  );
}
