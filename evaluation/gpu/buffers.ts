import type { GpuBuffers, GpuFile } from "./samples.ts";

/** Bytes that a socket was granted. */
export type Granted = Pick<GpuBuffers, "receive" | "send">;

/** What sockets to one port of the GPU domU were granted at their two ends; null where an end was not asked. */
export interface BufferRow {
  transport: string;
  /** Of the server. */
  port: string;
  connections: number;
  client: Granted | null;
  server: Granted | null;
  /** Of sockets that were asked at both ends: they were granted the same. */
  equal: boolean | null;
}

type End = Pick<GpuBuffers, "transport" | "local" | "remote"> & Granted;

interface Both {
  transport: string;
  port: string;
  client: Granted | null;
  server: Granted | null;
}

const portOf = (end: string): string => end.slice(end.lastIndexOf(":") + 1);

const granted = ({ receive, send }: Granted): Granted => ({ receive, send });

/** Of one connection: the line of its server's end, which names the two in the other order. */
function both(client: End, servers: readonly End[]): Both {
  const server = servers.find(
    ({ local, remote }) => local === client.remote && remote === client.local,
  );
  return {
    transport: client.transport,
    port: portOf(client.remote),
    client: granted(client),
    server: server === undefined ? null : granted(server),
  };
}

const equal = ({ client, server }: Both): boolean | null =>
  client === null || server === null
    ? null
    : client.receive === server.receive && client.send === server.send;

/**
 * What is known of buffers, a row for each difference. Both ends are asked at the same moment, between the cold run of clients
 * that wait for each other and their first timed one; gpu-bench asks at each size's end for its own, whose server's end is its
 * listener's.
 */
export function bufferRows({ attempts }: Pick<GpuFile, "attempts">): BufferRow[] {
  const all = attempts.flatMap(({ buffers }) => buffers);
  const servers = all.filter(({ end }) => end === "server");
  const listeners = all.filter(({ end }) => end === "listener");
  const asked = all.filter(({ end }) => end === "client").map((one) => both(one, servers));
  const ports = new Set(asked.map(({ transport, port }) => `${transport} ${port}`));
  const own = attempts
    .flatMap(({ connections }) => connections)
    .flatMap((one): Both[] => {
      if (one.rcvbuf === undefined || one.sndbuf === undefined) return [];
      const { transport, local, remote } = one;
      const listener = listeners.find((at) => at.transport === transport && at.local === remote);
      const server = listener && { ...listener, remote: local };
      return [
        both(
          { transport, local, remote, receive: one.rcvbuf, send: one.sndbuf },
          server === undefined ? [] : [server],
        ),
      ];
    })
    .filter(({ transport, port }) => !ports.has(`${transport} ${port}`));
  const groups = Map.groupBy([...asked, ...own], (one) => JSON.stringify(one));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined
      ? []
      : [{ ...first, connections: group.length, equal: equal(first) }];
  });
}
