import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { KINDS } from "./profiles.ts";

/** A domain as its agent described itself at the start; kernel and cpus are null where the agent did not start. */
export interface SampledDomain {
  name: string;
  domid: number;
  addr: string;
  cid: number;
  /** `uname -r`. */
  kernel: string | null;
  cpus: number | null;
  /** Congestion control and buffers that its TCP sockets get without options; absent in older runs. */
  tcp?: string;
  error?: string;
}

export interface StartRecord {
  type: "start";
  version: 1;
  /** FNV-1a 64 of the plan's text, hex. */
  plan?: string;
  /** Version of v4v-bench. */
  bench: string;
  clock: string;
  /** RFC 3339, UTC. */
  time: string;
  domains: SampledDomain[];
}

/** What every sample line says, whether it was measured or failed. */
export interface SampleHead {
  type: "sample";
  /** The plan's step. */
  id: number;
  experiment: string;
  transport: string;
  size_bytes: number;
  /** Pairs that ran at the same time. */
  pairs: number;
  /** `client:server`. */
  pair: string;
  repetition: number;
  /** CPU time of every domain over the step's window, domid to ns; only where it was asked for. */
  cpu_ns?: Record<string, number>;
  /** Time between the two readings that `cpu_ns` is the difference of, ns. */
  cpu_window_ns?: number;
  /** Why there are no CPU times though they were asked for. */
  cpu_error?: string;
}

interface Measured extends SampleHead {
  ok: true;
  /** Socket buffers that the client's kernel granted, bytes. */
  sndbuf?: number;
  rcvbuf?: number;
  /** `v4v-sockets`: which way the client's bytes of the timed window went, by the module's counters. */
  ring_tx_bytes?: number;
  ring_rx_bytes?: number;
  tcp_tx_bytes?: number;
  tcp_rx_bytes?: number;
}

/** Round trips, each timed by the client, ns. */
export interface PingPongSample extends Measured {
  kind: "pingpong";
  rtt_ns: number[];
}

/** Payload that the server received, bytes, and the time from its first received byte to its last, ns. */
export interface StreamSample extends Measured {
  kind: "stream";
  bytes: number;
  ns: number;
  messages: number;
}

/** Connections made one after the other, each from socket() to close() with a byte each way, ns. */
export interface ConnectSample extends Measured {
  kind: "connect";
  setup_ns: number[];
}

/** One run of an unmodified program between the pair's domains. */
export interface ProgramSample extends Measured {
  kind: "iperf3" | "redis-get";
  /** The client. */
  program: string;
  /** What it says of itself. */
  version: string;
  command: string;
  /** Its own result, in `unit`. */
  figure: number;
  unit: "MB/s" | "1/s";
  /** Payload that the figure stands for, at least. */
  payload_bytes: number;
  /** All network interfaces of the client's domain, over the program's run. */
  net_tx_bytes: number;
  net_rx_bytes: number;
  /** All connections that the program made. */
  ring_tx_bytes: number;
  ring_rx_bytes: number;
  tcp_tx_bytes: number;
  tcp_rx_bytes: number;
}

/** Bytes copied from buffer to buffer inside one process, and the time that took, ns. */
export interface MemcpySample extends Measured {
  kind: "memcpy";
  bytes: number;
  ns: number;
  messages: number;
}

export interface FailedSample extends SampleHead {
  kind: (typeof KINDS)[number];
  ok: false;
  error: string;
}

export type Sample =
  PingPongSample | StreamSample | ConnectSample | ProgramSample | MemcpySample | FailedSample;

const isProgramKind = (kind: unknown): kind is ProgramSample["kind"] =>
  kind === "iperf3" || kind === "redis-get";

export const isProgram = (sample: Sample): sample is ProgramSample =>
  sample.ok && isProgramKind(sample.kind);

/** Progress after a step. */
export interface StepRecord {
  type: "step";
  id: number;
  done: number;
  of: number;
  /** Time spent on the run so far, ms. */
  t_ms: number;
  /** It was not needed, and so not measured. */
  skipped?: true;
}

export interface EndRecord {
  type: "end";
  ok: number;
  failed: number;
  t_ms: number;
}

export type SampleRecord = StartRecord | Sample | StepRecord | EndRecord;

const text = { type: "string", maxLength: 4096 };
const whole = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const positive = { ...whole, minimum: 1 };

const object = (properties: Record<string, unknown>, optional: string[] = []) => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

const domain = object(
  {
    name: text,
    domid: whole,
    addr: text,
    cid: whole,
    kernel: { ...text, type: ["string", "null"] },
    cpus: { ...positive, type: ["integer", "null"] },
    tcp: text,
    error: text,
  },
  ["tcp", "error"],
);

const start = object(
  {
    version: { const: 1 },
    plan: text,
    bench: text,
    clock: text,
    time: text,
    domains: { type: "array", items: domain },
  },
  ["plan"],
);

const head = {
  id: whole,
  experiment: text,
  kind: { enum: KINDS },
  transport: text,
  size_bytes: positive,
  pairs: positive,
  pair: text,
  repetition: whole,
  cpu_ns: { type: "object", additionalProperties: whole },
  cpu_window_ns: positive,
  cpu_error: text,
};
const granted = { sndbuf: whole, rcvbuf: whole };
const ways = {
  ring_tx_bytes: whole,
  ring_rx_bytes: whole,
  tcp_tx_bytes: whole,
  tcp_rx_bytes: whole,
};
const optional = ["cpu_ns", "cpu_window_ns", "cpu_error", ...Object.keys({ ...granted, ...ways })];

const pingpong = object(
  { ...head, ...granted, ...ways, rtt_ns: { type: "array", minItems: 1, items: positive } },
  optional,
);
const connect = object(
  { ...head, ...granted, setup_ns: { type: "array", minItems: 1, items: positive } },
  optional,
);
const stream = object(
  { ...head, ...granted, ...ways, bytes: positive, ns: whole, messages: positive },
  optional,
);
const program = object(
  {
    ...head,
    ...ways,
    program: text,
    version: text,
    command: text,
    figure: { type: "number", exclusiveMinimum: 0 },
    unit: { enum: ["MB/s", "1/s"] },
    payload_bytes: positive,
    net_tx_bytes: whole,
    net_rx_bytes: whole,
  },
  ["cpu_ns", "cpu_window_ns", "cpu_error"],
);
const failed = object({ ...head, error: text }, optional);

const step = object(
  { id: whole, done: positive, of: positive, t_ms: whole, skipped: { const: true } },
  ["skipped"],
);
const end = object({ ok: whole, failed: whole, t_ms: whole });

// Keys beside the known ones are left to later versions of v4v-bench.
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const validators: Record<string, ValidateFunction> = {
  start: ajv.compile(start),
  pingpong: ajv.compile(pingpong),
  connect: ajv.compile(connect),
  program: ajv.compile(program),
  stream: ajv.compile(stream),
  failed: ajv.compile(failed),
  step: ajv.compile(step),
  end: ajv.compile(end),
};

function validatorName(line: Record<string, unknown>): string | undefined {
  if (line.type !== "sample") {
    const known = ["start", "step", "end"];
    return known.find((name) => name === line.type);
  }
  if (line.ok === false) return "failed";
  if (line.ok !== true) return undefined;
  if (line.kind === "connect") return "connect";
  if (isProgramKind(line.kind)) return "program";
  return line.kind === "stream" || line.kind === "memcpy" ? "stream" : "pingpong";
}

const sentence = ({ instancePath, message }: ErrorObject): string =>
  `${instancePath.slice(1).replaceAll("/", ".") || "the line"} ${message ?? "is not valid"}`;

/** A line of samples.jsonl as a record, or what is wrong with it. */
export function parseRecord(line: string): SampleRecord | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: "not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { problem: "not a JSON object" };
  }
  const validate = validators[validatorName(value as Record<string, unknown>) ?? ""];
  if (validate === undefined) return { problem: "neither start, sample, step nor end" };
  if (!validate(value)) return { problem: (validate.errors ?? []).map(sentence).join("; ") };
  return value as SampleRecord;
}
