import { readFileSync } from "node:fs";
import { join } from "node:path";
import { capture } from "../lib/process.ts";
import { PROJECT } from "../lib/workspace.ts";
import { judgeAudit } from "./advisories.ts";
import { licenceProblems } from "./licences.ts";

/** Seconds for the registry; offline there is no answer at all. */
const PATIENCE_S = 60;

/** Part of scripts/test: are npm's packages free to use, and is anything known against them? Ends with their counts. */
function main(): void {
  let passed = 0;
  let failed = 0;
  const tell = (what: string, problems: readonly string[], good: string) => {
    if (problems.length === 0) passed += 1;
    else failed += 1;
    console.log(`${what}: ${problems.length === 0 ? good : "not as it should be"}`);
    for (const line of problems) console.log(`  ${line}`);
  };

  const { looked, problems } = licenceProblems(PROJECT);
  tell("licences", problems, `those of ${looked} packages are among the accepted ones`);

  const args = ["audit", "--json", "--prefix", PROJECT];
  const { code, stdout, stderr } = capture("npm", args, process.env, PATIENCE_S * 1000);
  const lock = readFileSync(join(PROJECT, "package-lock.json"), "utf8");
  const audit =
    code === 126 || code === 127
      ? { skipped: `npm gave no answer: ${stderr}`, failures: [], notes: [] }
      : judgeAudit(stdout, stderr, lock);
  if (audit.skipped === undefined)
    tell("npm audit", audit.failures, "nothing grave is known against what runs");
  // Not counted: neither good nor bad was learnt.
  else console.log(`npm audit: skipped; ${audit.skipped}`);
  for (const line of audit.notes) console.log(`  note: ${line}`);

  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
