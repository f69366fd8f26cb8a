import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { estimate } from "../../../evaluation/estimate.ts";
import { durationText, stepsText, timeText } from "../../../evaluation/estimateText.ts";
import { PROFILES } from "../../../evaluation/profiles.ts";
import { judge } from "../../../scripts/lib/configuration.ts";
import { dryRun } from "../../../scripts/lib/dryRun.ts";

const of = (given: Record<string, string>): string =>
  dryRun(judge({}, new Map(Object.entries(given))));

test.each([
  [3, "3 s"],
  [89.2, "90 s"],
  [90, "2 min"],
  [5399, "90 min"],
  [7210, "2.00 h"],
])("%d s are %s", (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test("a span has its unit once, and is a single number where both ends are the same", () => {
  expect(timeText({ seconds: 332, mostSeconds: 542 })).toBe("6 to 10 min");
  expect(timeText({ seconds: 60, mostSeconds: 200 })).toBe("60 s to 4 min");
  expect(timeText({ seconds: 583, mostSeconds: 595 })).toBe("10 min");
  expect(stepsText({ steps: 168, mostSteps: 168 })).toBe("168");
});

describe("what would be measured", () => {
  test("all profiles at this number of domUs, and the experiments of the one that is chosen", () => {
    const text = of({ vmCount: "4", "evaluation.profile": "quick" });
    expect(text).toContain("Profiles, with 4 domUs:");
    for (const { name } of PROFILES) expect(text).toMatch(new RegExp(`^${name} +\\d`, "m"));
    expect(text).toMatch(/^quick +6 to 24 +624 to 2496 +7 to 10 min$/m);
    expect(text).toMatch(/^control +72 +\d+ s$/m);
    expect(text).toMatch(/^all, with the start +624 to 2496 +7 to 10 min$/m);
    expect(text).toContain("Nothing was started, and nothing is kept.");
    expect(text).not.toMatch(/GPU|evaluation\.timeout/);
  });

  test("parts of a profile; without V4V none of its steps", () => {
    const chosen = { "evaluation.experiments": "latency,stream", "evaluation.sizes": "1" };
    expect(of(chosen)).toContain("Chosen: profile smoke (experiments latency,stream; sizes 1):");
    expect(of(chosen)).toMatch(/^latency +12 +\d+ s$/m);
    expect(of({ ...chosen, "v4v.enabled": "false" })).toMatch(/^latency +6 +\d+ s$/m);
  });

  test("a GPU's legs come on top, and a time limit that is too short is told", () => {
    const text = of({ "remoteGpu.enabled": "true", "evaluation.profile": "paper" });
    expect(text).toMatch(/^The GPU domU's \d+ legs are not in these times: about \d+ min more/m);
    expect(of({ "evaluation.profile": "paper" })).toMatch(
      /^evaluation\.timeout is 900 s, which may be too short: --evaluation-timeout 3960\.$/m,
    );
  });

  test("of profile none nothing; what makes no sense is refused", () => {
    expect(of({ "evaluation.profile": "none" })).toContain("nothing would be measured");
    expect(() => of({ "evaluation.experiments": "latncy" })).toThrow("did you mean latency");
  });
});

test("docs/evaluation.md has the estimates of today's profiles", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/evaluation.md"), "utf8");
  const rows = page.split("\n").map((line) => line.replaceAll(/ +/g, " "));
  for (const profile of PROFILES) {
    const { name, repetitions, further, transports } = profile;
    const [two, sixteen] = [estimate(profile, transports, 2), estimate(profile, transports, 16)];
    const all = further === undefined ? "" : ` to ${further.most}`;
    expect(rows).toContain(
      `| \`${name}\` | ${repetitions}${all} | ${stepsText(two)} | ${timeText(two)} | ${timeText(sixteen)} |`,
    );
  }
});

test("docs/artifact-evaluation.md has today's steps and estimates, too", () => {
  const page = readFileSync(
    join(import.meta.dirname, "../../../docs/artifact-evaluation.md"),
    "utf8",
  );
  const at = (name: string, domUs: number) => {
    const profile = PROFILES.find((one) => one.name === name);
    if (profile === undefined) throw new Error(`no profile ${name}`);
    return estimate(profile, profile.transports, domUs);
  };
  expect(page).toContain(`${at("smoke", 2).steps} steps; the first two claims`);
  expect(page).toContain(`${at("quick", 2).steps} steps with two domUs and further ones`);
  expect(page).toContain(
    `${timeText(at("paper", 2))} (estimate), ${timeText(at("paper", 16))} with 16 domUs`,
  );
});
