import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Testbed } from "./components/testbed.ts";
import { ConfigurationError, loadSettings } from "./config/load.ts";
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

const project = import.meta.dirname;
const folder = runFolder(project, pulumi.getStack());
const testbed = new Testbed("testbed", {
  project,
  folder,
  artifacts: join(project, "artifacts"),
  settings: settingsOfStack(),
});

export const accelerator = testbed.machine.accelerator;
/** The machine's console on this computer; an existing host's is not known here. */
export const console = testbed.machine.consoleLog ?? null;
/** For `ssh -F`; known before the machine is there. */
export const sshConfig = sshConfigPath(folder);
export const domains = testbed.domains.domains.map(({ name, address, domid, cid }) => ({
  name,
  address,
  domid,
  cid,
}));
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
