import { BASELINE, NATIVE, UNMODIFIED } from "../transports.ts";
import type { LegKind } from "./plan.ts";
import { COPIES } from "./runs.ts";
import type { GpuAttempt, GpuConnection, GpuSample } from "./samples.ts";

/**
 * Of a connection that goes by V4V, by TCP at most: it begins there, and what is under way meanwhile stays there. The path
 * claims have the same bound.
 */
const MOST_BY_TCP = 0.2;

export type WayVerdict = "proven" | "another way" | "not shown";

/** Which way the bytes of a leg's connections went, as counted on each of them. */
export interface LegWay {
  leg: number;
  block: number;
  transport: string;
  workload: LegKind;
  attempt: number;
  connections: number;
  /** Bytes that its samples moved, at least. */
  payload: number;
  /** By TCP, both ways: `ss -ti`. Null where ss did not tell of every connection. */
  tcp: number | null;
  /** By rings, both ways: the module v4v. */
  ring: number;
  verdict: WayVerdict;
  why: string;
  /** Its samples are among the numbers. */
  used?: boolean;
}

/** Payload that samples moved, bytes, at least. */
export function payloadOf(samples: readonly GpuSample[]): number {
  const bytes = samples.map((sample) => {
    if (!sample.ok) return 0;
    const times = sample.kind === "transfer" ? sample.transfer_ns.length : COPIES.length;
    return sample.size_bytes * times;
  });
  return bytes.reduce((sum, one) => sum + one, 0);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

function counted(connections: readonly GpuConnection[]): { tcp: number | null; ring: number } {
  const tcp = connections.map(({ ss }) => (ss === null ? null : ss.sent + ss.received));
  const ring = connections.map(({ v4v }) => (v4v === null ? 0 : v4v.ring_sent + v4v.ring_received));
  return { tcp: tcp.every((one) => one !== null) ? sum(tcp) : null, ring: sum(ring) };
}

type Judged = Pick<LegWay, "verdict" | "why">;

/** One size's connections of one process. */
function judge(transport: string, connections: readonly GpuConnection[], payload: number): Judged {
  const { tcp, ring } = counted(connections);
  const wrong = (why: string): Judged => ({ verdict: "another way", why });
  if (transport === NATIVE)
    return connections.length === 0
      ? { verdict: "proven", why: "" }
      : wrong(`a native run has a connection to ${connections[0]?.remote ?? ""}`);
  if (connections.length === 0) return { verdict: "not shown", why: "no connection was recorded" };
  if (tcp === null) return { verdict: "not shown", why: "ss did not tell of every connection" };
  if (transport === BASELINE && ring > 0)
    return wrong(`${ring} bytes of its connections went by rings`);
  if (transport === BASELINE && tcp < payload)
    return wrong(`of ${payload} bytes only ${tcp} went by TCP on its connections`);
  if (transport === UNMODIFIED && ring < payload)
    return wrong(`of ${payload} bytes only ${ring} went by rings on its connections`);
  if (transport === UNMODIFIED && tcp > MOST_BY_TCP * (tcp + ring))
    return wrong(`${tcp} bytes of its connections went by TCP, ${ring} by rings`);
  return { verdict: "proven", why: "" };
}

/** Of several verdicts the one that proves the least: another way, else not shown, else the first; undefined of none. */
const leastProven = (all: readonly Judged[]): Judged | undefined =>
  all.find(({ verdict }) => verdict === "another way") ??
  all.find(({ verdict }) => verdict === "not shown") ??
  all[0];

interface Process {
  samples: readonly GpuSample[];
  connections: readonly GpuConnection[];
}

/** Every size has a process of its own, with connections of its own; the worst of them is the leg's. */
function worst(transport: string, { samples, connections }: Process): Judged {
  const sizes = [...new Set(samples.filter(({ ok }) => ok).map((one) => one.size_bytes))];
  const all = sizes.map((size) =>
    judge(
      transport,
      connections.filter((one) => one.size_bytes === size),
      payloadOf(samples.filter((one) => one.size_bytes === size)),
    ),
  );
  return leastProven(all) ?? { verdict: "not shown", why: "it has no sample" };
}

/** What the connections of an attempt that went well say; of one that failed the recorded ones may not be all. */
export function wayOf(made: GpuAttempt): LegWay {
  const { leg, block, transport, workload, attempt, samples, connections, status } = made;
  const processes: Process[] = made.clients.length > 0 ? made.clients : [made];
  const failed: Judged = { verdict: "not shown", why: "the leg failed" };
  const found = leastProven(processes.map((one) => worst(transport, one)));
  return {
    ...{ leg, block, transport, workload, attempt },
    connections: connections.length,
    payload: payloadOf(samples),
    ...counted(connections),
    ...(status === 0 ? (found ?? failed) : failed),
  };
}
