import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `check` is true; an error that says what was waited for after `ms`. */
export async function eventually(
  what: string,
  check: () => boolean | Promise<boolean>,
  ms = 10_000,
): Promise<void> {
  const until = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > until) throw new Error(`${what}: not after ${ms} ms`);
    await sleep(10);
  }
}
