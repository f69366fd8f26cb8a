import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

/** docs/v4v-pitfalls.md: the tests that it names are there, and every row has one or a reason. */
const PROJECT = join(import.meta.dirname, "../..");
const page = readFileSync(join(PROJECT, "docs/v4v-pitfalls.md"), "utf8");

interface Row {
  pitfall: string;
  text: string;
}

const rows: Row[] = [...page.matchAll(/^\| (?!Pitfall |-)(.*?) +\| (.*?) +\|$/gm)].map(
  ([, pitfall = "", text = ""]) => ({ pitfall, text }),
);

/** File and name of each test in a row: `file`: `name`, `name`; `file`: ... */
function named(text: string): [string, string][] {
  return [...text.matchAll(/`(tests\/[\w./-]+)`: ((?:`[^`]+`(?:, )?)+)/g)].flatMap(
    ([, file = "", names = ""]) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name = ""]): [string, string] => [file, name]),
  );
}

/** Whether a file runs a test of this name. */
function runs(file: string, name: string): boolean {
  const path = join(PROJECT, file);
  if (!existsSync(path)) return false;
  const source = readFileSync(path, "utf8");
  if (file.endsWith(".c"))
    return [`TEST(${name})`, `printf("%s ${name}\\n"`, `\t{"${name}", `].some((run) =>
      source.includes(run),
    );
  return source.includes(`"${name}"`);
}

test("all tables are read", () => {
  expect(rows.length).toBe(47);
  expect(rows.flatMap(({ text }) => named(text)).length).toBeGreaterThan(90);
});

describe.each(rows)("$pitfall", ({ text }) => {
  test("has a test, or a reason", () => {
    expect(named(text).length > 0 || /^(Cannot arise|Open): .{40,}/.test(text), text).toBe(true);
  });

  test("names tests that there are", () => {
    expect(named(text).filter(([file, name]) => !runs(file, name))).toEqual([]);
  });
});

test("a name that is in a file, but is no test there, is found", () => {
  expect(runs("tests/c/hypervisor/test_death.c", "two_domains")).toBe(false);
  expect(runs("tests/sockets/end.c", "no_linger")).toBe(false);
  expect(runs("tests/sockets/end.c", "SIGPIPE")).toBe(true);
  expect(runs("tests/c/hypervisor/gone.c", "the_rings_of_a_dying_domain_go")).toBe(false);
  expect(runs("tests/c/hypervisor/test_death.c", "the_rings_of_a_dying_domain_go")).toBe(true);
});
