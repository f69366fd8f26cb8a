import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { within } from "../../../provider/host/within.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Waits for the signal as the provider does, ms at most. */
async function waited(signal: AbortSignal, most: number): Promise<string> {
  for (const until = Date.now() + most; Date.now() < until;) {
    await sleep(20, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return (signal.reason as Error).message;
    collectGarbage();
  }
  return "still waiting";
}

test("a deadline passes, whatever is collected as garbage meanwhile", async () => {
  const { signal } = new AbortController();
  expect(await waited(within(signal, 0.3), 10_000)).toBe("not finished after 0.3 s");
  // One within another, of which nobody keeps the outer one.
  expect(await waited(within(within(signal, 0.3), 60), 10_000)).toBe("not finished after 0.3 s");
});

test("it ends with what it is part of", async () => {
  const outer = new AbortController();
  setTimeout(() => {
    outer.abort(new Error("Ctrl-C"));
  }, 50);
  expect(await waited(within(outer.signal, 60), 10_000)).toBe("Ctrl-C");
});
