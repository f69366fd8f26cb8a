import { afterAll, afterEach, describe, expect, it } from "vitest";
import { succeeded } from "../lifecycle.ts";
import { packageLists, PlainHost } from "../plainHost.ts";
import { Testbed } from "../testbed.ts";

/** A Debian host of somebody else's, of which the testbed gets an address, a key and a host key. */
const testbed = new Testbed("existing");
let host: PlainHost | undefined;

const there = (): PlainHost => {
  if (host === undefined) throw new Error("there is no host");
  return host;
};

/** What its owner goes by, asked in another way than the testbed's own listing. */
const LISTING = `
dpkg -l | sed -n 's/^ii *//p' | awk '{ print $1, $2 }'
apt-mark showmanual
cd /
find etc boot usr/local opt srv root home var/spool -type f ! -path 'root/.*' ! -name '*.pyc' -print0 | xargs -0 sha256sum | grep -v -e ' etc/ld.so.cache$' -e ' boot/grub/grubenv$'
find etc boot usr/local opt srv root home -type d -o -type l
grub-editenv list
ip -o link | cut -d : -f 2
systemctl list-unit-files --state=enabled --no-legend | awk '{ print $1 }'
ls /var/lib /var/log | grep -v -x -e dpkg.log -e alternatives.log
lsmod | grep -c v4v || :`;

let before: string[] = [];

const settings = (more: string[] = []): string[] => {
  const { address, port, keyFile, hostKey } = there().handedOver;
  const hosts = JSON.stringify([{ address, port, keyFile, hostKey }]);
  return ["--target", "existing", "--hosts", hosts, "--profile", "none", ...more];
};

const lines = async (): Promise<string[]> => (await there().on(LISTING, 300)).split("\n").sort();

const UP_S = 1100;

afterEach(({ task }) => {
  if (task.result?.state === "fail" && host !== undefined)
    console.log(`console of the host:\n${host.consoleEnd()}`);
});

afterAll(async () => {
  if (testbed.runFolder !== undefined) await testbed.destroy(500);
  await host?.remove();
  testbed.clone.remove();
});

describe("an existing host", () => {
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
    expect(refused.output).toMatch(/64/);
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

  it("is unchanged by a second up", async () => {
    const result = succeeded(await testbed.up(settings(), UP_S));
    expect(result.output).not.toMatch(/\d+ (created|updated|deleted|replaced)/);
  });

  it("boots the testbed by itself when its owner reboots it", async () => {
    const boot = await testbed.bootId("host");
    await there().on("systemctl --no-block reboot");
    // An up that finds nobody there goes by what it knows.
    await there().rebooted(boot, 600);
    succeeded(await testbed.up(settings(), UP_S));
    expect(await testbed.bootId("host")).not.toBe(boot);
    expect(await testbed.on("domu2", "hostname")).toBe("domu2");
  });

  it("is as it was when the testbed is gone", async () => {
    const result = succeeded(await testbed.destroy(1100));
    expect(result.output).toContain("is as it was before the testbed came");
    expect(await there().on("[ -e /sys/hypervisor/type ] && echo xen || echo plain")).toBe("plain");
    expect(await lines()).toEqual(before);
  });
});
