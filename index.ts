import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Testbed } from "./components/testbed.ts";
import { usesArchive } from "./config/gpu.ts";
import { ConfigurationError, loadSettings } from "./config/load.ts";
import type { Settings } from "./config/types.ts";
import { checkArchive } from "./provider/gpu/archive.ts";
import rcuda from "./provider/gpu/rcuda.json" with { type: "json" };
import { runFolder } from "./provider/host/folders.ts";
import { sshConfigPath } from "./provider/ssh/clientConfig.ts";

function settingsOfStack() {
  try {
    return loadSettings(pulumi.runtime.allConfig(), pulumi.getProject());
  } catch (error) {
    // A RunError is shown without a stack trace: the mistake is in the configuration, not in the program.
    if (error instanceof ConfigurationError) throw new pulumi.RunError(error.message);
    throw error;
  }
}

/** An archive that is not what it should be is known before anything is built. */
async function checkArchives(settings: Settings): Promise<Settings> {
  if (!usesArchive(settings)) return settings;
  const { archive, sha256 } = settings.remoteGpu.rcuda;
  const given = archive === "" ? undefined : { path: archive, sha256 };
  const { problems } = await checkArchive(rcuda, given);
  if (problems.length > 0) throw new pulumi.RunError(problems.join("\n"));
  return settings;
}

const project = import.meta.dirname;
const folder = runFolder(project, pulumi.getStack());
const testbed = new Testbed("testbed", {
  project,
  folder,
  artifacts: join(project, "artifacts"),
  settings: await checkArchives(settingsOfStack()),
});

export const accelerator = testbed.machine.accelerator;
/** The machine's console on this computer; an existing host's is not known here. */
export const console = testbed.machine.consoleLog ?? null;
/** For `ssh -F`; known before the machine is there. */
export const sshConfig = sshConfigPath(folder);
export const domains = testbed.sites
  .flatMap(({ domains: { domains: made, numbers } }) =>
    made.map(({ name, address, domid, cid }, i) => ({
      number: numbers[i] ?? 0,
      domU: { name, address, domid, cid },
    })),
  )
  .sort((a, b) => a.number - b.number)
  .map(({ domU }) => domU);
/** The domU that has the GPU. */
export const gpu = testbed.gpuDomain
  ? {
      name: testbed.gpuDomain.domain.name,
      address: testbed.gpuDomain.domain.address,
      functions: testbed.gpuDomain.passthrough.functions,
    }
  : null;
export const run = testbed.evaluation.run?.runId ?? null;
export const report = testbed.evaluation.run?.report ?? null;
export const claims =
  testbed.evaluation.run?.claims.apply((rows) =>
    Object.fromEntries(rows.map(({ id, verdict }) => [id, verdict])),
  ) ?? null;
