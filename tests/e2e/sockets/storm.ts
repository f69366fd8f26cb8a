import { afterEach, describe, expect, it } from "vitest";
import { CLIENT, FULL, SERVER, type SocketsBed } from "./bed.ts";

/** Many connections that move from TCP to rings while TCP's packets are delayed, lost and reordered. */
export function describeStorm(bed: SocketsBed): void {
  describe("connections that move under load", () => {
    const PORT = 7900;
    const COUNT = FULL ? 10_000 : 150;
    const vifs = async (command: (vif: string) => string) => {
      for (const domain of [SERVER, CLIENT])
        await bed.step("host", command(`vif$(xl domid ${domain}).0`));
    };

    afterEach(async () => {
      await vifs((vif) => `tc qdisc del dev ${vif} root 2>/dev/null || :`);
      await bed.endScript(SERVER, "storm");
    });

    it(
      `keep every byte in order while TCP delays, loses and reorders: ${COUNT}`,
      async () => {
        await bed.startListener(SERVER, "storm", PORT, `$1 storm serve $2 ${PORT}`, "v4vrun");
        await vifs(
          (vif) =>
            `tc qdisc replace dev ${vif} root netem delay 3ms 3ms loss 2% reorder 20% limit 4000`,
        );
        const seed = Date.now() % 2 ** 31;
        const bytes = await bed.carried(async () => {
          expect(
            await bed.step(
              CLIENT,
              bed.inShell(`$1 storm call $2 ${PORT} ${COUNT} 16 ${seed}`, "v4vrun"),
              3600,
            ),
          ).toContain(`${COUNT} connections, seed ${seed}, 0 of 16 processes failed`);
        });
        console.log(`${COUNT} connections: ${bytes.v4v} bytes by V4V, ${bytes.vif} by TCP`);
        // Streams that were on both ways.
        expect(bytes.v4v).toBeGreaterThan(COUNT * 1000);
        expect(bytes.vif).toBeGreaterThan(COUNT * 1000);
      },
      FULL ? 70 * 60_000 : 10 * 60_000,
    );
  });
}
