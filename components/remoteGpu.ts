import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import type { GpuRoute } from "../evaluation/gpu/plan.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import { render } from "../templates/render.ts";
import type { GpuBuilds } from "./builds.ts";
import { GPU_GUEST } from "./gpuDomain.ts";
import { bridge, gpuGuest } from "./network.ts";

/** How a client's sockets reach the GPU domU: a server of its own for each. */
interface Route {
  transport: "tcp" | "v4v-sockets";
  /** First of three ports. */
  port: number;
  /** What both ends are started with. */
  prefix: string;
}

const ROUTES: Route[] = [
  { transport: "tcp", port: 10998, prefix: "" },
  { transport: "v4v-sockets", port: 11008, prefix: "/usr/local/bin/v4vrun --mode require " },
];

const POCLD = "/usr/local/bin/pocld";

const routes = ({ v4v }: Settings): Route[] =>
  ROUTES.filter(({ transport }) => v4v.enabled || transport === "tcp");

const unitOf = ({ transport }: Route) => `pocld-${transport}.service`;

/** Ways to the GPU that are compared: in its own domU, and from the first other one. */
export function gpuRoutes(settings: Settings): GpuRoute[] {
  const native: GpuRoute = { transport: "native", host: GPU_GUEST, prefix: "" };
  const remote = routes(settings).map((route) => ({
    transport: route.transport,
    host: "domu1",
    server: { unit: unitOf(route), port: route.port },
    prefix: `remote-gpu ${route.transport} `,
  }));
  return settings.remoteGpu.enabled ? [native, ...remote] : [native];
}

/** The bridge's network: it has no uplink, so everybody in it is one of the testbed's domains. */
const NETWORK = `${bridge.gateway.replace(/\d+$/, "0")}/${bridge.prefixLength}`;

/** The GPU domU's files: PoCL's server as units, started when its V4V is there. */
export function remoteGpuServer(
  { pocl }: GpuBuilds,
  settings: Settings,
): pulumi.Output<RemoteFile[]> {
  const all = routes(settings);
  return pocl.path.apply((path): RemoteFile[] => [
    { path: POCLD, mode: "755", source: `${path}/server/bin/pocld` },
    ...all.map((route) => ({
      path: `/etc/systemd/system/${unitOf(route)}`,
      mode: "644",
      content: render("pocld.service", {
        transport: route.transport,
        command: `${route.prefix}${POCLD}`,
        address: gpuGuest.address,
        port: route.port,
        network: NETWORK,
      }),
    })),
    {
      path: "/etc/v4v/boot.d/60-pocld",
      mode: "755",
      // Not waited for: at boot it is a unit that runs this, and the units have just been read.
      content: `#!/bin/sh
case $(systemctl is-system-running) in running | degraded) systemctl daemon-reload ;; esac
exec systemctl restart --no-block ${all.map(unitOf).join(" ")}
`,
    },
  ]);
}

/** `remote-gpu ROUTE PROGRAM...`: a program with no OpenCL device but the GPU domU's. */
const client = (all: Route[]) => `#!/bin/sh
# remote-gpu ${all.map(({ transport }) => transport).join("|")} PROGRAM...: runs an OpenCL program on the GPU domU's devices.
set -eu
case \${1:-} in
${all
  .map(
    ({ transport, port, prefix }) =>
      `${transport}) where=${gpuGuest.address}:${port} run="${prefix.trim()}" ;;`,
  )
  .join("\n")}
*)
	echo "usage: remote-gpu ${all.map(({ transport }) => transport).join("|")} PROGRAM [ARGUMENT...]" >&2
	exit 2
	;;
esac
shift
export POCL_DEVICES=remote POCL_REMOTE0_PARAMETERS="$where/0"
export OCL_ICD_VENDORS=/usr/local/share/pocl-remote POCL_CACHE_DIR="\${POCL_CACHE_DIR:-/var/cache/pocl}"
mkdir -p "$POCL_CACHE_DIR"
exec $run "$@"
`;

/** The other domUs' files: PoCL's remote driver, what finds it, and a benchmark. */
export function remoteGpuClient(
  { pocl, tools }: GpuBuilds,
  settings: Settings,
): pulumi.Output<RemoteFile[]> {
  return pulumi.all([pocl.path, tools.path]).apply(([path, programs]): RemoteFile[] => [
    ...[
      "lib/libOpenCL.so.1",
      "lib/libpocl.so.2.13.0",
      "lib/pocl/libpocl-devices-remote.so",
      "share/pocl-remote/pocl.icd",
    ].map((file) => ({
      path: `/usr/local/${file}`,
      mode: "644",
      source: `${path}/client/${file}`,
    })),
    { path: "/usr/local/bin/gpu-bench", mode: "755", source: `${programs}/bin/gpu-bench` },
    { path: "/usr/local/bin/remote-gpu", mode: "755", content: client(routes(settings)) },
    { path: "/etc/v4v/boot.d/20-libraries", mode: "755", content: "#!/bin/sh\nexec ldconfig\n" },
  ]);
}
