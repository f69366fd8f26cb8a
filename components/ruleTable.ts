import * as pulumi from "@pulumi/pulumi";
import { ruleFile } from "../config/rules.ts";
import type { Settings } from "../config/types.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import { Files, Rules, type Build } from "../provider/sdk.ts";
import { goesWith, kept, lastingAfter } from "./host.ts";
import type { XenHost } from "./xenHost.ts";

export interface RuleTableArgs {
  xenHost: XenHost;
  sockets: Build;
  settings: Settings["v4v"];
  /** Names of the host's domUs, where it is one of several. */
  domUs?: readonly string[];
}

const TOOL = "/usr/local/sbin/viptables";

/** The tool, for dom0. */
export function dom0Viptables(sockets: Build): pulumi.Output<RemoteFile[]> {
  return sockets.path.apply((path) => [
    { path: TOOL, mode: "755", source: `${path}/root/sbin/viptables` },
  ]);
}

/** Which V4V messages the hypervisor takes, and viptables to look at it and to change it by hand. */
export class RuleTable extends pulumi.ComponentResource {
  readonly rules: Rules;

  constructor(name: string, args: RuleTableArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:RuleTable", name, {}, options);
    const { xenHost, settings } = args;
    const { connection, incarnation } = xenHost.host;
    const on = { parent: this, ...goesWith(xenHost.host) };
    const tool = new Files(
      `${name}-tool`,
      {
        connection,
        incarnation,
        files: dom0Viptables(args.sockets),
        ...kept(xenHost.host),
      },
      { ...on, dependsOn: lastingAfter(xenHost.host, xenHost.hypervisor) },
    );
    this.rules = new Rules(
      `${name}-table`,
      {
        connection,
        dom0BootId: xenHost.bootId,
        rules: ruleFile(settings, args.domUs),
        path: "/etc/v4v-testbed/rules",
        tool: TOOL,
        unit: "v4v-rules.service",
      },
      { ...on, dependsOn: [tool, xenHost.hypervisor] },
    );
    this.registerOutputs({});
  }
}
