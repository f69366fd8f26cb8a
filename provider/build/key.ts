import { createHash, type Hash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** What a cached build is made from. */
export interface Recipe {
  /** Name of a script in recipes/. */
  name: string;
  /** The recipe's own parameters, handed over as environment variables. */
  parameters: Record<string, string>;
  /** Files and folders of the project that it reads, relative to the project. */
  sources: string[];
  /** Cache entries that it builds on: name to folder. */
  dependencies: Record<string, string>;
}

function addTree(hash: Hash, root: string, path: string): void {
  const full = join(root, path);
  const stat = lstatSync(full);
  if (stat.isDirectory()) {
    for (const name of readdirSync(full).sort()) addTree(hash, root, join(path, name));
  } else if (stat.isSymbolicLink()) {
    hash.update(`link ${path}\0${readlinkSync(full)}\0`);
  } else {
    hash.update(`file ${path}\0${stat.mode & 0o111}\0${stat.size}\0`).update(readFileSync(full));
  }
}

/** SHA-256 over a recipe's script, its helpers and all sources it names, hex. */
export function sourceDigest(project: string, recipe: Pick<Recipe, "name" | "sources">): string {
  const hash = createHash("sha256");
  const own = [`recipes/${recipe.name}.sh`, `recipes/${recipe.name}`].filter((path) =>
    existsSync(join(project, path)),
  );
  for (const path of ["recipes/lib.sh", ...own, ...[...recipe.sources].sort()])
    addTree(hash, project, path);
  return hash.digest("hex");
}

/** The cache key: the same inputs give the same key on every machine and in every clone. */
export function buildKey(recipe: Recipe, sources: string): string {
  const dependencies = Object.entries(recipe.dependencies)
    .map(([name, folder]): [string, string] => [name, folder.split("/").at(-1) ?? ""])
    .sort();
  const text = JSON.stringify([
    recipe.name,
    Object.entries(recipe.parameters).sort(),
    dependencies,
    sources,
  ]);
  return `${recipe.name}-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}
