import { setTimeout as sleep } from "node:timers/promises";
import { Unreachable } from "./errors.ts";

/** Pauses between attempts, ms: quick at first, then a second, so that a slow boot costs nothing extra. */
const PAUSES = [200, 300, 500, 700, 1000];

/**
 * Repeats `attempt` while it fails with {@link Unreachable}, until it succeeds or the signal is aborted.
 *
 * @param what for the message at the end: "waiting for SSH"
 */
export async function untilReachable<T>(
  what: string,
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<T>,
  onRetry?: (error: Unreachable, tries: number) => void,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt(signal);
    } catch (error) {
      if (signal.aborted) throw interrupted(what, signal, error);
      if (!(error instanceof Unreachable)) throw error;
      onRetry?.(error, tries);
      await pause(PAUSES[Math.min(tries, PAUSES.length) - 1] ?? 1000, signal, what, error);
    }
  }
}

/** Sleeps, or throws the signal's reason with what was being waited for. */
export async function pause(
  ms: number,
  signal: AbortSignal,
  what: string,
  last?: unknown,
): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw interrupted(what, signal, last);
  }
}

function interrupted(what: string, signal: AbortSignal, last: unknown): Error {
  const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
  const seen =
    last instanceof Error && last !== signal.reason ? `; last seen: ${last.message}` : "";
  return new Error(`${what}: ${reason}${seen}`);
}
