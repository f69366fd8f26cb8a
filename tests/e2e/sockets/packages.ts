import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { succeeded } from "../lifecycle.ts";
import { CLIENT, MOST, SERVER, literally, programAt, type SocketsBed } from "./bed.ts";

/** The names of all files but dpkg's own, logs, caches and what tests put somewhere. */
const LIST = `find / -xdev ${[
  "/var/lib/dpkg*",
  "/var/log/*",
  "/var/cache/*",
  "/tmp/*",
  "/var/tmp/*",
]
  .map((path) => `-not -path '${path}'`)
  .join(" ")} | sort`;

/** The Debian packages, in domUs and in dom0 of the testbed, whose own files of the socket layer they stand beside. */
export function describePackages(bed: SocketsBed): void {
  describe("the packages", () => {
    let folder = "";
    let built = "";
    const web = programAt(8000);

    async function install(domain: string, name: string): Promise<void> {
      const path = new RegExp(`^.*${name}_.*\\.deb$`, "m").exec(built)?.[0] ?? "";
      bed.testbed.copy(domain, path, `/tmp/${name}.deb`);
      await bed.step(domain, `dpkg -i /tmp/${name}.deb`);
    }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "v4v-packages-"));
      const { testbed } = bed;
      built = succeeded(
        await testbed.script(
          "scripts/run",
          ["packages", "--stack", testbed.stack, "--output", folder],
          900,
        ),
      ).output;
    });
    afterAll(() => {
      rmSync(folder, { recursive: true });
    });

    it("v4v-sockets switches V4V on for all programs of a domU, and goes without a trace", async () => {
      for (const domain of [SERVER, CLIENT]) {
        await bed.step(domain, `${LIST} >/tmp/before`);
        await install(domain, "v4v-sockets");
        await bed.step(domain, "/usr/bin/v4vctl system on");
      }
      await bed.startServer(web, "");
      await bed.goesBy("V4V", web, "");
      await bed.killServer(web);
      for (const domain of [SERVER, CLIENT])
        await bed.step(
          domain,
          `dpkg -P v4v-sockets && [ ! -e /etc/ld.so.preload ] && ${LIST} | diff /tmp/before -`,
        );
    });

    it("v4v-dom0 takes the place of the testbed's daemon in dom0, and goes without a trace", async () => {
      const there = literally(bed.address);
      // The testbed's own unit would hide the package's.
      const own = "/etc/systemd/system/v4vd.service";
      await bed.step(
        "host",
        `systemctl disable -q --now v4vd; mv ${own} /run/v4vd.service.own; systemctl daemon-reload; ${LIST} >/tmp/before`,
      );
      await bed.peersSay(CLIENT, new RegExp(there), true);
      for (const name of ["v4v-sockets", "v4v-dom0"]) await install("host", name);
      await bed.peersSay(CLIENT, new RegExp(there));
      expect(
        await bed.step(
          "host",
          "readlink /proc/$(systemctl show -P MainPID v4vd)/exe; systemctl is-enabled v4vd; /usr/sbin/viptables -L",
        ),
      ).toMatch(/^\/usr\/sbin\/v4vd\nenabled\n/);
      const bytes = await bed.carried(async () => {
        await bed.startServer(web, "v4vrun");
        await bed.isServed(web, "v4vrun");
        await bed.killServer(web);
      });
      expect(bytes.v4v).toBeGreaterThan(web.bytes * MOST);
      await bed.step(
        "host",
        `dpkg -P v4v-dom0 v4v-sockets && ${LIST} | diff /tmp/before - && ! systemctl -q is-active v4vd`,
      );
      await bed.peersSay(CLIENT, new RegExp(there), true);
      await bed.step(
        "host",
        `mv /run/v4vd.service.own ${own}; systemctl daemon-reload; systemctl enable -q --now v4vd`,
      );
      await bed.peersSay(CLIENT, new RegExp(there));
    });
  });
}
