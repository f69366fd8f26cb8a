import { afterAll, describe, expect, it } from "vitest";
import { succeeded } from "../lifecycle.ts";
import { OwnDomain, TOOLSTACK } from "../ownDomain.ts";
import { OWNERS_LISTING } from "../ownersListing.ts";
import { packageLists, PlainHost, tellsOnFailure } from "../plainHost.ts";
import { Testbed } from "../testbed.ts";

/**
 * A host that is a Xen host already, by its distribution's hypervisor, and runs a domU of its owner's. The rule: what is not the
 * testbed's is never ended, so that the reboot into the testbed's hypervisor waits until the owner has shut his domUs down; started
 * again on that, they are left alone until they end by themselves.
 */
const testbed = new Testbed("own");
let host: PlainHost | undefined;
let own: OwnDomain | undefined;

const there = (): PlainHost => {
  if (host === undefined) throw new Error("there is no host");
  return host;
};
const domain = (): OwnDomain => {
  if (own === undefined) throw new Error("there is no domU of its owner's");
  return own;
};

const listing = async () => (await there().on(OWNERS_LISTING, 300)).split("\n").sort();
const bootId = () => there().on("cat /proc/sys/kernel/random/boot_id");
/** By what it was told: the testbed's is told of V4V. */
const hypervisor = () => there().on(`${TOOLSTACK}; xl info | sed -n 's/^xen_commandline *: //p'`);

let before: string[] = [];
let theirs = "";
let alive = "";

const UP_S = 1500;
const MS = 1000;

const settings = (more: string[] = []): string[] => {
  const { address, port, keyFile, hostKey } = there().handedOver;
  const hosts = JSON.stringify([{ address, port, keyFile, hostKey }]);
  return ["--target", "existing", "--hosts", hosts, "--profile", "none", ...more];
};

tellsOnFailure(() => (host === undefined ? [] : [host]));

afterAll(async () => {
  await host?.remove();
  testbed.clone.remove();
});

describe("a host that runs a domU of its own", { timeout: 3000 * MS }, () => {
  it("is a Xen host before the testbed comes", async () => {
    host = await PlainHost.boot(testbed.project, await packageLists(testbed.project));
    own = new OwnDomain(host);
    await own.prepare();
    await own.start();
    theirs = await hypervisor();
    expect(theirs).toContain("dom0_mem=1024M");
    expect(theirs).not.toContain("v4v=1");
    alive = await own.counts();
    before = await listing();
  });

  it("is refused as long as that runs, and neither of them is touched", async () => {
    const booted = await bootId();
    const refused = await testbed.up(settings(["--vms", "2"]), UP_S);
    expect(refused.code).not.toBe(0);
    expect(refused.output).toMatch(
      /runs own1: the reboot into the testbed's hypervisor would end them/,
    );
    expect(refused.output).toContain("nothing was changed");
    expect(await domain().counts()).toBe(alive);
    expect(await bootId()).toBe(booted);
    expect(await listing()).toEqual(before);
  });

  it("becomes the testbed's once its owner has shut that down, who can start it again", async () => {
    await domain().shutDown();
    succeeded(await testbed.up(settings(), UP_S));
    expect(await hypervisor()).toContain("v4v=1");
    await domain().start();
    alive = await domain().counts();
    succeeded(await testbed.script("scripts/run", ["status", "--stack", "own"], 240));
  });

  it("keeps it while the testbed grows", async () => {
    succeeded(await testbed.up(settings(["--vms", "3"]), UP_S));
    expect(await testbed.on("domu3", "hostname")).toBe("domu3");
    expect(await domain().counts()).toBe(alive);
  });

  it("is not rebooted into another hypervisor as long as that runs", async () => {
    const booted = await bootId();
    const refused = await testbed.up(settings(["--xen-options", "loglvl=info"]), UP_S);
    expect(refused.code).not.toBe(0);
    expect(refused.output).toMatch(/runs own1, which the reboot into the hypervisor would end/);
    expect(await bootId()).toBe(booted);
    expect(await domain().counts()).toBe(alive);
    succeeded(await testbed.up(settings(["--xen-options", ""]), UP_S));
    expect(await domain().counts()).toBe(alive);
  });

  it("keeps it when the testbed goes, and leaves the testbed's hypervisor when its owner reboots it", async () => {
    const booted = await bootId();
    const result = succeeded(await testbed.destroy(1100));
    expect(result.output).toContain("runs own1 and is not rebooted");
    expect(await bootId()).toBe(booted);
    expect(await domain().counts()).toBe(alive);
    expect(await listing()).toEqual(before);
    await domain().shutDown();
    await there().on("systemctl --no-block reboot");
    await there().rebooted(booted, 900);
    expect(await hypervisor()).toBe(theirs);
    await domain().start();
    expect(await listing()).toEqual(before);
  });
});
