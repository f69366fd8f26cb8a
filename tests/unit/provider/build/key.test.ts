import { chmodSync, mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { buildKey, sourceDigest, type Recipe } from "../../../../provider/build/key.ts";
import { useFolder } from "../../helpers/folder.ts";

const folder = useFolder();

const recipe: Recipe = {
  name: "thing",
  parameters: { A: "1", B: "2" },
  sources: ["src"],
  dependencies: { one: "/cache/one-1234", two: "/cache/two-5678" },
};

describe("the key", () => {
  test("is the recipe's name and a hash that the order of things does not change", () => {
    const key = buildKey(recipe, "digest");
    expect(key).toMatch(/^thing-[0-9a-f]{16}$/);
    const reordered = {
      ...recipe,
      parameters: { B: "2", A: "1" },
      dependencies: { two: "/cache/two-5678", one: "/cache/one-1234" },
    };
    expect(buildKey(reordered, "digest")).toBe(key);
  });

  test("does not hang on where the cache is", () => {
    const elsewhere = { one: "/other/place/one-1234", two: "/other/two-5678" };
    expect(buildKey({ ...recipe, dependencies: elsewhere }, "d")).toBe(buildKey(recipe, "d"));
  });

  test("changes with every input", () => {
    const keys = [
      buildKey(recipe, "d"),
      buildKey(recipe, "e"),
      buildKey({ ...recipe, name: "other" }, "d"),
      buildKey({ ...recipe, parameters: { A: "1", B: "3" } }, "d"),
      buildKey({ ...recipe, parameters: { A: "1" } }, "d"),
      buildKey({ ...recipe, dependencies: { ...recipe.dependencies, two: "/cache/two-9" } }, "d"),
      buildKey(
        { ...recipe, dependencies: { one: "/cache/two-5678", two: "/cache/one-1234" } },
        "d",
      ),
    ].map((key) => key.split("-").at(-1));
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("the digest of sources", () => {
  beforeEach(() => {
    mkdirSync(folder("recipes/thing"), { recursive: true });
    mkdirSync(folder("src/deep"), { recursive: true });
    writeFileSync(folder("recipes/lib.sh"), "lib");
    writeFileSync(folder("recipes/thing.sh"), "script");
    writeFileSync(folder("recipes/thing/helper"), "helper");
    writeFileSync(folder("src/a"), "a");
    writeFileSync(folder("src/deep/b"), "b");
    writeFileSync(folder("unrelated"), "x");
  });
  const digest = () => sourceDigest(folder(), recipe);

  test.each([
    [
      "a source's content",
      () => {
        writeFileSync(folder("src/deep/b"), "c");
      },
    ],
    [
      "a source's name",
      () => {
        renameSync(folder("src/a"), folder("src/c"));
      },
    ],
    [
      "a source that may be run",
      () => {
        chmodSync(folder("src/a"), 0o755);
      },
    ],
    [
      "a new source",
      () => {
        writeFileSync(folder("src/deep/new"), "");
      },
    ],
    [
      "a link instead of a file",
      () => {
        unlinkSync(folder("src/a"));
        symlinkSync("deep/b", folder("src/a"));
      },
    ],
    [
      "the recipe",
      () => {
        writeFileSync(folder("recipes/thing.sh"), "other");
      },
    ],
    [
      "the recipe's helpers",
      () => {
        writeFileSync(folder("recipes/thing/helper"), "other");
      },
    ],
    [
      "what all recipes share",
      () => {
        writeFileSync(folder("recipes/lib.sh"), "other");
      },
    ],
    [
      "content that moves from one file to the next",
      () => {
        writeFileSync(folder("src/a"), "ab");
        writeFileSync(folder("src/deep/b"), "");
      },
    ],
  ])("changes with %s", (_what, change) => {
    const before = digest();
    change();
    expect(digest()).not.toBe(before);
  });

  test("does not change with anything else: other files, a private umask, another clone", () => {
    const before = digest();
    writeFileSync(folder("unrelated"), "y");
    chmodSync(folder("src/a"), 0o600);
    expect(digest()).toBe(before);
  });

  test("of a source that is not there is an error that names it", () => {
    expect(() => sourceDigest(folder(), { name: "thing", sources: ["absent"] })).toThrow("absent");
  });
});
