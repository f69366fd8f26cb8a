import { describe, expect, it } from "vitest";
import { bridge, guestAddress } from "../../../components/network.ts";
import { CLIENT, SERVER, type SocketsBed } from "./bed.ts";

/** Which domain has which address, as the domains' unprivileged processes see it. */
export function describeDiscovery(bed: SocketsBed): void {
  describe("discovery", () => {
    it("shows every domain's address to unprivileged processes of each", async () => {
      const lines = [
        `2 ${bridge.gateway}`,
        `${await bed.cidOf(CLIENT)} ${guestAddress(1).address}`,
        `${await bed.cidOf(SERVER)} ${bed.address}`,
      ];
      for (const domain of ["host", CLIENT, SERVER]) {
        const said = (await bed.peersOf(domain))
          .split("\n")
          .map((row) => row.trim().replaceAll(/ +/g, " "));
        for (const line of lines) expect(said, domain).toContain(line);
      }
      const nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups v4vctl peers";
      expect(await bed.step(CLIENT, nobody)).toContain(bed.address);
    });
  });
}
