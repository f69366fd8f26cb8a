import type { Context } from "../../../provider/resource.ts";
import { within } from "../../../provider/host/within.ts";

export interface RecordedContext extends Context {
  readonly statuses: string[];
  readonly warnings: string[];
  abort(reason: string): void;
}

/** A context that keeps what an operation says, and that ends with the test at the latest. */
export function recordedContext(seconds = 30): RecordedContext {
  const controller = new AbortController();
  const statuses: string[] = [];
  const warnings: string[] = [];
  return {
    urn: "urn:pulumi:test::test::test:index:Test::test",
    signal: within(controller.signal, seconds),
    statuses,
    warnings,
    status: (message) => statuses.push(message),
    info: (message) => statuses.push(message),
    warn: (message) => warnings.push(message),
    abort: (reason) => {
      controller.abort(new Error(reason));
    },
  };
}
