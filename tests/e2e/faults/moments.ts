import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../evaluation/random.ts";
import { succeeded } from "../lifecycle.ts";
import { works, type Bed } from "./bed.ts";

const SEED = Number(process.env.V4V_SEED ?? 20141);

/**
 * `up`s that are ended at a random moment.
 *
 * @param count how many
 */
export function endedAtMoments(bed: Bed, count: number): void {
  const { testbed } = bed;
  const random = seededRandom(SEED, "moments");
  const moments = Array.from({ length: count }, (_, i) => ({
    number: i + 1,
    signal: i % 2 === 0 ? ("SIGKILL" as const) : ("SIGINT" as const),
    afterMs: Math.round(3000 + random() * (i % 2 === 0 ? 60_000 : 30_000)),
    vms: 2 + Math.floor(random() * 2),
    // One in three is given up instead of finished, of either signal.
    giveUp: i % 3 === 2,
  }));

  describe("up, ended at any moment", () => {
    it.each(moments)(
      "$number: $signal after $afterMs ms, seed " + String(SEED),
      async ({ signal, afterMs, vms, giveUp }) => {
        const flags = ["--profile", "none", "--vms", String(vms)];
        const all = ["--stack", testbed.stack, ...flags];
        const running = testbed.start("scripts/up", all, bed.upS);
        const timer = new Promise((resolve) => setTimeout(resolve, afterMs));
        const over = running.finished.then(() => true);
        const ended = await Promise.race([over, timer.then(() => false)]);
        if (!ended) process.kill(-running.pid, signal);
        const { code } = await running.finished;
        const last = running.output().trimEnd().split("\n").at(-1) ?? "";
        console.log(
          `${signal} after ${afterMs} ms: ${ended ? "up was over" : `exit code ${code}, last printed: ${last}`}`,
        );
        if (giveUp) {
          const result = succeeded(await testbed.destroy(bed.destroyS));
          expect(result.output).toContain("is left: no process, no port, no file");
          expect(testbed.machines()).toEqual([]);
        } else {
          succeeded(await testbed.up(flags, bed.upS));
          await works(testbed, vms);
        }
      },
      bed.testMs,
    );
  });
}
