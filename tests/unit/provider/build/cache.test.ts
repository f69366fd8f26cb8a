import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { build, cached } from "../../../../provider/build/cache.ts";
import type { Recipe } from "../../../../provider/build/key.ts";
import { processesWithArgument } from "../../../../provider/host/processes.ts";
import { useChildren } from "../../helpers/child.ts";
import { eventually } from "../../helpers/eventually.ts";
import { useFolder } from "../../helpers/folder.ts";

const folder = useFolder();
const start = useChildren();
const PROGRAM = join(import.meta.dirname, "../../helpers/buildProgram.ts");

beforeEach(() => {
  vi.stubEnv("XDG_CACHE_HOME", folder());
  mkdirSync(folder("recipes"));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const recipe = (script: string, parts: Partial<Recipe> = {}): Recipe => {
  writeFileSync(folder("recipes/thing.sh"), script);
  return { name: "thing", parameters: {}, sources: [], dependencies: {}, ...parts };
};
const make = (
  what: Recipe,
  signal = AbortSignal.timeout(30_000),
  progress: (line: string) => unknown = () => undefined,
) => build(folder(), what, "digest", signal, progress);
/** Appends a line for each time that the recipe ran. */
const COUNT = 'echo run >>"$SRC/runs"\n';
const runs = () => readFileSync(folder("runs"), "utf8").split("\n").length - 1;
const inCache = (name: string) => readdirSync(folder("v4v-testbed", name));

describe("a build", () => {
  test("becomes an entry with its facts, and leaves nothing else", async () => {
    const what = recipe(
      'mkdir "$OUT/facts"; echo " 42 " >"$OUT/facts/answer"; echo x >"$OUT/file"; echo y >scratch',
    );
    const entry = await make(what);
    expect(entry.facts).toEqual({ answer: "42" });
    expect(readdirSync(entry.path).sort()).toEqual(["facts", "file"]);
    expect(entry.path).toBe(folder("v4v-testbed/builds", entry.key));
    expect(inCache("scratch")).toEqual([]);
    expect(inCache("locks")).toEqual([]);
  });

  test("gets its parameters and dependencies, an empty folder to work in, and no other setting of the user's", async () => {
    vi.stubEnv("EDITOR", "something of the user's");
    const what = recipe(
      'ls -A >"$OUT/here"; printf "%s|%s|%s|%s" "$A" "$DEP_OTHER_THING" "$SRC" "${EDITOR:-}" >"$OUT/said"',
      {
        parameters: { A: "$(x) 'y'" },
        dependencies: { other_thing: "/cache/other-1" },
      },
    );
    const { path } = await make(what);
    expect(readFileSync(join(path, "said"), "utf8")).toBe(`$(x) 'y'|/cache/other-1|${folder()}|`);
    expect(readFileSync(join(path, "here"), "utf8")).toBe("");
  });

  test("of the same inputs runs once; another parameter, source or dependency runs again", async () => {
    const what = recipe(COUNT);
    const first = await make(what);
    expect(await make({ ...what })).toEqual(first);
    expect(runs()).toBe(1);
    await make({ ...what, parameters: { A: "1" } });
    await make({ ...what, dependencies: { a: "/x/y" } });
    await build(folder(), what, "other digest", AbortSignal.timeout(30_000), () => undefined);
    expect(runs()).toBe(4);
    expect(inCache("builds")).toHaveLength(4);
  });

  test("asked for by several at once runs once, and the others are told that they wait", async () => {
    const told: string[] = [];
    const what = recipe(`${COUNT}sleep 0.5; echo done >"$OUT/file"`);
    const entries = await Promise.all(
      Array.from({ length: 4 }, () => make(what, undefined, (line) => told.push(line))),
    );
    expect(new Set(entries.map(({ path }) => path)).size).toBe(1);
    expect(runs()).toBe(1);
    expect(told).toEqual(Array(3).fill("another process is building the same; waiting for it"));
  });

  test("that fails says so with the end of its log, keeps no entry, and is tried again", async () => {
    const what = recipe(
      `${COUNT}echo half >"$OUT/file"; [ -e "$SRC/mended" ] || { echo "no compiler" >&2; exit 3; }`,
    );
    await expect(make(what)).rejects.toThrow(
      /^building thing failed \(exit code 3\); .*\.log ends with:\nno compiler$/,
    );
    expect(cached(what, "digest")).toBeUndefined();
    expect(inCache("locks")).toEqual([]);
    writeFileSync(folder("mended"), "");
    expect(existsSync((await make(what)).path)).toBe(true);
    expect(runs()).toBe(2);
  });

  test("stops at its first failing command", async () => {
    await expect(make(recipe('false\necho x >"$OUT/file"'))).rejects.toThrow("exit code 1");
  });

  test("that does not exist is an error that names it", async () => {
    const absent = { name: "absent", parameters: {}, sources: [], dependencies: {} };
    await expect(make(absent)).rejects.toThrow("building absent failed");
  });
});

describe("a build that is cancelled", () => {
  test("ends with all that it started, and the next one begins afresh", async () => {
    const stop = new AbortController();
    const marker = `v4v-unit-${process.pid}-cancelled`;
    const what = recipe(
      `echo leftover >"$OUT/leftover"; [ -e "$SRC/again" ] || { sh -c 'sleep 60; :' ${marker} & sh -c 'sleep 60; :' ${marker}; }`,
    );
    const building = make(what, stop.signal);
    await eventually("two processes", () => processesWithArgument(marker).length === 2);
    stop.abort(new Error("cancelled"));
    await expect(building).rejects.toThrow("cancelled");
    await eventually("no process", () => processesWithArgument(marker).length === 0);
    expect(inCache("locks")).toEqual([]);
    writeFileSync(folder("again"), "");
    expect(readdirSync((await make(what)).path)).toEqual(["leftover"]);
  });

  test("while it waits for another leaves the other alone", async () => {
    const what = recipe("sleep 0.5");
    const first = make(what);
    const stop = new AbortController();
    const second = make(what, stop.signal, () => {
      stop.abort(new Error("cancelled"));
    });
    await expect(second).rejects.toThrow("cancelled");
    expect(statSync((await first).path).isDirectory()).toBe(true);
  });
});

describe("a controller that is killed in the middle", () => {
  const program = async () => {
    const child = await start(process.execPath, [PROGRAM, folder(), "thing"]);
    await eventually("the build runs", () => existsSync(folder("pid")), 20_000);
    return child;
  };

  test("leaves a lock that the next one recognises as nobody's", async () => {
    const what = recipe(
      `${COUNT}[ -e "$SRC/pid" ] || { echo $$ >"$SRC/pid"; sleep 60; }; echo whole >"$OUT/file"`,
    );
    const child = await program();
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    process.kill(-Number(readFileSync(folder("pid"), "utf8")), "SIGKILL");
    expect(inCache("locks")).toHaveLength(1);
    const told: string[] = [];
    const { path } = await build(folder(), what, "", AbortSignal.timeout(30_000), (line) =>
      told.push(line),
    );
    expect(readFileSync(join(path, "file"), "utf8")).toBe("whole\n");
    expect(told).toEqual([]);
    expect(inCache("locks")).toEqual([]);
  });

  test("and whose recipe runs on does not write into the next one's entry", async () => {
    const what = recipe(`
if [ ! -e "$SRC/pid" ]; then
  echo $$ >"$SRC/pid"
  i=0; until [ -e "$SRC/second" ] || [ $i -ge 400 ]; do sleep 0.05; i=$((i + 1)); done
  echo late >"$OUT/late" || :
  : >"$SRC/written"
else
  : >"$SRC/second"
  i=0; until [ -e "$SRC/written" ] || [ $i -ge 40 ]; do sleep 0.05; i=$((i + 1)); done
  echo whole >"$OUT/file"
fi`);
    const child = await program();
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    const { path } = await build(folder(), what, "", AbortSignal.timeout(30_000), () => undefined);
    expect(readdirSync(path)).toEqual(["file"]);
  });

  test("that lives makes others wait, in other processes as well", async () => {
    const what = recipe(`${COUNT}: >"$SRC/pid"; sleep 1; echo whole >"$OUT/file"`);
    await program();
    const told: string[] = [];
    const entry = await build(folder(), what, "", AbortSignal.timeout(30_000), (line) =>
      told.push(line),
    );
    expect(readFileSync(join(entry.path, "file"), "utf8")).toBe("whole\n");
    expect(runs()).toBe(1);
    expect(told[0]).toBe("another process is building the same; waiting for it");
  });
});
