import { existsSync, rmSync } from "node:fs";
import { Command } from "commander";
import { cacheFolder } from "../../provider/host/folders.ts";
import { processesWithArgument } from "../../provider/host/processes.ts";
import { leftovers, markersIn, sweep } from "../lib/audit.ts";
import { clearDeadLocks, pastDeadLocks } from "../lib/interrupted.ts";
import { exported, takePendingDown, type State } from "../lib/pending.ts";
import { UserError } from "../lib/userError.ts";
import { ARTIFACTS, DEFAULT_STACK, Workspace } from "../lib/workspace.ts";

const say = (line: string): void => {
  console.error(line);
};

function portOf(state: State | undefined): number | undefined {
  const outputs = state?.deployment?.resources?.find(({ type }) => type === "v4v:index:RunFolder")
    ?.outputs as { port?: number } | undefined;
  // On an existing host there is none.
  return outputs?.port === 0 ? undefined : outputs?.port;
}

async function destroy(workspace: Workspace): Promise<void> {
  const started = Date.now();
  const folder = workspace.runFolder;
  const markers = markersIn(folder);
  let port: number | undefined;
  if (workspace.exists()) {
    clearDeadLocks(workspace, say);
    const state = exported(workspace);
    await takePendingDown(workspace, say, state);
    port = portOf(state);
    // One of several hosts may be down.
    const args = ["destroy", "--yes", "--skip-preview", "--continue-on-error"];
    const code = await pastDeadLocks(workspace, say, (hear) =>
      workspace.attached([...args, "--stack", workspace.stack], hear),
    );
    if (code !== 0)
      throw new UserError(`destroy ended with code ${code}; run it again, it goes on from there`);
  }
  await sweep(folder, say);
  const found = await leftovers(folder, markers, port);
  if (found.length > 0)
    throw new UserError(
      `destroy left something behind:\n${found.map((line) => `  - ${line}`).join("\n")}`,
    );
  console.log(
    `Nothing of stack ${workspace.stack} is left: no process, no port, no file (${Math.round((Date.now() - started) / 1000)} s).`,
  );
}

export function destroyCommand(): Command {
  return new Command("destroy")
    .description("Take the testbed down and check that nothing is left; results and caches stay")
    .option("-s, --stack <NAME>", "which testbed, if there are several", DEFAULT_STACK)
    .option("-y, --yes", "for scripts; destroy asks nothing in any case", false)
    .option(
      "--purge",
      "remove the caches of all stacks, too: the next up builds everything again",
      false,
    )
    .action(async (options: { stack: string; purge: boolean }) => {
      await destroy(await Workspace.open(options.stack, say));
      if (existsSync(ARTIFACTS)) console.log(`Results are kept in ${ARTIFACTS}`);
      if (options.purge) {
        // Another stack's disk lies over an image in the cache.
        const others = processesWithArgument("value=v4v-testbed-");
        if (others.length > 0) {
          throw new UserError(
            `the caches are in use by another testbed (process ${others.join(", ")}) and were kept; destroy that one first, then run this again`,
          );
        }
        rmSync(cacheFolder(), { recursive: true, force: true });
        console.log(`The caches in ${cacheFolder()} are removed.`);
      } else if (existsSync(cacheFolder())) {
        console.log(`Caches are kept in ${cacheFolder()} (--purge removes them)`);
      }
    });
}
