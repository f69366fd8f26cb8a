import { Ajv } from "ajv";
import type { LineProblem } from "../samples.ts";
import { LEGS, WORKLOADS, type LegKind, type Workload } from "./plan.ts";

/** What gpu-bench says of the device that computed: benchmarks/gpu-bench/samples.h. */
export interface GpuDevice {
  platform: string;
  name: string;
  driver: string;
  /** What its driver says: `cpu` means that a CPU computed, whatever was between. */
  type: string;
}

interface Head {
  type: "sample";
  experiment: string;
  transport: string;
  size_bytes: number;
  repetition: number;
}

/** One run of a product or a stencil. */
export interface ComputeSample extends Head {
  kind: "matmul" | "stencil";
  ok: true;
  start: "cold" | "warm";
  device: GpuDevice;
  phases_ns: Record<string, number>;
  /** On the client's own clock. */
  start_ns: number;
  wall_ns: number;
}

/** Transfers one way. */
export interface TransferSample extends Head {
  kind: "transfer";
  ok: true;
  direction: "to_device" | "from_device";
  device: GpuDevice;
  transfer_ns: number[];
}

export interface FailedGpuSample extends Head {
  kind: Workload;
  ok: false;
  phase?: string;
  error: string;
}

export type GpuSample = ComputeSample | TransferSample | FailedGpuSample;

/** One TCP connection of a process at its size's end: bytes both ways, by TCP and by rings. */
export interface GpuConnection {
  transport: string;
  size_bytes: number;
  local: string;
  remote: string;
  /** Acknowledged and received, as `ss -ti` prints them; null where ss did not tell. */
  ss: { sent: number; received: number } | null;
  /** As the module v4v counts them; null for a connection that it does not know: TCP alone. */
  v4v: {
    state: string;
    ring_sent: number;
    ring_received: number;
    tcp_sent: number;
    tcp_received: number;
  } | null;
  /** Bytes that this end was granted; absent in runs of before they were asked. */
  rcvbuf?: number;
  sndbuf?: number;
}

/**
 * What the kernel granted one end of a TCP connection, as `ss -m` prints it: dom0/gpu-drive asks both at once; or a listener, whose
 * connections have it from there.
 */
export interface GpuBuffers {
  transport: string;
  host: string;
  end: "client" | "server" | "listener";
  local: string;
  remote: string;
  receive: number;
  send: number;
}

/** What one gpu-bench printed of a leg. */
interface GpuClient {
  host: string;
  samples: GpuSample[];
  connections: GpuConnection[];
}

/** One attempt at a leg: what gpu-bench printed, and what dom0/gpu-drive saw. */
export interface GpuAttempt {
  leg: number;
  block: number;
  transport: string;
  workload: LegKind;
  attempt: number;
  samples: GpuSample[];
  connections: GpuConnection[];
  /** Of a leg of several clients: the same by client. */
  clients: GpuClient[];
  buffers: GpuBuffers[];
  /** gpu-bench's exit status; 124 where its time was over, 255 where it could not be started. */
  status: number;
  /** Why it has that status, where gpu-drive knows; null where it does not. */
  why: string | null;
  /** Bytes of the clients' network interfaces and rings, both ways; null where a client did not live to read its counters. */
  moved: { net: number; ring: number } | null;
}

/** Sysctls by domain, as gpu-drive read them. */
export type GpuHosts = Record<string, Record<string, string>>;

/** gpu.jsonl. */
export interface GpuFile {
  attempts: GpuAttempt[];
  hosts: GpuHosts;
  /** gpu-bench told of its connections; before, it did not. */
  connectionsTold: boolean;
  /** Every leg of the plan had its turn. */
  complete: boolean;
  /** Why the legs could not be run, or not to the end, as the controller saw it. */
  failure: string | null;
  /** Lines that are no good. */
  problems: LineProblem[];
}

const text = { type: "string", maxLength: 4096 };
const whole = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const object = (properties: Record<string, unknown>) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
});

const orNull = (properties: Record<string, unknown>) => ({
  anyOf: [object(properties), { type: "null" }],
});

const head = { experiment: text, transport: text, size_bytes: whole, repetition: whole };
const device = object({ platform: text, name: text, driver: text, type: text });
const leg = {
  leg: whole,
  block: whole,
  transport: text,
  workload: { enum: LEGS },
  attempt: whole,
};

const ajv = new Ajv({ strict: true, allowUnionTypes: true });
const validators = {
  leg: ajv.compile(object(leg)),
  end: ajv.compile(
    object({
      ...leg,
      status: whole,
      net_bytes: { type: ["integer", "null"] },
      ring_bytes: { type: ["integer", "null"] },
    }),
  ),
  buffers: ajv.compile(
    object({
      transport: text,
      host: text,
      end: { enum: ["client", "server", "listener"] },
      local: text,
      remote: text,
      receive: whole,
      send: whole,
    }),
  ),
  failure: ajv.compile(object({ reason: text })),
  client: ajv.compile(object({ host: text, status: whole })),
  host: ajv.compile(
    object({
      name: text,
      keys: { type: "array", items: text },
      values: { type: "array", items: text },
    }),
  ),
  compute: ajv.compile(
    object({
      ...head,
      kind: { enum: ["matmul", "stencil"] },
      start: { enum: ["cold", "warm"] },
      device,
      phases_ns: { type: "object", additionalProperties: whole },
      start_ns: whole,
      wall_ns: whole,
    }),
  ),
  transfer: ajv.compile(
    object({
      ...head,
      kind: { const: "transfer" },
      direction: { enum: ["to_device", "from_device"] },
      device,
      transfer_ns: { type: "array", minItems: 1, items: { ...whole, minimum: 1 } },
    }),
  ),
  connection: ajv.compile(
    object({
      transport: text,
      size_bytes: whole,
      local: text,
      remote: text,
      ss: orNull({ sent: whole, received: whole }),
      v4v: orNull({
        state: text,
        ring_sent: whole,
        ring_received: whole,
        tcp_sent: whole,
        tcp_received: whole,
      }),
    }),
  ),
  failed: ajv.compile(object({ ...head, kind: { enum: WORKLOADS }, error: text })),
};

type Line = Record<string, unknown>;

function validatorOf(line: Line): keyof typeof validators | undefined {
  if (line.type === "leg") return "leg";
  if (line.type === "leg-end") return "end";
  if (line.type === "client") return "client";
  if (line.type === "host") return "host";
  if (line.type === "connection") return "connection";
  if (line.type === "buffers") return "buffers";
  if (line.type === "gpu-failed") return "failure";
  if (line.type !== "sample") return undefined;
  if (line.ok === false) return "failed";
  return line.kind === "transfer" ? "transfer" : "compute";
}

/** Version of dom0/gpu-drive's lines since which there are those of connections. */
const TELLS_CONNECTIONS = 2;

/** Version since which there is null for what nobody has counted. Before, a leg that ended so had 0. */
const TELLS_UNCOUNTED = 3;
const UNCOUNTED = [124, 255];

/** Characters of a bad line that are shown. */
const EXCERPT = 80;

interface End {
  status: number;
  net_bytes: number | null;
  ring_bytes: number | null;
  why?: unknown;
}

function movedOf(end: End, version: number): GpuAttempt["moved"] {
  const { status, net_bytes: net, ring_bytes: ring } = end;
  if (net === null || ring === null) return null;
  return version < TELLS_UNCOUNTED && UNCOUNTED.includes(status) && net === 0 && ring === 0
    ? null
    : { net, ring };
}

/** Lines that tell nothing that is evaluated. */
const SILENT = ["start", "ready", "end", "gpu-start"];

/** Reads gpu.jsonl; a leg without its last line is not used. */
export function readGpuSamples(content: string): GpuFile {
  const file: GpuFile = {
    ...{ attempts: [], hosts: {}, problems: [] },
    ...{ connectionsTold: false, complete: false, failure: null },
  };
  let samples: GpuSample[] = [];
  let connections: GpuConnection[] = [];
  let clients: GpuAttempt["clients"] = [];
  let buffers: GpuBuffers[] = [];
  let version = 0;
  for (const [index, raw] of content.split("\n").entries()) {
    if (raw === "") continue;
    const problem = (what: string): void => {
      const excerpt = JSON.stringify(raw.slice(0, EXCERPT));
      file.problems.push({ line: index + 1, problem: what, excerpt });
    };
    let line: Line;
    try {
      line = JSON.parse(raw) as Line;
    } catch {
      problem("not JSON");
      continue;
    }
    if (line.type === "gpu-start") version = Number(line.version);
    if (line.type === "gpu-end") file.complete = true;
    if (line.type === "gpu-end" || SILENT.includes(String(line.type))) continue;
    const name = validatorOf(line);
    if (name === undefined) {
      problem("neither a leg, a client, a sample, a connection, its buffers nor a host");
    } else if (!validators[name](line)) {
      problem(ajv.errorsText(validators[name].errors));
    } else if (name === "leg") {
      [samples, connections, clients, buffers] = [[], [], [], []];
    } else if (name === "failure") {
      file.failure = (line as { reason: string }).reason;
    } else if (name === "buffers") {
      buffers.push(line as unknown as GpuBuffers);
    } else if (name === "client") {
      const { host } = line as { host: string };
      clients.push({ host, samples: [], connections: [] });
    } else if (name === "connection") {
      connections.push(line as unknown as GpuConnection);
      clients.at(-1)?.connections.push(line as unknown as GpuConnection);
    } else if (name === "host") {
      const {
        name: host,
        keys,
        values,
      } = line as { name: string; keys: string[]; values: string[] };
      file.hosts[host] = Object.fromEntries(keys.map((key, i) => [key, values[i] ?? ""]));
    } else if (name === "end") {
      const end = line as unknown as GpuAttempt & End;
      const { leg, block, transport, workload, attempt, status } = end;
      const where = { leg, block, transport, workload, attempt };
      const told = { samples, connections, clients, buffers };
      const why = typeof end.why === "string" ? end.why : null;
      file.attempts.push({ ...where, ...told, status, why, moved: movedOf(end, version) });
      [samples, connections, clients, buffers] = [[], [], [], []];
    } else {
      samples.push(line as unknown as GpuSample);
      clients.at(-1)?.samples.push(line as unknown as GpuSample);
    }
  }
  file.connectionsTold = version >= TELLS_CONNECTIONS;
  return file;
}
