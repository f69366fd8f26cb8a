import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SOURCES, sourcesOf } from "../../../../provider/build/sources.ts";

const PROJECT = join(import.meta.dirname, "../../../..");

const recipes = readdirSync(join(PROJECT, "recipes"))
  .filter((file) => file.endsWith(".sh") && file !== "lib.sh")
  .map((file) => file.slice(0, -3));

/** Paths of the project that a recipe's text names. */
const named = (text: string) =>
  [...text.matchAll(/\$SRC"?\/([a-z0-9/.A-Z_-]+)/g)].map(([, path = ""]) => path);

test.each(recipes)("what the recipe %s reads is what the cache's key knows of", (recipe) => {
  const known = ["recipes/lib.sh", `recipes/${recipe}`, ...sourcesOf(recipe)];
  for (const path of named(readFileSync(join(PROJECT, "recipes", `${recipe}.sh`), "utf8")))
    expect(
      known.some((source) => path === source || path.startsWith(`${source}/`)),
      path,
    ).toBe(true);
});

test.each(Object.entries(SOURCES))(
  "sources of %s are there, and so is the recipe",
  (recipe, sources) => {
    expect(recipes).toContain(recipe);
    for (const source of sources) expect(existsSync(join(PROJECT, source)), source).toBe(true);
  },
);
