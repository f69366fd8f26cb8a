import { afterAll, afterEach, expect } from "vitest";
import type { Finished } from "./run.ts";
import type { Testbed } from "./testbed.ts";

/** For a file of tests: what its machines said last where a test failed, and nothing of them after the last one. */
export function takeDownAfterwards(...testbeds: Testbed[]): void {
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    for (const testbed of testbeds)
      console.log(`console of the machine of ${testbed.stack}:\n${testbed.consoleEnd()}`);
  });

  afterAll(async () => {
    for (const testbed of testbeds) {
      if (testbed.runFolder !== undefined) await testbed.destroy();
      for (const pid of testbed.machines()) process.kill(pid, "SIGKILL");
    }
    for (const { clone } of testbeds) clone.remove();
  });
}

/** The command's result, which must be good: else its output's end is the failure's message. */
export function succeeded(result: Finished): Finished {
  expect(result.code, result.output.slice(-6000)).toBe(0);
  return result;
}
