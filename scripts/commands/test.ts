import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { PROJECT } from "../lib/workspace.ts";

interface Suite {
  name: string;
  group: "checks" | "unit" | "browser" | "c" | "e2e";
  program: string;
  args: string[];
  /** A bound against hangs, minutes. */
  minutes: number;
  /** Reads the counts from the output; without it the suite counts as one test. */
  counts?: (output: string) => { passed: number; failed: number } | undefined;
}

/** Vitest's summary: `Tests  2 failed | 41 passed | 1 skipped (44)`. */
function vitestCounts(output: string): { passed: number; failed: number } | undefined {
  const line = /^\s*Tests\s+(.*)$/m.exec(output)?.[1];
  if (line === undefined) return undefined;
  const of = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  // A test that was skipped because an earlier one failed has not passed.
  return { passed: of("passed"), failed: of("failed") + of("skipped") };
}

/** The last line of the C runners. */
function lineCounts(output: string): { passed: number; failed: number } | undefined {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  return last === undefined ? undefined : { passed: Number(last[1]), failed: Number(last[2]) };
}

/**
 * The part of a failed suite's output that says why: from Vitest's first heading of failures or unhandled errors on, or
 * the end. Whoever keeps only the end of a long log finds it there.
 */
export function reason(output: string): string {
  const lines = output.trimEnd().split("\n");
  const heading = lines.findIndex((line) => /^⎯+ +(Failed|Unhandled|Startup) /.test(line));
  return (heading < 0 ? lines.slice(-40) : lines.slice(heading, heading + 120)).join("\n");
}

function suites(full: boolean): Suite[] {
  const bin = (name: string) => join(PROJECT, "node_modules", ".bin", name);
  const vitest = (config: string) => ["run", "--config", join(PROJECT, config), "--no-color"];
  const c = join(PROJECT, "tests/c");
  const runners = readdirSync(c).filter((name) => existsSync(join(c, name, "run.sh")));
  return [
    {
      name: "types",
      group: "checks",
      program: bin("tsc"),
      args: ["--noEmit", "-p", PROJECT],
      minutes: 5,
    },
    { name: "lint", group: "checks", program: bin("eslint"), args: [PROJECT], minutes: 10 },
    {
      name: "format",
      group: "checks",
      program: bin("prettier"),
      args: ["--check", PROJECT],
      minutes: 5,
    },
    {
      name: "licences and advisories",
      group: "checks",
      program: process.execPath,
      args: [join(PROJECT, "scripts/supply/main.ts")],
      minutes: 5,
      counts: lineCounts,
    },
    {
      name: "unit tests",
      group: "unit",
      program: bin("vitest"),
      args: vitest("vitest.config.ts"),
      minutes: 15,
      counts: vitestCounts,
    },
    {
      name: "pages in a browser",
      group: "browser",
      program: bin("vitest"),
      args: vitest("tests/browser/vitest.config.ts"),
      minutes: 15,
      counts: vitestCounts,
    },
    ...runners.map((name): Suite => ({
      name: `C tests of ${name}`,
      group: "c",
      program: join(c, name, "run.sh"),
      args: [],
      minutes: 30,
      counts: lineCounts,
    })),
    {
      name: "end to end",
      group: "e2e",
      program: bin("vitest"),
      args: vitest("tests/e2e/vitest.config.ts"),
      // In full with the tests of existing hosts, whose every boot is emulated.
      minutes: full ? 960 : 80,
      counts: vitestCounts,
    },
  ];
}

function run(suite: Suite, env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(suite.program, suite.args, {
      cwd: PROJECT,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      process.stdout.write(chunk);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const end = () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(() => {
      console.log(`[${suite.name}: not finished after ${suite.minutes} minutes]`);
      end();
    }, suite.minutes * 60_000);
    // Ctrl-C here ends what runs there: it has a process group of its own.
    const interrupt = () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
    };
    process.once("SIGINT", interrupt);
    process.once("SIGTERM", interrupt);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      process.removeListener("SIGINT", interrupt);
      process.removeListener("SIGTERM", interrupt);
      resolve({ code: code ?? 128, output });
    });
  });
}

export function testCommand(): Command {
  return new Command("test")
    .description("Run every test in its short form; the last line counts them")
    .option("--full", "the issues' full counts: longer fuzzing, more faults, soak", false)
    .addOption(
      new Option("--only <GROUP>", "one group of tests").choices([
        ...["checks", "unit", "browser", "c", "e2e"],
      ]),
    )
    .option("--no-install", "do not install missing packages; say which they are")
    .action(async ({ full, only }: { full: boolean; only?: Suite["group"] }) => {
      const env = {
        ...process.env,
        ...(full && { V4V_TEST: "full", FUZZ_COUNT: process.env.FUZZ_COUNT ?? "1000000" }),
      };
      let passed = 0;
      let failed = 0;
      const summary: string[] = [];
      const reasons: string[] = [];
      for (const suite of suites(full).filter(
        ({ group }) => only === undefined || group === only,
      )) {
        console.log(`\n== ${suite.name}`);
        const started = Date.now();
        const { code, output } = await run(suite, env);
        const counts = suite.counts?.(output) ?? { passed: code === 0 ? 1 : 0, failed: 0 };
        // A suite that ends badly without a failed test of its own has failed as a whole.
        if (code !== 0 && counts.failed === 0) counts.failed = 1;
        if (counts.failed > 0) reasons.push(`== why ${suite.name} failed\n${reason(output)}\n`);
        passed += counts.passed;
        failed += counts.failed;
        summary.push(
          `${suite.name}: ${counts.passed} passed, ${counts.failed} failed (${Math.round((Date.now() - started) / 1000)} s)`,
        );
      }
      for (const text of reasons) console.log(`\n${text}`);
      console.log(`\n${summary.join("\n")}`);
      console.log(`${passed} passed, ${failed} failed`);
      process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
    });
}
