import { Ajv } from "ajv";

/** What path-proof tries, in its order. */
export const CASES = ["tcp", "v4v", "drop", "asks", "plain"] as const;

export type PathCase = (typeof CASES)[number];

/** One transfer from the first domU to the second, as dom0/path-proof prints it. */
export interface PathTransfer {
  case: PathCase;
  /** Bytes that the client's send() took, and that the server's recv() gave. */
  sent: number;
  received: number;
  /** Entries that the two kernels wrote into their grant tables meanwhile: pages opened to other domains. */
  client_grants: number;
  server_grants: number;
  /** Of the client, as errno names it. */
  error: string | null;
  /** Of a TCP connection: by the module's count. */
  ring_bytes?: number;
  tcp_bytes?: number;
  /** Of the rule about this transfer: by the hypervisor's count. */
  rule_packets?: number;
  rule_bytes?: number;
}

/** path.jsonl. */
export interface PathProof {
  transfers: PathTransfer[];
  /** Cases that went wrong, and lines that are none. */
  failures: { case: string; why: string }[];
}

const text = { type: "string", maxLength: 4096 };
const whole = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const ajv = new Ajv({ strict: true, allowUnionTypes: true });

const isTransfer = ajv.compile<PathTransfer>({
  type: "object",
  properties: {
    type: { const: "path" },
    case: { enum: CASES },
    sent: whole,
    received: whole,
    client_grants: whole,
    server_grants: whole,
    error: { type: ["string", "null"], maxLength: 4096 },
    ring_bytes: whole,
    tcp_bytes: whole,
    rule_packets: whole,
    rule_bytes: whole,
  },
  required: ["type", "case", "sent", "received", "client_grants", "server_grants", "error"],
});

const isFailure = ajv.compile<{ case: string; why: string }>({
  type: "object",
  properties: { type: { const: "path-failed" }, case: text, why: text },
  required: ["type", "case", "why"],
});

/** Reads path.jsonl. */
export function readPathProof(content: string): PathProof {
  const proof: PathProof = { transfers: [], failures: [] };
  for (const [index, raw] of content.split("\n").entries()) {
    if (raw === "") continue;
    let line: unknown;
    try {
      line = JSON.parse(raw);
    } catch {
      line = undefined;
    }
    if (isTransfer(line)) proof.transfers.push(line);
    else if (isFailure(line)) proof.failures.push({ case: line.case, why: line.why });
    else proof.failures.push({ case: `line ${index + 1}`, why: "this is no line of path-proof's" });
  }
  return proof;
}
