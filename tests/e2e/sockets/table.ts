import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENT, FULL, SERVER, type SocketsBed } from "./bed.ts";

/** From how long on a connection moves, whatever it carries, ms; 0: at once, before its first byte if that takes a while. */
export async function movesAfter(bed: SocketsBed, ms: number): Promise<void> {
  for (const domain of [SERVER, CLIENT])
    await bed.step(domain, `echo ${ms} >/sys/module/v4v/parameters/tcp_move_ms`);
}

export function describeTable(bed: SocketsBed): void {
  describe("the table of behaviours", () => {
    // Most of its connections are so short that they would stay on TCP.
    beforeAll(() => movesAfter(bed, 0));
    afterAll(() => movesAfter(bed, 10));

    it.each([
      ["from the first byte", ""],
      ...(FULL ? [["on connections that have settled", "--settle"]] : []),
    ])(
      "is the same over TCP, in the three other combinations and in two whole domains that ask, %s",
      async (_when, option) => {
        const said = await bed.step(
          "host",
          `/bin/sh /var/tmp/compare.sh ${SERVER} ${CLIENT} ${bed.address} ${option}`,
          1800,
        );
        console.log(said);
        expect(said).toMatch(/^5 passed, 0 failed$/m);
        const moved = new Map(
          [...said.matchAll(/^(\w+): .* remembers: (\d+)$/gm)].map(
            ([, name, count]): [string | undefined, number] => [name, Number(count)],
          ),
        );
        for (const name of ["plain", "server", "client"]) expect(moved.get(name), name).toBe(0);
        for (const name of ["both", "cgroups"]) expect(moved.get(name), name).toBeGreaterThan(20);
      },
    );
  });
}
