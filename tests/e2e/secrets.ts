import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A secret of a stack, and what of it must be nowhere else. */
export interface Secret {
  name: string;
  /** Bytes that give it away, in each form in which it could be written. */
  traces: Buffer[];
  /** Those of them that are lines of text, for a grep elsewhere. */
  lines: string[];
}

/** A field of SSH's wire format (RFC 4251, 5: string). */
function field(bytes: Buffer, at: number): { start: number; end: number } {
  const start = at + 4;
  return { start, end: start + bytes.readUInt32BE(at) };
}

/** Where the private half lies in an unencrypted OpenSSH key of Ed25519 (PROTOCOL.key). */
function seedIn(bytes: Buffer): { start: number; end: number } {
  let at = Buffer.byteLength("openssh-key-v1\0");
  for (let i = 0; i < 3; i++) at = field(bytes, at).end;
  // The number of keys, the public key, then the private part with two equal check words.
  at = field(bytes, at + 4).end;
  at = field(bytes, at).start + 8;
  for (let i = 0; i < 2; i++) at = field(bytes, at).end;
  const { start } = field(bytes, at);
  return { start, end: start + 32 };
}

/** Pieces of base64 that hold these bytes whatever stands before them. */
function base64Pieces(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first and the last group hold bits of their neighbours.
    return text.slice(before === 0 ? 0 : 4, Math.floor((before + bytes.length) / 3) * 4);
  });
}

/** @throws RangeError for what is no such key */
export function keySecret(name: string, pem: string): Secret {
  const body = pem.split("\n").filter((line) => /^[A-Za-z0-9+/]+=*$/.test(line));
  const { start, end } = seedIn(Buffer.from(body.join(""), "base64"));
  const seed = Buffer.from(body.join(""), "base64").subarray(start, end);
  let at = 0;
  const lines = body.filter((line) => {
    const [first, last] = [(at * 3) / 4, ((at + line.length) * 3) / 4];
    at += line.length;
    return Math.min(last, end) - Math.max(first, start) >= 12;
  });
  const pieces = [seed.toString("hex"), ...base64Pieces(seed)];
  return { name, traces: [seed, ...[...pieces, ...lines].map((text) => Buffer.from(text))], lines };
}

export function textSecret(name: string, text: string): Secret {
  const traces = [Buffer.from(text), Buffer.from(Buffer.from(text).toString("base64"))];
  return { name, traces, lines: [text] };
}

/** Marks a secret in the engine's JSON. Source: sdk/go/common/resource/sig. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";

function* textsIn(value: unknown, path: string): Generator<[path: string, text: string]> {
  if (typeof value === "string") {
    yield [path, value];
  } else if (typeof value === "object" && value !== null) {
    const plain = (value as { plaintext?: unknown }).plaintext;
    if (SIGNATURE in value && typeof plain === "string")
      yield* textsIn(JSON.parse(plain) as unknown, path);
    else for (const [key, inner] of Object.entries(value)) yield* textsIn(inner, `${path}.${key}`);
  }
}

/** Every private key in a state that was exported with its secrets shown, each once. */
export function keysIn(exported: string): Secret[] {
  const keys = new Map<string, Secret>();
  const { deployment } = JSON.parse(exported) as {
    deployment: { resources?: { urn: string; inputs?: unknown; outputs?: unknown }[] };
  };
  for (const { urn, inputs, outputs } of deployment.resources ?? []) {
    const name = urn.split("::").at(-1) ?? urn;
    // Outputs first: who made a key has it there, and gives it its name here.
    for (const [path, text] of [...textsIn(outputs, name), ...textsIn(inputs, name)])
      if (text.includes("PRIVATE KEY") && !keys.has(text.trim()))
        keys.set(text.trim(), keySecret(path, text));
  }
  return [...keys.values()];
}

/** Names of the secrets of which there are traces in these bytes. */
export function given(secrets: readonly Secret[], bytes: Buffer): string[] {
  return secrets
    .filter(({ traces }) => traces.some((trace) => bytes.includes(trace)))
    .map(({ name }) => name);
}

/** `path: secret` for each plain file below a folder that gives one away; links are not followed. */
export function givenBelow(secrets: readonly Secret[], folder: string, leftOut = /^$/): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !leftOut.test(path))
    .flatMap((path) => given(secrets, readFileSync(path)).map((name) => `${path}: ${name}`));
}

/** Looks at the command lines of all processes of this computer again and again. */
export class ProcessWatch {
  readonly #seen = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    const look = () => {
      for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
        try {
          this.#seen.add(readFileSync(`/proc/${name}/cmdline`, "latin1"));
        } catch {
          // It has ended.
        }
      }
    };
    look();
    this.#timer = setInterval(look, 100).unref();
  }

  /** Every command line that was seen. */
  stop(): Buffer {
    clearInterval(this.#timer);
    return Buffer.from([...this.#seen].join("\n"), "latin1");
  }
}

/** Local addresses on which a process listens: hex of /proc/net/tcp, or `*` and the like of /proc/net/udp. */
export function listening(pid: number, links: (pid: number) => string[]): string[] {
  const own = new Set(links(pid).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  return ["tcp", "tcp6", "udp", "udp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // 0A is LISTEN; a datagram socket that has no peer takes from anybody.
      .filter(
        (words) =>
          own.has(words[9] ?? "") &&
          (words[3] === "0A" || (table.startsWith("udp") && words[3] === "07")),
      )
      .map((words) => `${table} ${words[1] ?? ""}`),
  );
}
