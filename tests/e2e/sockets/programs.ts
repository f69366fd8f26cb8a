import { describe, expect, it } from "vitest";
import { PROGRAMS } from "../programs.ts";
import { CLIENT, FULL, MOST, until, type SocketsBed } from "./bed.ts";

/** How long a program is under load before it is killed, s. */
const LOAD_SECONDS = FULL ? 60 : 2;

/** Which way it goes is no matter of the program: for each only in test:full, for one in all combinations. */
const COMBINATIONS = [
  ["", "v4vrun"],
  ["v4vrun", ""],
  ["", ""],
] as const;
const TRIED_WITH_ALL = 8000;

/** Unmodified programs: their results, the way of their bytes, and what the end of one means to the other. */
export function describePrograms(bed: SocketsBed): void {
  describe.each(PROGRAMS)("$name", (program) => {
    const load = async () => {
      await bed.startScript(CLIENT, "load", program.load, "v4vrun");
      await bed.step(CLIENT, `sleep ${LOAD_SECONDS}`, LOAD_SECONDS + 60);
    };
    /** V4V carried most of it. */
    async function isServedByV4v(): Promise<void> {
      const bytes = await bed.carried(() => bed.isServed(program, "v4vrun"));
      expect(bytes.v4v).toBeGreaterThan(program.bytes * MOST);
      // The test's own logins are there, too.
      expect(bytes.vif).toBeLessThan(program.bytes * (1 - MOST));
    }

    it("works, and goes by V4V, when both ends ask", async () => {
      await bed.startServer(program, "v4vrun");
      await isServedByV4v();
    });

    it("whose server is killed under load ends its clients, starts again and serves", async () => {
      const bytes = await bed.carried(load);
      // It was under load.
      expect(bytes.v4v).toBeGreaterThan(10_000);
      await bed.killServer(program);
      await bed.step(
        CLIENT,
        until("! kill -0 -$(cat /tmp/load.pid) 2>/dev/null", "cat /tmp/load.log"),
      );
      await bed.startServer(program, "v4vrun");
      await isServedByV4v();
    });

    it("whose client is killed under load serves the next", async () => {
      await load();
      await bed.endScript(CLIENT, "load");
      // netcat serves one after the other and may have ended with the client.
      if (!(await bed.listens(program))) await bed.startServer(program, "v4vrun");
      await isServedByV4v();
      await bed.killServer(program);
    });

    it.each(FULL || program.port === TRIED_WITH_ALL ? COMBINATIONS : [])(
      "goes by TCP when one end has not asked (server %j, client %j)",
      async (atServer, atClient) => {
        await bed.startServer(program, atServer);
        const bytes = await bed.carried(() => bed.isServed(program, atClient));
        expect(bytes.v4v).toBeLessThan(program.bytes * 0.1);
        expect(bytes.vif).toBeGreaterThan(program.bytes * 0.9);
        await bed.killServer(program);
      },
    );
  });
}
