import * as pulumi from "@pulumi/pulumi";
import { Testbed } from "./components/testbed.ts";
import { ConfigurationError, loadSettings } from "./config/load.ts";
import { runFolder } from "./provider/host/folders.ts";

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
const testbed = new Testbed("testbed", {
  project,
  folder: runFolder(project, pulumi.getStack()),
  settings: settingsOfStack(),
});

export const accelerator = testbed.machine.accelerator;
export const console = testbed.machine.consoleLog;
export const domains = testbed.domains.domains.map(({ name, address, domid, cid }) => ({ name, address, domid, cid }));
