import { describe, expect, test } from "vitest";
import { ConfigurationError, loadSettings } from "../../../config/load.ts";
import { accepted, refused } from "./corpus.ts";

const load = (given: Record<string, string>) =>
  loadSettings(
    Object.fromEntries(Object.entries(given).map(([key, value]) => [`p:${key}`, value])),
    "p",
  );

function refusal(given: Record<string, string>): ConfigurationError {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error(`was accepted: ${JSON.stringify(given).slice(0, 200)}`);
}

test("the corpus holds each case once", () => {
  const cases = refused.map(({ given }) => JSON.stringify(given));
  expect(new Set(cases).size).toBe(cases.length);
  expect(cases.length).toBeGreaterThanOrEqual(70);
});

describe.each(refused)("$named: $why", ({ given, named }) => {
  test("is refused by one error that names each wrong setting and no other", () => {
    const { problems } = refusal(given);
    const names = problems.map((problem) => {
      const known = [...named].sort((a, b) => b.length - a.length);
      // Names hold colons of their own here: the longest that fits is meant.
      return known.find((name) => problem.startsWith(`${name}: `)) ?? problem;
    });
    expect(names.sort()).toEqual([...named].sort());
  });

  test("leaves no trace on later configurations", () => {
    try {
      load(given);
    } catch {
      // What is thrown is the other test's business.
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(load({}).vmCount).toBe(2);
  });
});

const acting = ["a\nb", "\u001b[31mred", "a\0b", "a\u009bb", "a\u2028b", "a\u202eb"];

test.each(acting)(
  "%j in a name or a value neither acts on a terminal nor begins a line",
  (text) => {
    for (const given of [{ [text]: "3" }, { vmCount: text }]) {
      const { message } = refusal(given);
      const [headline, line = "", ...others] = message.split("\n");
      expect(headline).toBe("the configuration has 1 problem:");
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(others).toEqual([]);
    }
  },
);

test("a long name is shown by its beginning", () => {
  expect(refusal({ ["x".repeat(5000)]: "3" }).message.length).toBeLessThan(300);
});

test.each(accepted)("%j is accepted", (given) => {
  expect(load(given)).toMatchObject({ target: given.target ?? "emulated" });
});

test.each(["a  b", " a", "a ", " "])(
  "Xen's command line is what %j comes out as after the boot loader",
  (given) => {
    // GRUB splits at blanks and joins by one; `xl info` shows that, and the provider compares it with the setting.
    const { xen } = load({ "xen.options": given });
    expect(xen.options).toBe(given.split(" ").filter(Boolean).join(" "));
  },
);
