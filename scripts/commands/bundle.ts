import { resolve } from "node:path";
import { Command } from "commander";
import { chooseRun, pack } from "../lib/bundle.ts";
import { ARTIFACTS } from "../lib/workspace.ts";

export function bundleCommand(): Command {
  return new Command("bundle")
    .description("Pack a run of artifacts/ into one .tar.gz, the same bytes each time")
    .argument("[run]", "which run", "latest")
    .option("-o, --output <FILE>", "the archive; by default artifacts/RUN.tar.gz")
    .action((name: string, options: { output?: string }) => {
      const run = chooseRun(ARTIFACTS, name);
      // npm runs us in the project's folder and says in INIT_CWD where the user is.
      const here = process.env.INIT_CWD ?? process.cwd();
      const archive = resolve(here, options.output ?? `${run.path}.tar.gz`);
      const { size, sha256, leftOut } = pack(run, archive);
      for (const file of leftOut) console.error(`left out, not a plain file: ${file}`);
      console.log(`${archive}\n${size} bytes\nSHA-256 ${sha256}`);
    });
}
