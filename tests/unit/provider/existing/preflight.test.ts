import { describe, expect, test } from "vitest";
import { parseFacts, type HostFacts } from "../../../../provider/existing/facts.ts";
import {
  hostProblems,
  hostWarnings,
  overlap,
  type Needs,
} from "../../../../provider/existing/preflight.ts";

/** What a fresh Debian 13 on hardware prints. */
const PRINTED = `uid 0
os debian
codename trixie
system Debian GNU/Linux 13 (trixie)
architecture x86_64
machineId 0123
kernel 6.12.9-amd64
bootFiles yes
commandLine BOOT_IMAGE=/boot/vmlinuz-6.12.9-amd64 root=UUID=12ab ro quiet
virtualisation none
processor AMD EPYC 7302
usedKiB 409600
memoryKiB 33554432
cores 16
diskKiB 104857600
bootKiB 512000
lockdown none
customEntries yes
oneShot yes
abstraction
environment ext2
bootUuid 12ab
bootPath /boot
missing xen-utils-4.20
missing cpio
missingBuild gcc
route default eno1
route 192.0.2.0/24 eno1
address 127.0.0.1
address 192.0.2.10
forwarding yes
`;

const facts = (changes: Partial<HostFacts> = {}): HostFacts => ({
  ...parseFacts(PRINTED),
  ...changes,
});

const needs: Needs = {
  memoryMiB: 1616,
  dom0MemoryMiB: 1024,
  dom0Vcpus: 1,
  gpu: false,
  guests: ["domu1", "domu2"],
  bridge: "v4vbr0",
  network: "10.83.0.1/24",
};

test("what a host prints is read as it is meant", () => {
  expect(facts()).toMatchObject({
    uid: 0,
    kernel: "6.12.9-amd64",
    virtualisation: "none",
    memoryMiB: 32_768,
    usedMiB: 400,
    secureBoot: false,
    dom0: false,
    domains: [],
    missingPackages: ["xen-utils-4.20", "cpio"],
    routes: [
      { destination: "default", device: "eno1" },
      { destination: "192.0.2.0/24", device: "eno1" },
    ],
    known: false,
  });
});

test("a fresh Debian 13 has nothing to see to", () => {
  expect(hostProblems(facts(), { ...needs, link: "192.0.2.10" })).toEqual([]);
  expect(hostProblems(facts(), needs)).toEqual([]);
  expect(hostWarnings(facts())).toEqual([]);
});

describe("each thing that is missing is told with what to do", () => {
  test.each<[Partial<HostFacts>, Partial<Needs>, RegExp]>([
    [{ uid: 1000 }, {}, /does not become root.*NOPASSWD/],
    [{ codename: "bookworm" }, {}, /debian bookworm.*Debian 13/],
    [{ architecture: "aarch64" }, {}, /x86_64/],
    [{ secureBoot: true }, {}, /Secure Boot is on.*switch it off/],
    [{ lockdown: "integrity" }, {}, /locked down \(integrity\)/],
    [{ bootFiles: false }, {}, /6\.12\.9-amd64 are not in \/boot/],
    [{ customEntries: false, bootUuid: "" }, {}, /custom\.cfg.*update-grub/],
    [{ oneShot: false }, {}, /next_entry/],
    [{ abstraction: "lvm " }, {}, /\/boot lies on lvm:/],
    [{ environment: "btrfs" }, {}, /environment block, as \/boot\/grub is on btrfs:.*ext4/],
    [{ environment: "zfs" }, {}, /on zfs:/],
    [{ environment: "" }, {}, /does not tell/],
    [{ commandLine: "root='x y'" }, {}, /command line/],
    [{ memoryMiB: 1024 }, {}, /1616 MiB, the host has 1024 MiB; lower vmCount/],
    [{ usedMiB: 3000 }, {}, /raise xen\.dom0MemoryMiB to 3256/],
    [{ cores: 1 }, { dom0Vcpus: 2 }, /1 CPUs, xen\.dom0Vcpus is 2/],
    [{ diskMiB: 100 }, {}, /2500 MiB are needed below \/var\/lib, 100 MiB/],
    [{ bootMiB: 3 }, {}, /in \/boot, 3 MiB/],
    [{}, { gpu: true }, /no IOMMU/],
    [{ aptProblem: "E: Unable to locate package" }, {}, /xen-utils-4\.20, cpio.*apt-get update/],
    [{ ownPackages: ["v4v-dom0"] }, {}, /has v4v-dom0 already.*apt-get purge v4v-dom0/],
    [{ forwarding: false }, {}, /AllowTcpForwarding/],
    [{ routes: [{ destination: "10.83.0.0/16", device: "wg0" }] }, {}, /10\.83\.0\.0\/16 on wg0/],
    [{}, { link: "192.0.2.9", number: 1 }, /192\.0\.2\.9,.*\(hosts\[1\]\.link\).*192\.0\.2\.10$/],
    [{ dom0: true, silent: true }, {}, /does not tell which domUs run.*xen\.service/],
    [{ dom0: true, domains: ["web"] }, {}, /runs web: the reboot.*would end them/],
  ])("%j %j", (changes, other, sentence) => {
    const found = hostProblems(facts(changes), { ...needs, ...other });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(sentence);
  });

  test("all at once", () => {
    const all = hostProblems(
      facts({ secureBoot: true, memoryMiB: 512, bootFiles: false, domains: ["domu1"] }),
      { ...needs, gpu: true },
    );
    expect(all.length).toBeGreaterThanOrEqual(6);
    expect(all.join("\n")).toMatch(/names its domUs domu1, too/);
  });
});

test("a host that the testbed is on already has its domUs, its bridge and its files", () => {
  const ours = {
    ours: true,
    known: true,
    dom0: true,
    domains: ["web"],
    diskMiB: 100,
    usedMiB: 900,
    ownPackages: ["v4v-sockets", "v4v-dom0"],
    routes: [{ destination: "10.83.0.0/24", device: "v4vbr0" }],
  };
  expect(hostProblems(facts(ours), needs)).toEqual([]);
  // Whoever started one meanwhile keeps it.
  const [clash, ...more] = hostProblems(facts({ ...ours, domains: ["domu2"] }), needs);
  expect(clash).toMatch(/names its domUs domu2, too/);
  expect(more).toEqual([]);
});

test.each(["ext2", "fat", "xfs"])("GRUB writes to its environment block on %s", (environment) => {
  expect(hostProblems(facts({ environment }), needs)).toEqual([]);
});

test("that its module may not be buildable is a warning", () => {
  const found = hostWarnings(facts({ buildAptProblem: "E: no such package" }));
  expect(found).toHaveLength(1);
  expect(found[0]).toContain("gcc");
});

test("networks overlap as their addresses do", () => {
  expect(overlap("10.83.0.1/24", "10.83.0.77")).toBe(true);
  expect(overlap("10.83.0.0/24", "10.0.0.0/8")).toBe(true);
  expect(overlap("10.83.0.0/24", "10.83.1.0/24")).toBe(false);
  expect(overlap("default", "10.83.0.0/24")).toBe(false);
});
