/** What another Pulumi project can build from: `import { XenHost } from "v4vsockets-testbed"` (docs/existing-hosts.md). */
import { join } from "node:path";

export { Builds, HypervisorBuild, PackageBuilds, type BuildsArgs, type Parts } from "./builds.ts";
export { Domains, type DomainsArgs } from "./domains.ts";
export { Evaluation, type EvaluationArgs } from "./evaluation.ts";
export { connectionTo, ExistingHost, type ExistingHostArgs } from "./existingHost.ts";
export { GuestModule, type GuestModuleArgs } from "./guestModule.ts";
export type { Host } from "./host.ts";
export { Machine, type MachineArgs } from "./machine.ts";
export type { Place } from "./place.ts";
export { RuleTable, type RuleTableArgs } from "./ruleTable.ts";
export { Sockets, type SocketsArgs } from "./sockets.ts";
export { Testbed, type TestbedArgs } from "./testbed.ts";
export { V4vPackages, type V4vPackagesArgs } from "./v4vPackages.ts";
export { XenHost, type XenHostArgs } from "./xenHost.ts";
export { ConfigurationError, loadSettings } from "../config/load.ts";
export type { HostSettings, Settings } from "../config/types.ts";
export { runFolder } from "../provider/host/folders.ts";

/** Folder of the testbed's own sources, which its builds read. */
export const PROJECT = join(import.meta.dirname, "..");
