import { npmPackages } from "../../evaluation/sbom/npm.ts";

/** What `npm audit --json` gives, as far as it is looked at (npm 7 and later). */
interface Answer {
  vulnerabilities?: Record<
    string,
    { name: string; severity: string; nodes?: string[]; via?: (string | { title?: string })[] }
  >;
  message?: string;
  error?: { summary?: string };
}

export interface Audit {
  /** Why nothing was learnt; undefined if the registry has answered. */
  skipped?: string;
  /** Grave ones in what runs: they have to be dealt with. */
  failures: string[];
  /** The others: in tools, or of little weight. */
  notes: string[];
}

const GRAVE: readonly string[] = ["high", "critical"];

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

/**
 * What an answer of `npm audit --json` means for this project.
 *
 * @param lock package-lock.json, which says what is a tool only
 */
export function judgeAudit(stdout: string, stderr: string, lock: string): Audit {
  let answer: Answer;
  try {
    answer = JSON.parse(stdout) as Answer;
  } catch {
    const said = firstLine(stderr) || "npm audit gave no answer";
    return { skipped: said, failures: [], notes: [] };
  }
  if (answer.vulnerabilities === undefined) {
    const why = answer.message ?? answer.error?.summary ?? "no list of vulnerabilities came";
    return { skipped: `the registry offers no audit: ${firstLine(why)}`, failures: [], notes: [] };
  }
  const tools = new Set(
    npmPackages(lock)
      .filter(({ dev }) => dev)
      .map(({ path }) => path),
  );
  const audit: Audit = { failures: [], notes: [] };
  for (const { name, severity, nodes = [], via = [] } of Object.values(answer.vulnerabilities)) {
    const titles = via.map((one) => (typeof one === "string" ? `through ${one}` : one.title));
    const runs = nodes.length === 0 || nodes.some((path) => !tools.has(path));
    const line = `${name} (${severity}${runs ? "" : ", a tool"}): ${titles.filter(Boolean).join("; ")}`;
    (GRAVE.includes(severity) && runs ? audit.failures : audit.notes).push(line);
  }
  return audit;
}
