import { expect, test } from "vitest";
import { parseRule, ruleProblems } from "../../../config/rules.ts";
import { settingsOf } from "../components/world.ts";

test.each([
  ["domu1 -> domu2 drop", { domain: "domu1" }, { domain: "domu2" }, "drop"],
  ["  any->dom0:1   accept ", { domain: "any" }, { domain: "dom0", port: 1 }, "accept"],
  [
    "domu3:0 -> any:4294967295 drop",
    { domain: "domu3", port: 0 },
    { domain: "any", port: 4294967295 },
    "drop",
  ],
])("%s", (text, from, to, target) => {
  expect(parseRule(text)).toEqual({ from, to, target });
});

test("a rule about a domU that there is not is named with its number, each end once", () => {
  const settings = settingsOf({ vmCount: "4" });
  settings.v4v.rules = ["domu4 -> domu1 drop", "domu5 -> domu5 drop", "any -> domu64:7 accept"];
  expect(ruleProblems(settings)).toEqual([
    'v4v.rules[1]: "domu5 -> domu5 drop" names domu5; with vmCount 4 there are domu1 to domu4',
    'v4v.rules[2]: "any -> domu64:7 accept" names domu64; with vmCount 4 there are domu1 to domu4',
  ]);
});
