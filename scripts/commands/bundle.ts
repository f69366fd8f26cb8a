import { Command } from "commander";
import { chooseRun, pack } from "../lib/bundle.ts";
import { fromUser } from "../lib/process.ts";
import { ARTIFACTS } from "../lib/workspace.ts";

export function bundleCommand(): Command {
  return new Command("bundle")
    .description("Pack a run of artifacts/ into one .tar.gz, the same bytes each time")
    .argument("[run]", "which run", "latest")
    .option("-o, --output <FILE>", "the archive; by default artifacts/RUN.tar.gz")
    .action((name: string, options: { output?: string }) => {
      const run = chooseRun(ARTIFACTS, name);
      const archive = fromUser(options.output ?? `${run.path}.tar.gz`);
      const { size, sha256, leftOut } = pack(run, archive);
      for (const file of leftOut) console.error(`left out, not a plain file: ${file}`);
      console.log(`${archive}\n${size} bytes\nSHA-256 ${sha256}`);
    });
}
