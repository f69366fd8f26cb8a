import * as pulumi from "@pulumi/pulumi";
import { ruleFile } from "../config/rules.ts";
import type { Settings } from "../config/types.ts";
import { Rules } from "../provider/sdk.ts";
import { goesWith } from "./host.ts";
import { VIPTABLES, type Sockets } from "./sockets.ts";
import type { XenHost } from "./xenHost.ts";

export interface RuleTableArgs {
  xenHost: XenHost;
  /** Whose packages have the tool. */
  sockets: Sockets;
  settings: Settings["v4v"];
  /** Names of the host's domUs, where it is one of several. */
  domUs?: readonly string[];
}

/** Which V4V messages the hypervisor takes. */
export class RuleTable extends pulumi.ComponentResource {
  readonly rules: Rules;

  constructor(name: string, args: RuleTableArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:RuleTable", name, {}, options);
    const { xenHost, settings } = args;
    const { connection } = xenHost.host;
    this.rules = new Rules(
      `${name}-table`,
      {
        connection,
        dom0BootId: xenHost.bootId,
        rules: ruleFile(settings, args.domUs),
        path: "/etc/v4v-testbed/rules",
        tool: VIPTABLES,
        unit: "v4v-rules.service",
      },
      {
        parent: this,
        ...goesWith(xenHost.host),
        dependsOn: [args.sockets.dom0, xenHost.hypervisor],
      },
    );
    this.registerOutputs({});
  }
}
