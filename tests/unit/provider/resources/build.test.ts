import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UNKNOWN, type Prior, type Properties } from "../../../../provider/resource.ts";
import { buildResource as build } from "../../../../provider/resources/build.ts";
import { inputDiff } from "../../../../provider/rpc/values.ts";
import { recordedContext } from "../../helpers/context.ts";
import { useFolder } from "../../helpers/folder.ts";

const folder = useFolder();
beforeEach(() => {
  vi.stubEnv("XDG_CACHE_HOME", folder());
  mkdirSync(folder("recipes"));
  writeFileSync(folder("recipes/lib.sh"), "");
  writeFileSync(
    folder("recipes/thing.sh"),
    'mkdir "$OUT/facts"; cat "$SRC/source" >"$OUT/facts/content"',
  );
  writeFileSync(folder("source"), "1");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const given = (): Properties => ({
  project: folder(),
  recipe: "thing",
  parameters: {},
  sources: ["source"],
  dependencies: {},
});
const checked = async (inputs = given()) => (await build.check?.(inputs, undefined))?.inputs ?? {};
const prior = (inputs: Properties, outputs: Properties): Prior => ({
  id: "thing",
  inputs,
  outputs,
});

test("an edited source is a changed input, and another entry", async () => {
  const first = await checked();
  const before = await build.ensure(recordedContext(), first, undefined);
  expect(before.facts).toEqual({ content: "1" });
  writeFileSync(folder("source"), "2");
  const second = await checked();
  expect(inputDiff(prior(first, before), second, build)).toEqual({
    changed: ["sourceDigest"],
    replace: [],
  });
  const after = await build.ensure(recordedContext(), second, prior(first, before));
  expect(after.facts).toEqual({ content: "2" });
  expect(after.path).not.toBe(before.path);
});

test("a purged cache is seen by read and built again", async () => {
  const inputs = await checked();
  const outputs = await build.ensure(recordedContext(), inputs, undefined);
  expect(await build.read(recordedContext(), prior(inputs, outputs))).toEqual({ inputs, outputs });
  rmSync(outputs.path as string, { recursive: true });
  expect(await build.read(recordedContext(), prior(inputs, outputs))).toBeUndefined();
  expect(await build.ensure(recordedContext(), inputs, prior(inputs, outputs))).toEqual(outputs);
});

test("destroying a stack leaves the cache to the others", async () => {
  const inputs = await checked();
  const outputs = await build.ensure(recordedContext(), inputs, undefined);
  await build.delete(recordedContext(), prior(inputs, outputs));
  expect(existsSync(outputs.path as string)).toBe(true);
});

test("a preview's unknown dependencies are no failure; what is missing is named", async () => {
  expect(await checked({ ...given(), dependencies: { a: UNKNOWN } })).toHaveProperty(
    "sourceDigest",
  );
  const { failures } =
    (await build.check?.({ project: folder(), recipe: "thing" }, undefined)) ?? {};
  expect(failures?.map(({ property }) => property)).toEqual([
    "parameters",
    "sources",
    "dependencies",
  ]);
});
