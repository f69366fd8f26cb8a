import { readFileSync, readdirSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { checkpoint, chooseBackend, localBackend, lockFiles, shown } from "./backend.ts";
import { findEngine } from "./engine.ts";
import { ownEnvironment } from "./environment.ts";
import { UNFINISHED } from "../../provider/resource.ts";
import { alive, type Lock } from "./interrupted.ts";
import { capture } from "./process.ts";
import { PROJECT } from "./project.ts";

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

interface Deployment {
  resources?: {
    type: string;
    urn: string;
    inputs?: Record<string, unknown>;
    outputs?: Record<string, unknown>;
    initErrors?: string[];
  }[];
  pending_operations?: { type: string; resource: { type: string; urn: string } }[];
}

/** A file of Pulumi's local backend, or what `pulumi stack export` prints. */
interface Exported {
  checkpoint?: { latest?: Deployment };
  deployment?: Deployment | null;
}

/** A state that is there, and could not be had. */
export class StateOutOfReach extends Error {
  override readonly name = "StateOutOfReach";
}

const nameIn = (urn: string): string => urn.split("::").at(-1) ?? urn;

/** Reads a checkpoint of Pulumi's local backend, or an exported one; secrets in it stay encrypted. Undefined for anything else. */
export function parseState(text: string): StackState | undefined {
  let latest;
  try {
    const { checkpoint: file, deployment } = JSON.parse(text) as Exported;
    latest = file?.latest ?? deployment ?? undefined;
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
      unfinished: (initErrors ?? []).length > 0 || outputs?.[UNFINISHED] === true,
    })),
    pending: (latest.pending_operations ?? []).map(
      ({ type, resource }) => `${type} ${resource.type} ${nameIn(resource.urn)}`,
    ),
  };
}

/** Seconds that a backend elsewhere may take. */
const ANSWER_SECONDS = 30;

/** Asks the engine, which alone knows a backend elsewhere. */
function exported(stack: string): string | undefined {
  const { variables, backend } = ownEnvironment();
  const out = (why: string) =>
    new StateOutOfReach(`the state in ${shown(backend.url)} cannot be read: ${why}`);
  const engine = findEngine();
  if (engine === undefined) throw out("there is no engine yet");
  const { code, stdout, stderr } = capture(
    `${engine.folder}/pulumi`,
    ["stack", "export", "--stack", stack, "--non-interactive", "--cwd", PROJECT],
    { ...process.env, ...variables, PATH: `${engine.folder}:${process.env.PATH ?? ""}` },
    ANSWER_SECONDS * 1000,
  );
  if (code === 0) return stdout;
  const said = stderr.trim();
  if (said.includes("no stack named")) return undefined;
  throw out(
    said.includes("ETIMEDOUT")
      ? `no answer in ${ANSWER_SECONDS} s`
      : (said.split("\n").find((line) => line.startsWith("error:")) ?? said),
  );
}

/**
 * A stack's state as the last engine left it; where it is a file here, without starting one.
 *
 * @throws StateOutOfReach for one elsewhere that cannot be had
 */
export function readState(stack: string): StackState | undefined {
  const backend = localBackend(chooseBackend().url);
  const text = backend === undefined ? exported(stack) : checkpoint(backend, stack);
  return text === undefined ? undefined : parseState(text);
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

/** Engines of this computer that are at work on a stack of this clone, by their arguments: they are given it by us. */
function enginesOf(stack: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(alive)
    .filter((pid) => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return (
          args.some((arg) => ["up", "refresh", "destroy"].includes(arg)) &&
          args[args.indexOf("--stack") + 1] === stack &&
          args[args.indexOf("--cwd") + 1] === PROJECT
        );
      } catch {
        return false; // It ended at this moment.
      }
    });
}

/**
 * Who is at work on a stack, in words; nobody if the lock is a dead engine's. With a backend elsewhere only this computer's engines
 * are known: to look at its locks means to take one.
 */
export function workerOf(stack: string): string | undefined {
  const backend = localBackend(chooseBackend().url);
  if (backend === undefined) {
    const [pid] = enginesOf(stack);
    return pid === undefined
      ? undefined
      : `process ${pid} of ${userInfo().username} on ${hostname()}`;
  }
  for (const path of lockFiles(backend, stack)) {
    const lock = readLock(path);
    if (lock === undefined || (lock.hostname === hostname() && !alive(lock.pid))) continue;
    return `process ${lock.pid} of ${lock.username} on ${lock.hostname}`;
  }
  return undefined;
}
