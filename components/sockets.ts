import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Files, type Build } from "../provider/sdk.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import { goesWith, kept } from "./host.ts";
import type { XenHost } from "./xenHost.ts";

export interface SocketsArgs {
  xenHost: XenHost;
  project: string;
  sockets: Build;
}

/** Started anew with each new program or unit; the peers that it published stay until it has looked again. */
const APPLY =
  "systemctl daemon-reload && systemctl -q enable v4vd.service && systemctl restart v4vd.service";

const UNDO = "systemctl -q disable --now v4vd.service 2>/dev/null || :";

/** Below PREFIX of the build and of every domain. */
const PROGRAMS: [string, string][] = [
  ["bin/v4vrun", "755"],
  ["bin/v4vctl", "755"],
  ["lib/libv4vsockets.so", "644"],
];

const PREFIX = "/usr/local";

export const DISCOVERY_UNIT = "v4vd.service";

function programs(build: string): RemoteFile[] {
  return PROGRAMS.map(([name, mode]) => ({
    path: `${PREFIX}/${name}`,
    mode,
    source: `${build}/root/${name}`,
  }));
}

/** dom0's files of the socket layer. */
export function dom0Sockets(project: string, sockets: Build): pulumi.Output<RemoteFile[]> {
  const unit = readFileSync(join(project, "dom0", DISCOVERY_UNIT), "utf8");
  return sockets.path.apply((path): RemoteFile[] => [
    { path: `${PREFIX}/sbin/v4vd`, mode: "755", source: `${path}/root/sbin/v4vd` },
    ...programs(path),
    { path: `/etc/systemd/system/${DISCOVERY_UNIT}`, mode: "644", content: unit },
  ]);
}

/** The domUs' files of the socket layer. */
export function guestSockets(sockets: Build): pulumi.Output<RemoteFile[]> {
  return sockets.path.apply(programs);
}

/** What lets unmodified programs use V4V: discovery in dom0, library and tools everywhere. */
export class Sockets extends pulumi.ComponentResource {
  readonly dom0: Files;

  constructor(name: string, args: SocketsArgs, options?: pulumi.ComponentResourceOptions) {
    super("v4v:testbed:Sockets", name, {}, options);
    const { xenHost, sockets } = args;
    this.dom0 = new Files(
      `${name}-dom0`,
      {
        connection: xenHost.host.connection,
        incarnation: xenHost.bootId,
        files: dom0Sockets(args.project, sockets),
        then: APPLY,
        ...kept(xenHost.host, UNDO),
      },
      { parent: this, ...goesWith(xenHost.host), dependsOn: [xenHost.hypervisor] },
    );
    this.registerOutputs({});
  }
}
