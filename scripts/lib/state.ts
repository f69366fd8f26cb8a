import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { cloneStateFolder } from "../../provider/host/folders.ts";
import { alive, type Lock } from "./interrupted.ts";
import { PROJECT, PROJECT_NAME } from "./workspace.ts";

export interface StateResource {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
  /** Made half way: the engine saved it so that the next `up` goes on from there. */
  unfinished: boolean;
}

export interface StackState {
  resources: StateResource[];
  /** What a killed engine was doing, such as `creating v4v:index:Domain domu2`. */
  pending: string[];
}

interface Checkpoint {
  checkpoint?: {
    latest?: {
      resources?: {
        type: string;
        urn: string;
        inputs?: Record<string, unknown>;
        outputs?: Record<string, unknown>;
        initErrors?: string[];
      }[];
      pending_operations?: { type: string; resource: { type: string; urn: string } }[];
    };
  };
}

/** The folder of a local backend; undefined for one elsewhere, which only the engine can ask. */
function backendFolder(): string | undefined {
  const url = process.env.PULUMI_BACKEND_URL;
  if (url === undefined) return join(cloneStateFolder(PROJECT), "backend");
  if (!url.startsWith("file://")) return undefined;
  const path = url.slice("file://".length).replace(/^~(?=\/|$)/, homedir());
  return path.startsWith("/") ? path : undefined;
}

const nameIn = (urn: string): string => urn.split("::").at(-1) ?? urn;

/** Reads a checkpoint of Pulumi's local backend; secrets in it stay encrypted. Undefined for anything else. */
export function parseState(text: string): StackState | undefined {
  let latest;
  try {
    latest = (JSON.parse(text) as Checkpoint).checkpoint?.latest;
  } catch {
    return undefined;
  }
  if (latest === undefined) return undefined;
  return {
    resources: (latest.resources ?? []).map(({ type, urn, inputs, outputs, initErrors }) => ({
      type,
      name: nameIn(urn),
      inputs: inputs ?? {},
      outputs: outputs ?? {},
      unfinished: (initErrors ?? []).length > 0,
    })),
    pending: (latest.pending_operations ?? []).map(
      ({ type, resource }) => `${type} ${resource.type} ${nameIn(resource.urn)}`,
    ),
  };
}

/** A stack's state as the last engine left it, read without starting one. */
export function readState(stack: string): StackState | undefined {
  const backend = backendFolder();
  if (backend === undefined) return undefined;
  const path = join(backend, ".pulumi/stacks", PROJECT_NAME, `${stack}.json`);
  return existsSync(path) ? parseState(readFileSync(path, "utf8")) : undefined;
}

/** A text among a resource's properties; undefined if it is not there, or encrypted. */
export function textOf(properties: Record<string, unknown> | undefined, name: string) {
  const value = properties?.[name];
  return typeof value === "string" ? value : undefined;
}

function readLock(path: string): Lock | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Lock;
  } catch {
    return undefined; // It was let go of at this moment.
  }
}

/** Who is at work on a stack, in words; nobody if the lock is a dead engine's. */
export function workerOf(stack: string): string | undefined {
  const folder = join(
    backendFolder() ?? "/nonexistent",
    ".pulumi/locks/organization",
    PROJECT_NAME,
    stack,
  );
  if (!existsSync(folder)) return undefined;
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
    const lock = readLock(join(folder, name));
    if (lock === undefined || (lock.hostname === hostname() && !alive(lock.pid))) continue;
    return `process ${lock.pid} of ${lock.username} on ${lock.hostname}`;
  }
  return undefined;
}
