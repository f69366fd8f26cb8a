import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  assertions,
  constants,
  documentedErrors,
  headerErrors,
  structures,
} from "./helpers/abiPage.ts";

/** docs/v4v-abi.md against kernel/include/v4v.h, by the compiler. */
const PROJECT = join(import.meta.dirname, "../..");
const INCLUDE = join(PROJECT, "kernel/include");
const page = readFileSync(join(PROJECT, "docs/v4v-abi.md"), "utf8");
const header = readFileSync(join(INCLUDE, "v4v.h"), "utf8");

/** What the compiler finds wrong with a page; empty if nothing. */
function wrong(text: string): string {
  const { status, stderr } = spawnSync(
    "cc",
    ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", INCLUDE, "-x", "c", "-"],
    { input: assertions(text), encoding: "utf8" },
  );
  return status === 0 ? "" : stderr;
}

test("every number, offset, size and type of the page is the header's", () => {
  expect(wrong(page)).toBe("");
});

test("every structure of the header is on the page", () => {
  const declared = [...header.matchAll(/^struct (v4v_\w+) \{/gm)].map(([, name]) => name).sort();
  expect(declared.length).toBeGreaterThan(10);
  expect(
    structures(page)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(declared);
});

test("every constant of the header is on the page", () => {
  const defined = [...header.matchAll(/^#define (?!__XEN_PUBLIC)(\w+) +\S/gm)].map(
    ([, name = ""]) => name,
  );
  expect(defined.length).toBeGreaterThan(30);
  expect(defined.filter((name) => !page.includes(name))).toEqual([]);
  // The limits and the operations with their values.
  const valued = new Set(constants(page).map(([name]) => name));
  expect(
    defined.filter((name) => /_MAX$|_MIN$|^V4VOP_|_ANY$|_ALIGN$/.test(name) && !valued.has(name)),
  ).toEqual([]);
});

test.each(["V4VOP_register_ring", "V4VOP_sendv", "V4VOP_list_rules", "V4VOP_set_policy"])(
  "errors of %s are the same on the page and in the header",
  (operation) => {
    const told = headerErrors(header, operation);
    // A comment may go on about other operations.
    expect(told.length).toBeGreaterThan(2);
    expect(documentedErrors(page, operation)).toEqual(told);
  },
);

describe("the check itself", () => {
  test.each([
    ["|     68 | uint32_t     | `event_at`", "|     72 | uint32_t     | `event_at`", "event_at"],
    ["`struct v4v_sendv` (32)", "`struct v4v_sendv` (40)", "v4v_sendv has 40"],
    ["|     20 | uint32_t | `send_max`", "|     20 | uint64_t | `send_max`", "send_max: uint64_t"],
    ["|  4194304 |", "|  4194305 |", "V4V_RING_MAX"],
    ["`VIRQ_V4V` (14)", "`VIRQ_V4V` (11)", "VIRQ_V4V 11"],
    ["`V4V_ABI_VERSION` 0x00010001", "`V4V_ABI_VERSION` 0x00010002", "V4V_ABI_VERSION"],
  ])("finds %s changed to %s", (before, after, said) => {
    expect(page).toContain(before);
    expect(wrong(page.replace(before, after))).toContain(said);
  });

  test("finds a field that is left out", () => {
    const without = page.replace(/^\| +8 \| uint32_t +\| `src_port`.*\n/m, "");
    expect(without).not.toBe(page);
    expect(wrong(without)).toContain("nothing is left out");
  });
});
