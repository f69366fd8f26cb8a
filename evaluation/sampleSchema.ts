import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";

/** A domain as its agent described itself at the start; kernel and cpus are null where the agent did not start. */
export interface SampledDomain {
  name: string;
  domid: number;
  addr: string;
  cid: number;
  /** `uname -r`. */
  kernel: string | null;
  cpus: number | null;
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

/** Bytes copied from buffer to buffer inside one process, and the time that took, ns. */
export interface MemcpySample extends Measured {
  kind: "memcpy";
  bytes: number;
  ns: number;
  messages: number;
}

export interface FailedSample extends SampleHead {
  kind: "pingpong" | "stream" | "memcpy";
  ok: false;
  error: string;
}

export type Sample = PingPongSample | StreamSample | MemcpySample | FailedSample;

/** Progress after a step. */
export interface StepRecord {
  type: "step";
  id: number;
  done: number;
  of: number;
  /** Time spent on the run so far, ms. */
  t_ms: number;
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
    error: text,
  },
  ["error"],
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
  kind: { enum: ["pingpong", "stream", "memcpy"] },
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
const optional = ["cpu_ns", "cpu_window_ns", "cpu_error", "sndbuf", "rcvbuf"];

const pingpong = object(
  { ...head, ...granted, rtt_ns: { type: "array", minItems: 1, items: positive } },
  optional,
);
const stream = object(
  { ...head, ...granted, bytes: positive, ns: whole, messages: positive },
  optional,
);
const failed = object({ ...head, error: text }, optional);

const step = object({ id: whole, done: positive, of: positive, t_ms: whole });
const end = object({ ok: whole, failed: whole, t_ms: whole });

// Keys beside the known ones are left to later versions of v4v-bench.
const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const validators: Record<string, ValidateFunction> = {
  start: ajv.compile(start),
  pingpong: ajv.compile(pingpong),
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
