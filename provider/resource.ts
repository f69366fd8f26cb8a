/** Property values as they travel between engine and provider: plain JSON, secrets already opened by the engine. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Properties = Record<string, Value>;

/**
 * The engine's marker for a value that is not known yet (preview). It comes through as this string.
 * Source: sdk/go/common/resource/plugin/rpc.go, UnknownStringValue.
 */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What a running operation may use. */
export interface Context {
  readonly urn: string;
  /** Aborted by the engine's cancel (Ctrl-C), by the operation's deadline, and by the engine's death. */
  readonly signal: AbortSignal;
  /** One line of progress, shown beside the resource and kept in no log. */
  status(message: string): void;
  /** A line that stays in the engine's output. */
  info(message: string): void;
  warn(message: string): void;
}

export interface CheckFailure {
  property: string;
  reason: string;
}

export interface DiffResult {
  changed: string[];
  replace: string[];
}

/** The state a resource had after its last operation. */
export interface Prior {
  id: string;
  inputs: Properties;
  outputs: Properties;
  /** It was never made to its end: these inputs were tried last, and there are no outputs. */
  unfinished?: true;
}

/**
 * Output of what was never made to its end: its creation failed, or the engine was killed in it. The other outputs are the inputs
 * that were tried last: of a failed update the engine keeps the old inputs. It is made again by the next update, or deleted if
 * nobody wants it any more; until then nothing is asked about it.
 */
export const UNFINISHED = "unfinished";

/** Deadlines in seconds; `customTimeouts` of the program take precedence. */
export interface Deadlines {
  create: number;
  update: number;
  delete: number;
}

/**
 * One kind of custom resource. `ensure` serves create and update alike: it looks at what there is, adopts what
 * matches, and changes the rest, so that it can be run again after any interruption.
 */
export interface Resource {
  readonly deadlines: Deadlines;
  /** Inputs whose change needs a new resource instead of an update. */
  readonly replaceOn?: readonly string[];
  /** Inputs that inform `ensure` and are no reason for an update by themselves (connection, ids that a reboot changes). */
  readonly quietInputs?: readonly string[];
  /** Whether the old one must go before the new one comes (default: yes, there is one of everything on a machine). */
  readonly createBeforeDelete?: boolean;
  /** The id that a resource with these inputs has; it must not depend on the outcome of `ensure`. */
  id(inputs: Properties): string;
  /** Completes and judges inputs. Runs in preview too: it may look at local files but at no machine. */
  check?(
    inputs: Properties,
    prior: Properties | undefined,
  ): Promise<{ inputs: Properties; failures?: CheckFailure[] }>;
  /** Changes that comparing inputs cannot see; joined with that comparison. */
  diff?(prior: Prior, inputs: Properties): Partial<DiffResult>;
  ensure(context: Context, inputs: Properties, prior: Prior | undefined): Promise<Properties>;
  /** The truth about the resource, or undefined if it is certainly gone. */
  read(
    context: Context,
    prior: Prior,
  ): Promise<{ inputs: Properties; outputs: Properties } | undefined>;
  /** Removes the resource; that it is gone already is not an error. */
  delete(context: Context, prior: Prior): Promise<void>;
}

/** An error raised before anything was changed: the engine keeps no state of the resource. */
export class Refused extends Error {
  override readonly name = "Refused";
}
