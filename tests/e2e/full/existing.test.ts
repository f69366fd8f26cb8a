import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cacheFolder } from "../../../provider/host/folders.ts";
import { succeeded } from "../lifecycle.ts";
import { OWNERS_LISTING } from "../ownersListing.ts";
import { packageLists, PlainHost, tellsOnFailure } from "../plainHost.ts";
import { given, givenBelow, keySecret } from "../secrets.ts";
import { holdersOnHost, holdersWithDomUs, secretsOf } from "../stackSecrets.ts";
import { Testbed } from "../testbed.ts";

/** A Debian host of somebody else's, of which the testbed gets an address, a key and a host key. */
const testbed = new Testbed("existing");
let host: PlainHost | undefined;

const there = (): PlainHost => {
  if (host === undefined) throw new Error("there is no host");
  return host;
};

let before: string[] = [];

const settings = (more: string[] = []): string[] => {
  const { address, port, keyFile, hostKey } = there().handedOver;
  const hosts = JSON.stringify([{ address, port, keyFile, hostKey }]);
  // A trial that goes wrong is told of within UP_S.
  const patience = ["--machine-boot-timeout", "400"];
  return ["--target", "existing", "--hosts", hosts, "--profile", "none", ...patience, ...more];
};

const lines = async (): Promise<string[]> =>
  (await there().on(OWNERS_LISTING, 300)).split("\n").sort();

const UP_S = 1500;
const MS = 1000;

tellsOnFailure(() => (host === undefined ? [] : [host]));

afterAll(async () => {
  // Nothing of the testbed's is left on this computer but files of the clone.
  await host?.remove();
  testbed.clone.remove();
});

describe("an existing host", { timeout: 3000 * MS }, () => {
  it("is told everything that keeps the testbed from it, and is left alone", async () => {
    host = await PlainHost.boot(testbed.project, await packageLists(testbed.project));
    before = await lines();
    const refused = await testbed.up(
      settings(["--vms", "40", "--xen-dom0-memory-mib", "512", "--xen-dom0-vcpus", "64"]),
      UP_S,
    );
    expect(refused.code).not.toBe(0);
    expect(refused.output).toMatch(/things to see to, nothing was changed/);
    expect(refused.output).toMatch(/too little memory/);
    expect(refused.output).toMatch(/it has \d+ CPUs?, .*64/);
    expect(await lines()).toEqual(before);
  });

  it("comes back by its own entry when the hypervisor does not boot", async () => {
    // A PVH dom0 needs an IOMMU, which this machine has not: Xen panics.
    const failed = await testbed.up(
      settings([
        "--vms",
        "2",
        "--xen-dom0-memory-mib",
        "1024",
        "--xen-dom0-vcpus",
        "1",
        "--xen-options",
        "dom0=pvh",
      ]),
      UP_S,
    );
    expect(failed.code).not.toBe(0);
    expect(failed.output).toContain("came back by its own boot entry, without Xen");
    expect(await there().on("[ -e /sys/hypervisor/type ] && echo xen || echo plain")).toBe("plain");
    expect(await there().on("grub-editenv list")).not.toContain("next_entry=v4v");
  });

  it("becomes the testbed's host, with the hypervisor as its default once it has proved itself", async () => {
    const result = succeeded(await testbed.up(settings(["--xen-options", ""]), UP_S));
    console.log(`up on an existing host: ${result.seconds.toFixed(0)} s`);
    expect(await testbed.on("host", "xl list | awk 'NR > 2 { print $1 }' | sort")).toBe(
      "domu1\ndomu2",
    );
    expect(
      await testbed.on(
        "host",
        "systemctl is-active v4vd; dpkg-query -W -f '${db:Status-Abbrev}${Package}\\n' v4v-sockets v4v-dom0 | sort",
      ),
    ).toBe("active\nii v4v-dom0\nii v4v-sockets");
    expect(await testbed.on("domu1", "hostname")).toBe("domu1");
    const cid = Number(await testbed.on("host", "xl domid domu2")) + 2;
    // Nobody listens there, which only the other domU's module can say.
    expect(
      await testbed.on("domu1", `socat -u OPEN:/dev/null VSOCK-CONNECT:${cid}:5999 2>&1 || :`),
    ).toContain("Connection reset by peer");
    succeeded(await testbed.script("scripts/run", ["status", "--stack", "existing"], 120));
  });

  it("holds no secrets but its domUs', and its own key is nowhere but in its file", async () => {
    const { keyFile } = there().handedOver;
    const login = keySecret("login key", readFileSync(keyFile, "utf8"));
    const secrets = [...(await secretsOf(testbed)), login];
    expect(secrets.length).toBeGreaterThanOrEqual(6);
    const { files, inJournal } = await holdersOnHost(testbed, secrets);
    expect(inJournal).toBe("0");
    expect(files).toEqual(holdersWithDomUs(["domu1", "domu2"]));
    const kept = /\/(passphrase|ssh\/id_ed25519)$/;
    expect(givenBelow(secrets, testbed.clone.env.XDG_STATE_HOME ?? "", kept)).toEqual([]);
    expect(givenBelow(secrets, join(cacheFolder(), "logs"))).toEqual([]);
    expect(givenBelow(secrets, testbed.project, /\/node_modules\//)).toEqual([]);
    expect(given(secrets, Buffer.from(testbed.said.join("\n")))).toEqual([]);
    // Not even encrypted.
    const shown = ["stack", "export", "--show-secrets", "--stack", "existing"];
    const state = succeeded(await testbed.pulumi(shown)).output;
    expect(given(secrets, Buffer.from(state)).length).toBeGreaterThan(0);
    expect(given([login], Buffer.from(state))).toEqual([]);
    const domUsLogin = join(testbed.runFolder ?? "", "ssh/id_ed25519");
    expect(given([login], readFileSync(domUsLogin))).toEqual([]);
  });

  it("is closed to its domUs, on every address", async () => {
    const addresses = await there().on(
      "ip -4 -o address show scope global | sed -n 's/.* inet \\([0-9.]*\\).*/\\1/p'",
    );
    expect(addresses.split("\n").length).toBeGreaterThan(1);
    // It is there all the same: what is closed is not unreachable.
    await testbed.on("domu1", "busybox ping -c 1 -W 10 10.83.0.1");
    for (const address of addresses.split("\n"))
      expect(
        await testbed.on(
          "domu1",
          `ip route replace ${address}/32 dev eth0 2>/dev/null || :
           timeout 20 socat -u OPEN:/dev/null TCP:${address}:22,connect-timeout=8 2>&1 && echo reached || echo closed`,
        ),
        address,
      ).toContain("closed");
  });

  it("is unchanged by a second up", async () => {
    const result = succeeded(await testbed.up(settings(), UP_S));
    expect(result.output).not.toMatch(/\d+ (created|updated|deleted|replaced)/);
  });

  it("boots the testbed by itself when its owner reboots it", async () => {
    const boot = await testbed.bootId("host");
    await there().on("systemctl --no-block reboot");
    // An up that finds nobody there goes by what it knows.
    await there().rebooted(boot, 600);
    await there().started();
    // What they boot takes longer than the units that start them.
    await expect
      .poll(() => testbed.on("domu2", "hostname").catch(String), { timeout: 300 * MS })
      .toBe("domu2");
    const result = succeeded(await testbed.up(settings(), UP_S));
    expect(result.output).not.toMatch(/\d+ (created|deleted|replaced)/);
  });

  it("is as it was when the testbed is gone", async () => {
    const result = succeeded(await testbed.destroy(1100));
    expect(result.output).toContain("is as it was before the testbed came");
    expect(await there().on("[ -e /sys/hypervisor/type ] && echo xen || echo plain")).toBe("plain");
    expect(await lines()).toEqual(before);
  });
});
