import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/types.ts";
import type { GpuRoute } from "../evaluation/gpu/plan.ts";
import type { RemoteFile } from "../provider/resources/files.ts";
import { render } from "../templates/render.ts";
import type { GpuBuilds } from "./builds.ts";
import { GPU_GUEST } from "./gpuDomain.ts";
import { bridge, gpuGuest } from "./network.ts";
import { V4VRUN } from "./sockets.ts";
import { productOf, type Product } from "./remoteProducts.ts";

/** How a client's sockets reach the GPU domU: a server of its own for each. */
interface Route {
  transport: "tcp" | "v4v-sockets";
  /** Its server's first port, above the product's. */
  above: number;
  /** What both ends are started with. */
  prefix: string;
}

const ROUTES: Route[] = [
  { transport: "tcp", above: 0, prefix: "" },
  { transport: "v4v-sockets", above: 10, prefix: `${V4VRUN} --mode require ` },
];

const routes = ({ v4v }: Settings): Route[] =>
  ROUTES.filter(({ transport }) => v4v.enabled || transport === "tcp");

/** Where `gpu-bench serve` listens that is reached by TCP; behind the ports of every product. */
const SOCKET_PORT = 11020;

const SOCKET_UNIT = "gpu-socket";

const socketOf = ({ transport, above }: Route) => ({
  unit: `${SOCKET_UNIT}-${transport}.service`,
  address: gpuGuest.address,
  port: SOCKET_PORT + above,
});

const unitOf = ({ server }: Product, { transport }: Route) => `${server}-${transport}.service`;

/** Ways to the GPU that are compared: in its own domU, and from the first other one. */
export function gpuRoutes(builds: GpuBuilds, settings: Settings): GpuRoute[] {
  const native: GpuRoute = { transport: "native", host: GPU_GUEST, prefix: "" };
  if (!settings.remoteGpu.enabled) return [native];
  const product = productOf(builds, settings);
  const backend = product.backend === undefined ? {} : { backend: product.backend };
  const remote = routes(settings).map((route) => ({
    transport: route.transport,
    host: "domu1",
    server: { unit: unitOf(product, route), port: product.port + route.above },
    socket: socketOf(route),
    prefix: `remote-gpu ${route.transport} `,
    ...backend,
  }));
  return [{ ...native, ...backend }, ...remote];
}

/** The bridge's network: it has no uplink, so everybody in it is one of the testbed's domains. */
const NETWORK = `${bridge.gateway.replace(/\d+$/, "0")}/${bridge.prefixLength}`;

/** Units of the GPU domU by their names: the product's server and the plain socket beside it, each by every way. */
function units(product: Product, all: Route[]): Map<string, string> {
  const environment = Object.entries(product.serverEnvironment).map((pair) => pair.join("="));
  return new Map(
    all.flatMap((route): [string, string][] => {
      const { transport, prefix } = route;
      const socket = socketOf(route);
      return [
        [
          unitOf(product, route),
          render("remote-gpu.service", {
            server: product.server,
            transport,
            command: `${prefix}${product.command(product.port + route.above)}`,
            environment: environment.join(" "),
            network: NETWORK,
            processPerConnection: false,
          }),
        ],
        [
          socket.unit,
          render("remote-gpu.service", {
            server: SOCKET_UNIT,
            transport,
            command: `${prefix}/usr/local/bin/gpu-bench serve ${socket.address}:${socket.port}`,
            environment: "",
            network: NETWORK,
            processPerConnection: true,
          }),
        ],
      ];
    }),
  );
}

/**
 * The kernel scales TCP's own limits with a domain's memory: a client's would be a sixth of the GPU domU's. Both get those of a
 * domain with plenty of it.
 */
const TCP_LIMITS: RemoteFile = {
  path: "/etc/v4v/boot.d/15-tcp-limits",
  mode: "755",
  content:
    "#!/bin/sh\nexec sysctl -q -w net.ipv4.tcp_rmem='4096 131072 6291456' net.ipv4.tcp_wmem='4096 16384 4194304'\n",
};

/** The GPU domU's files: the product's server as units, started when its V4V is there. */
export function remoteGpuServer(
  builds: GpuBuilds,
  settings: Settings,
): pulumi.Output<RemoteFile[]> {
  const product = productOf(builds, settings);
  const services = units(product, routes(settings));
  return product.serverFiles.apply((files): RemoteFile[] => [
    ...files,
    TCP_LIMITS,
    ...[...services].map(([name, content]) => ({
      path: `/etc/systemd/system/${name}`,
      mode: "644",
      content,
    })),
    {
      path: "/etc/v4v/boot.d/60-remote-gpu",
      mode: "755",
      // Not waited for: at boot it is a unit that runs this, and the units have just been read.
      content: `#!/bin/sh
case $(systemctl is-system-running) in running | degraded) systemctl daemon-reload ;; esac
exec systemctl restart --no-block ${[...services.keys()].join(" ")}
`,
    },
  ]);
}

/** Assignments for a shell; values hold no quotation marks. */
const assignments = (environment: Record<string, string>): string =>
  Object.entries(environment)
    .map(([name, value]) => {
      if (!/^\w+$/.test(name) || value.includes("'"))
        throw new Error(`no variable for a shell: ${name}=${value}`);
      return `${name}='${value}'`;
    })
    .join(" ");

/** `remote-gpu ROUTE PROGRAM...`: a program with no device but the GPU domU's. */
function client(product: Product, all: Route[]): string {
  const names = all.map(({ transport }) => transport).join("|");
  const cases = all.map(
    ({ transport, above, prefix }) => `${transport})
	run="${prefix.trim()}"
	export ${assignments(product.clientEnvironment(product.port + above))}
	;;`,
  );
  const folders = product.clientFolders.map((folder) => `mkdir -p ${folder}\n`).join("");
  return `#!/bin/sh
# remote-gpu ${names} PROGRAM...: runs a program on the GPU domU's devices.
set -eu
case \${1:-} in
${cases.join("\n")}
*)
	echo "usage: remote-gpu ${names} PROGRAM [ARGUMENT...]" >&2
	exit 2
	;;
esac
shift
${folders}exec $run "$@"
`;
}

/** The other domUs' files: the product's client, what finds it, and a benchmark. */
export function remoteGpuClient(
  builds: GpuBuilds,
  settings: Settings,
): pulumi.Output<RemoteFile[]> {
  const product = productOf(builds, settings);
  return pulumi
    .all([product.clientFiles, builds.tools.path])
    .apply(([files, programs]): RemoteFile[] => [
      ...files,
      TCP_LIMITS,
      { path: "/usr/local/bin/gpu-bench", mode: "755", source: `${programs}/bin/gpu-bench` },
      {
        path: "/usr/local/bin/remote-gpu",
        mode: "755",
        content: client(product, routes(settings)),
      },
      { path: "/etc/v4v/boot.d/20-libraries", mode: "755", content: "#!/bin/sh\nexec ldconfig\n" },
    ]);
}
