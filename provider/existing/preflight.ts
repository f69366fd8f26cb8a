import type { HostFacts } from "./facts.ts";

/** What a testbed asks of a host that it did not make. */
export interface Needs {
  /** Of Xen, dom0 and all domUs together. */
  memoryMiB: number;
  dom0MemoryMiB: number;
  dom0Vcpus: number;
  /** A device is to be passed through. */
  gpu: boolean;
  /** Names that domUs of the testbed get. */
  guests: string[];
  /** The domUs' bridge, and its network: 10.83.0.1/24. */
  bridge: string;
  network: string;
  /** Which of several hosts it is, from 0, as the settings count them; absent: the first. */
  number?: number;
  /** With several hosts: its address on the network between them. */
  link?: string;
}

/** Root image, boot archives, an evaluation's samples; hypervisor. */
const DISK_MIB = 2500;
const BOOT_MIB = 32;

/** What dom0 runs with beside what the host uses now, MiB: page cache, the toolstack, the domUs' back ends. */
const DOM0_ROOM_MIB = 256;

/** What a line of GRUB's configuration may hold (templates/render.ts). */
const PLAIN = /^[A-Za-z0-9 _.,:=+/@-]*$/;

/**
 * GRUB writes its environment block past the file system, into the blocks of the file: those whose blocks are neither summed up,
 * nor packed, nor moved by each write. Any other one may have an entry for one boot that is taken for ever.
 */
const WRITABLE = ["ext2", "fat", "xfs"];

const number = (address: string): number =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

/** First and last address of a network; a host's own route is one of /32. */
function range(network: string): [number, number] | undefined {
  const match = /^(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?$/.exec(network);
  if (match === null) return undefined;
  const size = 2 ** (32 - Number(match[2] ?? 32));
  const first = Math.floor(number(match[1] ?? "") / size) * size;
  return [first, first + size - 1];
}

/** Whether two networks have an address in common. */
export function overlap(one: string, other: string): boolean {
  const a = range(one);
  const b = range(other);
  return a !== undefined && b !== undefined && a[0] <= b[1] && b[0] <= a[1];
}

/** Everything that keeps the testbed from a host, as sentences with the next step; empty if nothing does. */
export function hostProblems(facts: HostFacts, needs: Needs): string[] {
  const found: string[] = [];
  const need = (fulfilled: boolean, otherwise: string) => {
    if (!fulfilled) found.push(otherwise);
  };
  const { os, codename, architecture, kernel } = facts;
  need(
    facts.uid === 0,
    "the user does not become root: name root as user, or let the user run sudo without a password (sudoers: USER ALL=(ALL) NOPASSWD: ALL)",
  );
  need(
    os === "debian" && codename === "trixie" && architecture === "x86_64",
    `it is ${os} ${codename} on ${architecture}; only Debian 13 (trixie) on x86_64 has Xen 4.20, whose tools fit the hypervisor`,
  );
  need(
    !facts.secureBoot,
    "Secure Boot is on: GRUB would not start a hypervisor that nobody signed; switch it off in the firmware's set-up",
  );
  need(
    facts.lockdown === "none",
    `the kernel is locked down (${facts.lockdown}): it loads no module that nobody signed; boot it without lockdown`,
  );
  need(
    facts.bootFiles,
    `kernel and initrd of the running release ${kernel} are not in /boot; reboot the host into an installed kernel`,
  );
  need(
    facts.customEntries && facts.oneShot,
    "its boot loader is not a GRUB that reads custom.cfg and knows next_entry (/boot/grub/grub.cfg): install GRUB and run update-grub",
  );
  need(
    facts.abstraction === "",
    `GRUB cannot write to its environment block, as /boot lies on ${facts.abstraction.trim()}: an entry cannot be tried for one boot only; give /boot a plain partition`,
  );
  need(
    WRITABLE.includes(facts.environment) || facts.bootUuid === "",
    `GRUB may not be able to write to its environment block, as /boot/grub is on ${facts.environment || "a file system that grub-probe does not tell"}: an entry could not be tried for one boot only; give /boot a partition with ext4`,
  );
  need(
    facts.bootUuid !== "" || !facts.customEntries,
    "grub-probe does not tell the file system of /boot: is grub2-common installed?",
  );
  need(
    PLAIN.test(facts.commandLine),
    "its kernel's command line (/proc/cmdline) holds characters that cannot be taken over into another entry; boot it without them",
  );
  need(
    facts.memoryMiB >= needs.memoryMiB,
    `too little memory: hypervisor, dom0 and domUs take ${needs.memoryMiB} MiB, the host has ${facts.memoryMiB} MiB; lower vmCount, domU.memoryMiB or xen.dom0MemoryMiB`,
  );
  const used = facts.usedMiB + DOM0_ROOM_MIB;
  need(
    facts.ours || used <= needs.dom0MemoryMiB,
    `what runs on the host now uses ${facts.usedMiB} MiB, and as dom0 it would have ${needs.dom0MemoryMiB} MiB; raise xen.dom0MemoryMiB to ${used} or more`,
  );
  need(
    needs.dom0Vcpus <= facts.cores,
    `it has ${facts.cores} CPUs, xen.dom0Vcpus is ${needs.dom0Vcpus}`,
  );
  need(
    facts.known || facts.diskMiB >= DISK_MIB,
    `too little disk space: ${DISK_MIB} MiB are needed below /var/lib, ${facts.diskMiB} MiB are free`,
  );
  need(
    facts.known || facts.bootMiB >= BOOT_MIB,
    `too little disk space: ${BOOT_MIB} MiB are needed in /boot, ${facts.bootMiB} MiB are free`,
  );
  need(
    !needs.gpu || facts.iommu,
    "gpu.device: the firmware tells of no IOMMU; switch it on there (VT-d, AMD-Vi), or set gpu.device to none",
  );
  need(
    facts.aptProblem === "",
    `packages are missing (${facts.missingPackages.join(", ")}) and apt cannot install them: ${facts.aptProblem} Mend its sources and run apt-get update there`,
  );
  need(
    facts.known || facts.ownPackages.length === 0,
    `it has ${facts.ownPackages.join(", ")} already, which the testbed installs itself and purges in the end; purge them first (apt-get purge ${facts.ownPackages.join(" ")})`,
  );
  need(
    facts.forwarding,
    "its sshd forwards no connections, through which the domUs are reached: AllowTcpForwarding local in sshd_config",
  );
  const taken = facts.routes.filter(
    ({ destination, device }) => device !== needs.bridge && overlap(destination, needs.network),
  );
  need(
    taken.length === 0,
    `the network ${needs.network} of the domUs is in use there (${taken.map(({ destination, device }) => `${destination} on ${device}`).join(", ")})`,
  );
  need(
    needs.link === undefined || facts.addresses.includes(needs.link),
    `it has no address ${needs.link ?? ""}, under which the other hosts would reach it (hosts[${needs.number ?? 0}].link); it has ${facts.addresses.join(", ")}`,
  );
  found.push(...domainProblems(facts, needs));
  return found;
}

/** What may turn out to be in the way later, and need not. */
export function hostWarnings({
  kernel,
  missingBuildPackages,
  buildAptProblem,
}: HostFacts): string[] {
  return buildAptProblem === ""
    ? []
    : [
        `if its kernel ${kernel} is not the one of the build root, the V4V module has to be built there, and apt cannot install ` +
          `${missingBuildPackages.join(", ")}: ${buildAptProblem}`,
      ];
}

/** domUs of the host's own: a reboot into another hypervisor ends what runs on it, and each name is there once. */
function domainProblems({ domains, ours, silent }: HostFacts, { guests }: Needs): string[] {
  const clash = domains.filter((name) => guests.includes(name));
  return [
    ...(silent
      ? [
          "it runs Xen, and its toolstack does not tell which domUs run (xl list): start it (systemctl start xen.service), install it (xen-utils-4.20), or reboot the host if none runs",
        ]
      : []),
    ...(domains.length === 0 || ours
      ? []
      : [
          `it is a Xen host and runs ${domains.join(", ")}: the reboot into the testbed's hypervisor would end them; shut them down or move them first, they can be started again afterwards`,
        ]),
    ...(clash.length === 0
      ? []
      : [`the testbed names its domUs ${clash.join(", ")}, too; rename those of the host`]),
  ];
}
