import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyPackages, packagesRecipe } from "../../../scripts/lib/packages.ts";
import type { StackState } from "../../../scripts/lib/state.ts";
import { useFolder } from "../helpers/folder.ts";

const PROJECT = join(import.meta.dirname, "../../..");
const folder = useFolder();

function stateWith(...recipes: string[]): StackState {
  return {
    pending: [],
    resources: recipes.map((recipe) => ({
      type: "v4v:index:Build",
      name: `build-${recipe}`,
      inputs: { recipe },
      outputs: { path: `/cache/${recipe}-0` },
      unfinished: false,
    })),
  };
}

test("packages are made from what the stack was built with", () => {
  const recipe = packagesRecipe(PROJECT, stateWith("index", "buildroot", "module", "sockets"));
  expect(recipe.dependencies).toEqual({
    index: "/cache/index-0",
    buildroot: "/cache/buildroot-0",
    sockets: "/cache/sockets-0",
  });
  expect(recipe.parameters.VERSION).toMatch(/^\d+\.\d+\.\d+$/);
  const script = readFileSync(join(PROJECT, "recipes", `${recipe.name}.sh`), "utf8");
  for (const source of recipe.sources) {
    expect(existsSync(join(PROJECT, source)), source).toBe(true);
    expect(script).toContain(`$SRC/${source}`);
  }
  // What the recipe reads is what the cache's key knows of; its own folder belongs to it.
  const named = [...recipe.sources, "recipes/lib.sh", "recipes/packages"];
  for (const [, path = ""] of script.matchAll(/\$SRC"?\/([a-z0-9/.A-Z_-]+)/g))
    expect(
      named.some((source) => path === source || path.startsWith(`${source}/`)),
      path,
    ).toBe(true);
});

test("a stack that was built without V4V has none, and that is a sentence", () => {
  expect(() => packagesRecipe(PROJECT, stateWith("index", "buildroot"))).toThrow(
    /has no build of sockets; run \.\/scripts\/up/,
  );
});

test("each package has its parts, and each script of a maintainer is one that a shell reads", () => {
  const parts = join(PROJECT, "recipes/packages");
  expect(readdirSync(parts).sort()).toEqual(["v4v-dom0", "v4v-module-dkms", "v4v-sockets"]);
  const script = readFileSync(join(PROJECT, "recipes/packages.sh"), "utf8");
  for (const name of readdirSync(parts)) {
    expect(script).toMatch(new RegExp(`^package ${name} (amd64|all) `, "m"));
    expect(readFileSync(join(parts, name, "control"), "utf8")).toMatch(/^Description: /m);
    for (const part of ["postinst", "prerm", "postrm"]) {
      const path = join(parts, name, part);
      if (existsSync(path)) expect(readFileSync(path, "utf8")).toMatch(/^#!\/bin\/sh\nset -e\n/);
    }
  }
});

test("only packages are copied", () => {
  mkdirSync(folder("entry/facts"), { recursive: true });
  for (const name of ["b_1_all.deb", "a_1_amd64.deb", "log"])
    writeFileSync(folder(`entry/${name}`), name);
  expect(copyPackages(folder("entry"), folder("to/there"))).toEqual([
    folder("to/there/a_1_amd64.deb"),
    folder("to/there/b_1_all.deb"),
  ]);
  expect(readFileSync(folder("to/there/b_1_all.deb"), "utf8")).toBe("b_1_all.deb");
});
