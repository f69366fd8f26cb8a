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

/** A package's files, beside the folders that others have, too. */
const filesOf = (name: string) =>
  `dpkg -L ${name} | while read -r path; do [ ! -f "$path" ] || echo "$path"; done | sort`;

/** The Debian packages that are in domUs and dom0: purged without a trace, and installed again from what a user gets. */
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

    /** What dpkg finds wrong with files of a package. Images are made without documentation. */
    const flaws = (domain: string, name: string) =>
      bed.step(domain, `dpkg -V ${name} | grep -v ' /usr/share/doc/' || :; dpkg --audit ${name}`);

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

    it("v4v-sockets is in the domUs' image as dpkg would have it, and dom0 has both", async () => {
      for (const [domain, name] of [
        [SERVER, "v4v-sockets"],
        [CLIENT, "v4v-sockets"],
        ["host", "v4v-sockets"],
        ["host", "v4v-dom0"],
      ] as const) {
        const status = "dpkg-query -W -f '${db:Status-Abbrev}'";
        expect((await bed.step(domain, `${status} ${name}`)).trim()).toBe("ii");
        expect(await flaws(domain, name)).toBe("");
      }
      for (const domain of [SERVER, "host"])
        expect(await bed.step(domain, 'dpkg -S "$(command -v v4vrun)"')).toBe(
          "v4v-sockets: /usr/bin/v4vrun",
        );
      // apt reads the records by itself, and would say if dpkg had been interrupted.
      await bed.step(SERVER, "apt-get -q check");
    });

    it("v4v-sockets switches V4V on for all programs of a domU, and goes without a trace", async () => {
      for (const domain of [SERVER, CLIENT]) {
        await bed.step(
          domain,
          `${LIST} >/tmp/before; ${filesOf("v4v-sockets")} >/tmp/own; [ -s /tmp/own ]`,
        );
        await bed.step(domain, "v4vctl system on");
      }
      await bed.startServer(web, "");
      await bed.goesBy("V4V", web, "");
      await bed.killServer(web);
      for (const domain of [SERVER, CLIENT]) {
        await bed.step(
          domain,
          `dpkg -P v4v-sockets && [ ! -e /etc/ld.so.preload ] && grep -vxFf /tmp/own /tmp/before >/tmp/without && ${LIST} | diff /tmp/without -`,
        );
        await install(domain, "v4v-sockets");
        await bed.step(domain, `${LIST} | diff /tmp/before -`);
      }
    });

    it("v4v-dom0 brings the daemon and takes it away, without a trace", async () => {
      const there = literally(bed.address);
      const ours = "v4v-dom0 v4v-sockets";
      expect(
        await bed.step(
          "host",
          "readlink /proc/$(systemctl show -P MainPID v4vd)/exe; systemctl is-enabled v4vd; viptables -L",
        ),
      ).toMatch(/^\/usr\/sbin\/v4vd\nenabled\n/);
      await bed.step(
        "host",
        `${LIST} >/tmp/before; { ${filesOf(ours)}; find /etc/systemd /var/lib/systemd -name 'v4vd.service*'; } >/tmp/own`,
      );
      await bed.step(
        "host",
        `dpkg -P ${ours} && ! systemctl -q is-active v4vd && grep -vxFf /tmp/own /tmp/before >/tmp/without && ${LIST} | diff /tmp/without -`,
      );
      await bed.peersSay(CLIENT, new RegExp(there), true);
      for (const name of ["v4v-sockets", "v4v-dom0"]) await install("host", name);
      await bed.peersSay(CLIENT, new RegExp(there));
      await bed.step("host", `${LIST} | diff /tmp/before -`);
      const bytes = await bed.carried(async () => {
        await bed.startServer(web, "v4vrun");
        await bed.isServed(web, "v4vrun");
        await bed.killServer(web);
      });
      expect(bytes.v4v).toBeGreaterThan(web.bytes * MOST);
    });
  });
}
