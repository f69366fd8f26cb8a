import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { cloneStateFolder } from "../../provider/host/folders.ts";
import { localBackend, lockFiles, stateFile } from "./backend.ts";
import { alive, type Lock } from "./interrupted.ts";
import { PROJECT } from "./workspace.ts";

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

/** This clone's local backend; undefined for one elsewhere. */
function backendFolder(): string | undefined {
  const url = process.env.PULUMI_BACKEND_URL;
  return url === undefined ? join(cloneStateFolder(PROJECT), "backend") : localBackend(url);
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
  const path = stateFile(backend, stack);
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
  const backend = backendFolder();
  for (const path of backend === undefined ? [] : lockFiles(backend, stack)) {
    const lock = readLock(path);
    if (lock === undefined || (lock.hostname === hostname() && !alive(lock.pid))) continue;
    return `process ${lock.pid} of ${lock.username} on ${lock.hostname}`;
  }
  return undefined;
}
