import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Files, type Build } from "../provider/sdk.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import type { XenHost } from "./xenHost.ts";

export interface SocketsArgs {
  xenHost: XenHost;
  project: string;
  sockets: Build;
}

/** Started anew with each new program or unit; the peers that it published stay until it has looked again. */
const APPLY =
  "systemctl daemon-reload && systemctl -q enable v4vd.service && systemctl restart v4vd.service";

/** Below PREFIX of the build and of every domain. */
const PROGRAMS: [string, string][] = [
  ["bin/v4vrun", "755"],
  ["bin/v4vctl", "755"],
  ["lib/libv4vsockets.so", "644"],
];

const PREFIX = "/usr/local";

function programs(build: string): RemoteFile[] {
  return PROGRAMS.map(([name, mode]) => ({
    path: `${PREFIX}/${name}`,
    mode,
    source: `${build}/root/${name}`,
  }));
}

/** What lets unmodified programs use V4V: discovery in dom0, library and tools everywhere. */
export class Sockets extends pulumi.ComponentResource {
  readonly dom0: Files;
  /** Files for the domUs' payload. */
  readonly payload: pulumi.Output<RemoteFile[]>;

  constructor(name: string, args: SocketsArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Sockets", name, {}, options);
    const { xenHost, sockets } = args;
    const unit = readFileSync(join(args.project, "dom0", "v4vd.service"), "utf8");
    this.dom0 = new Files(
      `${name}-dom0`,
      {
        connection: xenHost.host.connection,
        incarnation: xenHost.bootId,
        files: sockets.path.apply((path): RemoteFile[] => [
          { path: `${PREFIX}/sbin/v4vd`, mode: "755", source: `${path}/root/sbin/v4vd` },
          ...programs(path),
          { path: "/etc/systemd/system/v4vd.service", mode: "644", content: unit },
        ]),
        then: APPLY,
      },
      { parent: this, deletedWith: xenHost.host.resource, dependsOn: [xenHost] },
    );
    this.payload = sockets.path.apply(programs);
    this.registerOutputs({});
  }
}
