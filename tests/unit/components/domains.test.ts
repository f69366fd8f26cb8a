import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { guestAddress } from "../../../components/network.ts";
import type { DomainInputs } from "../../../provider/resources/domain.ts";
import { FOLDER, PROJECT, testbedOf } from "./world.ts";

const TYPE = "v4v:index:Domain";

const domainsOf = async (given: Record<string, string>) => {
  const { engine } = await testbedOf(given);
  return engine.of(TYPE).map(({ name, inputs }) => {
    const own = inputs as unknown as DomainInputs;
    expect(own.name).toBe(name);
    return own;
  });
};

describe.each([2, 3, 16])("%i domUs", (count) => {
  const given = { vmCount: String(count) };

  test("are named domu1 to domuN, in the engine and on the host", async () => {
    const domains = await domainsOf(given);
    const names = Array.from({ length: count }, (_, i) => `domu${i + 1}`);
    expect(domains.map(({ name }) => name)).toEqual(names);
    expect(domains.map(({ config }) => /^name = "(.*)"$/m.exec(config)?.[1])).toEqual(names);
  });

  test("each has its own number's address, the same in configuration and guest", async () => {
    for (const [i, { address, config, environment, name }] of (await domainsOf(given)).entries()) {
      const own = guestAddress(i + 1);
      expect(address).toBe(own.address);
      expect(config).toContain(`"mac=${own.mac},bridge=xenbr0,ip=${own.address},`);
      expect(environment).toBe(
        `DOMU_NAME=${name}\nDOMU_ADDRESS=${own.address}/24\nDOMU_GATEWAY=10.83.0.1\n`,
      );
    }
  });
});

test("growing from 2 to 5 leaves the first two as they are, to the letter", async () => {
  const before = await testbedOf({ vmCount: "2" });
  const after = await testbedOf({ vmCount: "5" });
  const wires = ({ engine }: typeof before) =>
    engine.of(TYPE).map(({ urn, wire }) => ({ urn, wire }));
  expect(wires(after).slice(0, 2)).toEqual(wires(before));
  expect(wires(after)).toHaveLength(5);
  // Nothing below them changes either: no reboot, no new image.
  for (const type of ["Machine", "Hypervisor", "GuestImage", "Module", "RunFolder"])
    expect(after.engine.one(`v4v:index:${type}`).wire).toEqual(
      before.engine.one(`v4v:index:${type}`).wire,
    );
});

test("memory and CPUs are those of the settings", async () => {
  for (const { config } of await domainsOf({ "domU.memoryMiB": "320", "domU.vcpus": "2" })) {
    expect(config).toMatch(/^memory = 320$/m);
    expect(config).toMatch(/^maxmem = 320$/m);
    expect(config).toMatch(/^vcpus = 2$/m);
    expect(config).toMatch(/^type = "pv"$/m);
  }
});

test("a domU comes after the hypervisor, dom0's files, the module's build and the image", async () => {
  const { engine } = await testbedOf();
  for (const domain of engine.of(TYPE)) {
    const before = engine.before(domain);
    for (const name of [
      "host-xen",
      "host-files",
      "build-module",
      "build-domu-image",
      "domus-image",
      "machine-qemu",
    ])
      expect(before, name).toContain(name);
    expect(domain.inputs).toMatchObject({
      dom0BootId: "dom0 boot",
      bootDigest: "boot digest",
      packedDigest: "packed digest",
      runFolder: FOLDER,
    });
    // No domU waits for another.
    expect([...before].filter((name) => /^domu\d/.test(name))).toEqual([]);
  }
});

test("controller and dom0 may log in, nobody else", async () => {
  for (const { authorizedKeys } of await domainsOf({}))
    expect(authorizedKeys).toBe("ssh-ed25519 LOGIN\nssh-ed25519 DOM0");
});

test("all share one image, and a change of what packs it makes another", async () => {
  const { engine } = await testbedOf({ vmCount: "4" });
  const image = engine.one("v4v:index:GuestImage");
  const scripts = ["make-initrd", "initrd-init"].map((name) =>
    readFileSync(join(PROJECT, "dom0", name)),
  );
  expect(image.inputs).toMatchObject({
    image: "/cache/domu-image/root.ext4.zst",
    imageSha256: "5d",
    incarnation: "dom0 boot",
    makeInitrdSha256: createHash("sha256").update(Buffer.concat(scripts)).digest("hex"),
  });
  for (const { config, folder } of await domainsOf({ vmCount: "4" })) {
    expect(folder).toBe(image.inputs.folder);
    expect(config).toContain(
      `script=/usr/local/lib/v4v-testbed/disk-attach,target=${folder}/root.ext4"`,
    );
  }
});
