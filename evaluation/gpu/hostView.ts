import { formatNumber, formatSize } from "../format.ts";
import type { Point, Summary } from "../summary.ts";
import { compareTransports } from "../transports.ts";
import type { BufferRow, Granted } from "./buffers.ts";
import { gpuLabel, KINDS, sidesOf } from "./labels.ts";
import type { GpuHosts } from "./samples.ts";
import type { GpuSummary } from "./summary.ts";

/** Sysctls by the domains that have the same. */
function hostRows(hosts: GpuHosts): { hosts: string; values: { name: string; value: string }[] }[] {
  const groups = Map.groupBy(Object.entries(hosts), ([, values]) => JSON.stringify(values));
  return [...groups.values()].map((group) => ({
    hosts: group.map(([name]) => name).join(", "),
    values: Object.entries(group[0]?.[1] ?? {}).map(([name, value]) => ({ name, value })),
  }));
}

const shown = (end: Granted | null): { receive: string; send: string } =>
  end === null
    ? { receive: "not asked", send: "not asked" }
    : { receive: formatSize(end.receive), send: formatSize(end.send) };

const bufferRow = ({ transport, port, connections, client, server, equal }: BufferRow) => ({
  ...{ transport: gpuLabel(transport), port, connections },
  client: shown(client),
  server: shown(server),
  equal: equal === null ? "–" : equal ? "yes" : "no",
});

/** Tables of what ran and computed, and of what the domains' kernels grant sockets. */
export const hostsView = ({ product, devices, hosts, buffers }: GpuSummary) => ({
  product: product ?? "none: all runs were native",
  devices,
  hosts: hostRows(hosts),
  buffers: buffers.map(bufferRow),
});

/** Where the ends of connections are not alike, a comparison of transports may be one of buffers. */
export function hostWarnings({ hosts, buffers }: GpuSummary): string[] {
  const names = [...new Set(Object.values(hosts).flatMap(Object.keys))];
  const different = names.filter(
    (name) => new Set(Object.values(hosts).map((values) => values[name])).size > 1,
  );
  const unlike = buffers.filter(({ equal }) => equal === false);
  const places = unlike.map(({ transport, port }) => `${gpuLabel(transport)}, port ${port}`);
  return [
    ...(different.length > 0
      ? [
          `The domains of the GPU's experiments do not grant sockets the same: ${different.join(", ")} ${different.length === 1 ? "differs" : "differ"}; see below.`,
        ]
      : []),
    ...(unlike.length > 0
      ? [
          `The two ends of the GPU's connections were granted different buffers (${[...new Set(places)].join("; ")}); see below.`,
        ]
      : []),
  ];
}

const COLD = ["cold_connect", "cold_compile", "cold_allocate", "cold_duration"] as const;

const range = (point: Point | undefined): string => {
  if (point === undefined) return "–";
  const { min, max } = point.percentiles;
  return `${formatNumber(point.median)} (${formatNumber(min)} to ${formatNumber(max)})`;
};

/** What a process goes through before its warm runs, a row for each workload, size and transport; empty without any. */
export function coldRows({ points }: Summary) {
  const cold = points.filter(({ metric }) => metric.startsWith("cold_"));
  const places = Map.groupBy(
    cold.toSorted(
      (a, b) =>
        (a.experiment < b.experiment ? -1 : a.experiment > b.experiment ? 1 : 0) ||
        a.sizeBytes - b.sizeBytes ||
        compareTransports(a.transport, b.transport),
    ),
    ({ experiment, sizeBytes, transport }) => `${experiment} ${sizeBytes} ${transport}`,
  );
  return [...places.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [
      {
        what: `${KINDS[first.experiment] ?? first.experiment}, ${sidesOf(first.sizeBytes)}`,
        transport: gpuLabel(first.transport),
        runs: first.samples,
        cells: COLD.map((name) => range(group.find(({ metric }) => metric === name))),
      },
    ];
  });
}
