/**
 * A signal that is aborted with the given one, and at the latest after so many seconds. `AbortSignal.any` holds what it
 * is made of weakly: an `AbortSignal.timeout` that only it refers to is collected as garbage, and never fires (Node 24).
 */
export function within(signal: AbortSignal, seconds: number): AbortSignal {
  const deadline = new AbortController();
  setTimeout(() => {
    deadline.abort(new Error(`not finished after ${seconds} s`));
  }, seconds * 1000).unref();
  return AbortSignal.any([signal, deadline.signal]);
}
