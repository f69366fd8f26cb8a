import { parseArgs } from "node:util";

const HELP = `usage: node evaluation/cli.ts redraw RUN_FOLDER [--output FOLDER]
       node evaluation/cli.ts --help

redraw   makes results.csv, summary.json, figures, manifest.json and report.html of a run again from its
         samples.jsonl, plan.json and manifest.json. Needs no machine.

  -o, --output FOLDER   put them there, with the samples, and leave the run folder as it is; needed where samples and
                        plan are kept compressed (.gz)
`;

async function main(argv: string[]): Promise<number> {
  let positionals: string[];
  let output: string | undefined;
  try {
    const parsed = parseArgs({
      args: argv,
      options: {
        help: { type: "boolean", short: "h", default: false },
        output: { type: "string", short: "o" },
      },
      allowPositionals: true,
    });
    if (parsed.values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    positionals = parsed.positionals;
    output = parsed.values.output;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${HELP}`);
    return 2;
  }
  const [command, directory, ...rest] = positionals;
  if (command !== "redraw" || directory === undefined || rest.length > 0) {
    process.stderr.write(HELP);
    return 2;
  }
  try {
    // Help and misuse need none of what draws.
    const { redraw } = await import("./artifacts.ts");
    const { table, paths } = await redraw(directory, output);
    process.stdout.write(`${table}report: ${paths.report}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`redraw: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
