import type { Resource } from "./resource.ts";
import { buildResource } from "./resources/build.ts";
import { domainResource } from "./resources/domain.ts";
import { evaluationResource } from "./resources/evaluation.ts";
import { filesResource } from "./resources/files.ts";
import { guestImageResource } from "./resources/guestImage.ts";
import { hostResource } from "./resources/host.ts";
import { hostModuleResource } from "./resources/hostModule.ts";
import { hypervisorResource } from "./resources/hypervisor.ts";
import { machineResource } from "./resources/machine.ts";
import { moduleResource } from "./resources/module.ts";
import { packagesResource } from "./resources/packages.ts";
import { passthroughResource } from "./resources/passthrough.ts";
import { rulesResource } from "./resources/rules.ts";
import { runFolderResource } from "./resources/runFolder.ts";

/** Type tokens of this plugin and what serves them; provider/sdk.ts holds the classes that programs use. */
export const resources = new Map<string, Resource>([
  ["v4v:index:Build", buildResource],
  ["v4v:index:RunFolder", runFolderResource],
  ["v4v:index:Machine", machineResource],
  ["v4v:index:Host", hostResource],
  ["v4v:index:HostModule", hostModuleResource],
  ["v4v:index:Hypervisor", hypervisorResource],
  ["v4v:index:Files", filesResource],
  ["v4v:index:Module", moduleResource],
  ["v4v:index:Packages", packagesResource],
  ["v4v:index:Passthrough", passthroughResource],
  ["v4v:index:Rules", rulesResource],
  ["v4v:index:GuestImage", guestImageResource],
  ["v4v:index:Domain", domainResource],
  ["v4v:index:Evaluation", evaluationResource],
]);
