import { expect, test } from "vitest";
import { ConfigurationError, loadSettings } from "../../../config/load.ts";
import { ruleFile } from "../../../config/rules.ts";
import { settings } from "../../../config/settings.ts";
import type { Settings } from "../../../config/types.ts";
import { render } from "../../../templates/render.ts";
import { hostileText } from "../helpers/hostileText.ts";
import fc, { runs } from "../helpers/property.ts";

/** Settings, or undefined where they are refused in words that a terminal can show. */
function load(given: Record<string, string>): Settings | undefined {
  try {
    return loadSettings(given, "p");
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // eslint-disable-next-line no-control-regex -- what a terminal would obey
    expect(error.message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    return undefined;
  }
}

test("a hostile value of any setting is refused, or means what its files can hold", () => {
  const names = settings.map(({ path }) => path);
  const texts = ["xen.options", "machine.mirror", "gpu.device"];
  const name = fc.oneof(fc.constantFrom(...names), fc.constantFrom(...texts));
  const value = fc.oneof(hostileText(), fc.stringMatching(/^[A-Za-z0-9 _.,:=+-]{1,20}$/));
  const accepted = new Set<string>();
  fc.assert(
    fc.property(name, value, (path, text) => {
      const loaded = load({ [`p:${path}`]: text });
      if (loaded === undefined) return;
      accepted.add(path);
      const entry = render("boot-entry.cfg", {
        imagePath: "/boot/xen.gz",
        commandLine: `placeholder ${loaded.xen.options}`,
        root: "/dev/vda2",
        dom0Options: "quiet",
      });
      expect(entry.match(/^\t\S+/gm)).toEqual(["\tmultiboot2", "\tmodule2", "\tmodule2"]);
      expect(loaded.machine.mirror).toMatch(/^[A-Za-z0-9.:/_~%+-]*$/);
      expect(loaded.gpu.device).toMatch(/^[a-z0-9:.]+$/);
    }),
    { numRuns: runs(500) },
  );
  expect(names).toEqual(expect.arrayContaining(texts));
  expect(accepted).toContain("xen.options");
});

test("a hostile name of a setting is refused", () => {
  fc.assert(
    fc.property(hostileText(), (name) => {
      expect(load({ [`p:${name}`]: "1" })).toBeUndefined();
    }),
    { numRuns: runs(200) },
  );
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("rules that are accepted come to viptables as rules, whatever is around and in them", () => {
  const end = fc.oneof(
    hostileText(),
    fc.constantFrom("any", "dom0", "domu1", "domu2:7", "domu1:0"),
  );
  const rule = fc
    .tuple(
      end,
      fc.constantFrom(" -> ", "->", "  ->  "),
      end,
      fc.constantFrom(" drop", " accept", " drop\n"),
    )
    .map((parts) => parts.join(""));
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 3 }), (rules) => {
      const loaded = load({ "p:v4v.rules": JSON.stringify(rules) });
      if (loaded === undefined) return;
      accepted += 1;
      const [comment, policy, ...lines] = ruleFile(loaded.v4v).trimEnd().split("\n");
      expect(comment).toMatch(/^# /);
      expect(policy).toBe("-P accept");
      expect(lines).toHaveLength(rules.length);
      for (const line of lines)
        expect(line).toMatch(/^-A -s [a-z0-9]+(:\d+)? -d [a-z0-9]+(:\d+)? -j (drop|accept)$/);
    }),
    { numRuns: runs(400) },
  );
  expect(accepted).toBeGreaterThan(10);
});
