import type { LegKind, Workload } from "../../../../evaluation/gpu/plan.ts";

/** What a PoCL device says of itself. */
const CPU = { platform: "Portable Computing Language", name: "cpu-x", driver: "6.0", type: "cpu" };

const SECOND = 1e9;

export interface Made {
  transport: string;
  workload?: LegKind;
  block?: number;
  attempt?: number;
  leg?: number;
  status?: number;
  /** Bytes that the counters tell of; by default what the transport should show. */
  net?: number | null;
  ring?: number | null;
  why?: string;
  type?: string;
  lines: object[];
  /** Of several clients: the lines of each. */
  clients?: Record<string, object[]>;
}

/** A warm run of a product, with the seconds of its phases. */
export function product(side: number, copies: number, compute: number, start = "warm") {
  return {
    type: "sample",
    experiment: "gpu-matmul",
    kind: "matmul",
    size_bytes: 4 * side * side,
    repetition: start === "warm" ? 1 : 0,
    start,
    ok: true,
    phases_ns: {
      ...(start === "cold" && { connect: 9 * SECOND, compile: 9 * SECOND, allocate: SECOND }),
      copy_a: Math.round((copies * SECOND) / 4),
      copy_b: Math.round((copies * SECOND) / 4),
      compute: Math.round(compute * SECOND),
      copy_c: Math.round((copies * SECOND) / 2),
    },
    start_ns: 0,
    wall_ns: Math.round((copies + compute) * SECOND),
  };
}

/** One client's products, one after the other. */
export function series(count: number, seconds: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    ...product(64, seconds / 2, seconds / 2),
    repetition: index + 1,
    start_ns: Math.round(index * seconds * SECOND),
  }));
}

/** Transfers one way at a steady rate. */
export function transfer(bytes: number, direction: string, mbPerS: number) {
  return {
    type: "sample",
    experiment: "gpu-transfer",
    kind: "transfer",
    size_bytes: bytes,
    repetition: 0,
    direction,
    ok: true,
    transfer_ns: [Math.round((1000 * bytes) / mbPerS)],
    wall_ns: 1,
  };
}

/** A connection at the end of a size: bytes by TCP as ss prints them, and by rings; null where nobody told. */
export const connection = (bytes: number, tcp: number | null, ring: number | null) => ({
  type: "connection",
  size_bytes: bytes,
  local: "10.83.0.11:40000",
  remote: "10.83.0.10:10998",
  ss: tcp === null ? null : { sent: tcp, received: 0 },
  v4v:
    ring === null
      ? null
      : { state: "moved", ring_sent: 0, ring_received: ring, tcp_sent: 9, tcp_received: 9 },
});

export const failure = (kind: Workload, error: string) => ({
  type: "sample",
  experiment: `gpu-${kind}`,
  kind,
  size_bytes: 16384,
  repetition: 1,
  ok: false,
  device: null,
  phase: "compute",
  error,
});

/** gpu.jsonl as dom0/gpu-drive writes it. */
export function gpuFile(legs: readonly Made[], ended = true, version = 2): string {
  const lines: object[] = [
    { type: "gpu-start", version },
    { type: "host", name: "domu1", keys: ["net.core.rmem_max"], values: ["8388608"] },
  ];
  for (const [index, made] of legs.entries()) {
    const { transport, workload = "matmul", block = 0, attempt = 1, status = 0 } = made;
    const head = { leg: made.leg ?? index + 1, block, transport, workload, attempt };
    const much = 2 ** 40;
    lines.push({ type: "leg", ...head }, { type: "start", version: 1, program: "gpu-bench" });
    const add = (own: readonly object[]): void => {
      for (const line of own)
        lines.push({ transport, device: { ...CPU, type: made.type ?? "cpu" }, ...line });
    };
    add(made.lines);
    for (const [host, own] of Object.entries(made.clients ?? {})) {
      lines.push({ type: "client", host, status: 0 });
      add(own);
    }
    lines.push({ type: "end", ok: made.lines.length, failed: 0 });
    lines.push({
      type: "leg-end",
      ...head,
      status,
      net_bytes: made.net === undefined ? (transport === "tcp" ? much : 0) : made.net,
      ring_bytes: made.ring === undefined ? (transport === "v4v-sockets" ? much : 0) : made.ring,
      ...(made.why !== undefined && { why: made.why }),
    });
  }
  if (ended) lines.push({ type: "gpu-end" });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
