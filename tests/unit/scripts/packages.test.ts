import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { sourcesOf } from "../../../provider/build/sources.ts";
import { buildPackages, copyPackages, modulePackage } from "../../../scripts/lib/packages.ts";
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

test("the module's package is made from what the stack was built with", () => {
  const recipe = modulePackage(PROJECT, stateWith("index", "buildroot", "module", "sockets"));
  expect(recipe.dependencies).toEqual({ index: "/cache/index-0", buildroot: "/cache/buildroot-0" });
  expect(recipe.parameters.VERSION).toMatch(/^\d+\.\d+\.\d+$/);
});

test.each([
  ["sockets", ["v4v-sockets", "v4v-dom0"]],
  ["module-package", ["v4v-module-dkms"]],
])("the cache's key of the recipe %s knows of the parts of its packages", (recipe, packages) => {
  const sources = sourcesOf(recipe);
  for (const name of packages) expect(sources).toContain(`recipes/packages/${name}`);
});

test("a stack that was built without V4V has none, and that is a sentence", async () => {
  const state = stateWith("index", "buildroot");
  await expect(
    buildPackages(PROJECT, state, new AbortController().signal, () => undefined),
  ).rejects.toThrow(/has no build of sockets; run \.\/scripts\/up/);
});

test("each package has its parts, and each script of a maintainer is one that a shell reads", () => {
  const parts = join(PROJECT, "recipes/packages");
  expect(readdirSync(parts).sort()).toEqual(["v4v-dom0", "v4v-module-dkms", "v4v-sockets"]);
  const script = ["sockets", "module-package"]
    .map((recipe) => readFileSync(join(PROJECT, "recipes", `${recipe}.sh`), "utf8"))
    .join("");
  for (const name of readdirSync(parts)) {
    expect(script).toMatch(new RegExp(`^package ${name} (amd64|all) `, "m"));
    expect(readFileSync(join(parts, name, "control"), "utf8")).toMatch(/^Description: /m);
    for (const part of ["postinst", "prerm", "postrm"]) {
      const path = join(parts, name, part);
      if (existsSync(path)) expect(readFileSync(path, "utf8")).toMatch(/^#!\/bin\/sh\nset -e\n/);
    }
  }
});

test("packages of all folders are copied into one", () => {
  for (const path of ["one/b_1_all.deb", "one/a_1_amd64.deb", "two/c_1_all.deb"]) {
    mkdirSync(dirname(folder(path)), { recursive: true });
    writeFileSync(folder(path), path);
  }
  expect(copyPackages([folder("one"), folder("two")], folder("to/there"))).toEqual(
    ["a_1_amd64.deb", "b_1_all.deb", "c_1_all.deb"].map((name) => folder(`to/there/${name}`)),
  );
  expect(readFileSync(folder("to/there/b_1_all.deb"), "utf8")).toBe("one/b_1_all.deb");
});
