import type { Settings } from "./types.ts";

/** One end of a rule: `any`, `dom0` or a domU, and a port of V4V if the rule is about one. */
interface End {
  domain: string;
  port?: number;
}

/** A rule as the configuration writes it: `domu1 -> domu2:5000 drop`. */
export interface Rule {
  from: End;
  to: End;
  target: "accept" | "drop";
}

/** Ports of V4V's rings are 32 bits wide (kernel/include/v4v.h). */
const LAST_PORT = 2 ** 32 - 1;

function parseEnd(text: string): End {
  const [domain = "", port] = text.split(":");
  return port === undefined ? { domain } : { domain, port: Number(port) };
}

/** The rule in a text that schema.json's pattern lets through. */
export function parseRule(text: string): Rule {
  const [from = "", to = "", target] = text
    .replace("->", " ")
    .split(" ")
    .filter((word) => word !== "");
  return {
    from: parseEnd(from),
    to: parseEnd(to),
    target: target === "drop" ? "drop" : "accept",
  };
}

/**
 * The whole table as `viptables --restore` reads it.
 *
 * @param there names of the domUs of the host; rules about others are left out. Absent: all are there
 */
export function ruleFile({ policy, rules }: Settings["v4v"], there?: readonly string[]): string {
  const end = ({ domain, port }: End) => (port === undefined ? domain : `${domain}:${port}`);
  const known = ({ domain }: End) =>
    !/^domu\d+$/.test(domain) || there === undefined || there.includes(domain);
  const lines = rules
    .map(parseRule)
    .filter(({ from, to }) => known(from) && known(to))
    .map(({ from, to, target }) => `-A -s ${end(from)} -d ${end(to)} -j ${target}\n`);
  return `# For viptables, written by the testbed; the next up mends changes made here.\n-P ${policy}\n${lines.join("")}`;
}

function* endProblems({ domain, port }: End, vmCount: number): Generator<string> {
  const number = /^domu(\d+)$/.exec(domain)?.[1];
  if (number !== undefined && Number(number) > vmCount)
    yield `names ${domain}; with vmCount ${vmCount} there are domu1 to domu${vmCount}`;
  if (port !== undefined && port > LAST_PORT)
    yield `names port ${port}; allowed is 0 to ${LAST_PORT}`;
}

/** Rules that are well written and mean nothing in this testbed, as sentences that say what to change. */
export function ruleProblems({ vmCount, v4v }: Settings): string[] {
  const problems = v4v.rules.flatMap((text, i) => {
    const { from, to } = parseRule(text);
    return [...new Set([...endProblems(from, vmCount), ...endProblems(to, vmCount)])].map(
      (problem) => `v4v.rules[${i}]: "${text}" ${problem}`,
    );
  });
  if (!v4v.enabled && v4v.rules.length > 0)
    problems.push("v4v.rules: there is nothing to rule with v4v.enabled false; allowed is []");
  if (!v4v.enabled && v4v.policy !== "accept")
    problems.push(
      'v4v.policy: "drop" drops nothing with v4v.enabled false; allowed is accept (or set v4v.enabled)',
    );
  return problems;
}
