import { expect, test } from "vitest";
import { loadSettings } from "../../../config/load.ts";
import { parseRule, ruleFile } from "../../../config/rules.ts";
import fc from "../helpers/property.ts";

const load = (given: Record<string, string>) =>
  loadSettings(
    Object.fromEntries(Object.entries(given).map(([key, value]) => [`p:${key}`, value])),
    "p",
  ).v4v;

const lines = (given: Record<string, string>) => {
  const [comment, ...others] = ruleFile(load(given)).split("\n");
  expect(comment).toMatch(/^# For viptables/);
  return others;
};

test("without rules the table says the policy alone", () => {
  expect(lines({})).toEqual(["-P accept", ""]);
  expect(lines({ "v4v.policy": "drop" })).toEqual(["-P drop", ""]);
});

test("rules keep their order: the first that matches decides", () => {
  const rules = ["domu2 -> dom0:1 accept", "domu2->any drop", " any:7 ->  domu1   drop "];
  expect(lines({ "v4v.rules": JSON.stringify(rules) })).toEqual([
    "-P accept",
    "-A -s domu2 -d dom0:1 -j accept",
    "-A -s domu2 -d any -j drop",
    "-A -s any:7 -d domu1 -j drop",
    "",
  ]);
});

test("a list means the same as an object's member, by its path, and as a flag keeps it", () => {
  const list = '["domu1 -> domu2 drop"]';
  const wanted = ["domu1 -> domu2 drop"];
  expect(load({ "v4v.rules": list }).rules).toEqual(wanted);
  expect(load({ v4v: `{"rules":${list}}` }).rules).toEqual(wanted);
  expect(load({ v4v: JSON.stringify({ rules: list }) }).rules).toEqual(wanted);
});

test("the one rule that is wrong is named with its place, its text and what is allowed", () => {
  expect(() => load({ "v4v.rules": '["any -> any drop","domu1 -> domu2 reject"]' })).toThrow(
    'v4v.rules[1]: "domu1 -> domu2 reject" is not accepted; allowed is a JSON list of up to 256 rules',
  );
  expect(() => load({ "v4v.rules": '["domu1 -> domu9:5000000000 drop"]' })).toThrow(
    /v4v\.rules\[0\]: "domu1 -> domu9:5000000000 drop" names domu9; with vmCount 2 there are domu1 to domu2\n {2}- .* names port 5000000000; allowed is 0 to 4294967295$/,
  );
});

const end = fc.record(
  {
    domain: fc.constantFrom("any", "dom0", "domu1", "domu2"),
    port: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  },
  { requiredKeys: ["domain"] },
);
const blanks = (least: number) => fc.stringMatching(new RegExp(`^ {${least},3}$`));

test("any rule that is accepted is read as it was written, however it is spaced", () => {
  const rule = fc.record({
    from: end,
    to: end,
    target: fc.constantFrom("accept" as const, "drop" as const),
  });
  fc.assert(
    fc.property(rule, blanks(0), blanks(0), blanks(1), (wanted, before, around, behind) => {
      const written = ({ domain, port }: { domain: string; port?: number }) =>
        port === undefined ? domain : `${domain}:${port}`;
      const text = `${before}${written(wanted.from)}${around}->${around}${written(wanted.to)}${behind}${wanted.target}`;
      const { rules } = load({ "v4v.rules": JSON.stringify([text]) });
      expect(rules).toEqual([text]);
      expect(parseRule(text)).toEqual(wanted);
    }),
  );
});

test("whatever is accepted is one line of words that viptables reads, and nothing else", () => {
  const word = fc.constantFrom("any", "dom0", "domu1", "domu2", ":", "1", "->", "drop", "accept");
  const text = fc
    .array(fc.oneof(word, fc.constant(" "), fc.string({ maxLength: 2 })), { maxLength: 9 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (rule) => {
      let settings;
      try {
        settings = load({ "v4v.rules": JSON.stringify([rule]) });
      } catch {
        return;
      }
      expect(ruleFile(settings)).toMatch(
        /^#.*\n-P accept\n-A -s (any|dom0|domu\d)(:\d+)? -d (any|dom0|domu\d)(:\d+)? -j (accept|drop)\n$/,
      );
    }),
    { numRuns: 2000 },
  );
});
