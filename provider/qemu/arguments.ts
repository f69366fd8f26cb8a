/** The emulated machine's hardware, as data. */
export interface MachineSpec {
  /** Appears in the process's arguments and nowhere else: how a sweep finds this very machine. */
  marker: string;
  accelerator: "tcg" | "kvm";
  cpus: number;
  memoryMiB: number;
  /** Loopback port that leads to the machine's port 22. */
  sshPort: number;
  firmwareCode: string;
  /** With an IOMMU and a display device behind it, which a domU can be given. */
  gpu?: boolean;
  /** An HPET, as real machines have one; with a GPU's slot there is one anyway. */
  hpet?: boolean;
  /** A second network interface, on a link to one other machine: UDP between two ports of loopback. */
  link?: { port: number; peer: number; mac: string };
}

/** Names of the files in the run folder, which is QEMU's working directory. */
export const FILES = {
  disk: "disk.qcow2",
  firmwareVariables: "firmware-variables.fd",
  console: "console.log",
  agent: "agent.sock",
  monitor: "monitor.sock",
  log: "qemu.log",
  /** Socket through which a machine's state leaves it. */
  state: "state.sock",
} as const;

/**
 * The CPU that Xen and its guests are stable on under TCG (see docs/architecture.md): `max` and EPYC crash dom0 or
 * corrupt vector state between domains, and ERMS makes every kernel copy by bytes.
 */
const TCG_CPU = "qemu64,+arat,+svm,+npt,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+aes,+pclmulqdq";

/**
 * QEMU's arguments for a machine; pure, so that a snapshot test sees every change.
 *
 * @param frozenState descriptor in QEMU of the state that the machine is to go on from
 */
export function qemuArguments(spec: MachineSpec, frozenState?: number): string[] {
  return [
    ...["-name", `v4v-testbed,process=v4v-testbed`],
    // An OEM string in the SMBIOS tables is harmless to the guest and unmistakable in /proc/PID/cmdline.
    ...["-smbios", `type=11,value=${spec.marker}`],
    // Without HPET and with a LAPIC timer that never stops (arat): Xen's broadcast timer can miss its moment under
    // TCG, and then nothing wakes an idle CPU until the HPET counter has wrapped, 43 s later. Xen sets an IOMMU up for longer
    // than the PM timer, which it measures time by instead, takes to wrap (4.7 s): its clock would then run at a tenth.
    ...[
      "-machine",
      `q35,hpet=${spec.gpu === true || spec.hpet === true ? "on" : "off"}`,
      "-accel",
      spec.accelerator === "tcg" ? "tcg,thread=multi" : "kvm",
    ],
    ...["-cpu", spec.accelerator === "tcg" ? TCG_CPU : "host"],
    // Before all devices, whose memory accesses it is to see.
    ...(spec.gpu === true ? ["-device", "intel-iommu,intremap=on,aw-bits=48"] : []),
    // For S3 OVMF keeps memory back at 8 MiB. A PV domU that has a device gets memory no further than the host's first such
    // region (libxl's e820_host), and its kernel, which starts at 16 MiB, would not fit.
    ...(spec.gpu === true ? ["-global", "ICH9-LPC.disable_s3=1"] : []),
    ...["-smp", String(spec.cpus), "-m", `${spec.memoryMiB}M`],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-vga", "none"],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-drive", `if=pflash,format=raw,readonly=on,file=${spec.firmwareCode}`],
    ...["-drive", `if=pflash,format=raw,file=${FILES.firmwareVariables}`],
    // The disk is thrown away with the stack: a crash of the controller may cost its content, not the testbed's state.
    ...["-drive", `if=virtio,format=qcow2,cache=unsafe,discard=unmap,file=${FILES.disk}`],
    ...["-netdev", `user,id=uplink,restrict=on,hostfwd=tcp:127.0.0.1:${spec.sshPort}-:22`],
    ...["-device", "virtio-net-pci,netdev=uplink,romfile="],
    ...(spec.link === undefined
      ? []
      : [
          "-netdev",
          `socket,id=link,udp=127.0.0.1:${spec.link.peer},localaddr=127.0.0.1:${spec.link.port}`,
          "-device",
          `virtio-net-pci,netdev=link,romfile=,mac=${spec.link.mac}`,
        ]),
    // At a place of its own, so that no other device moves it.
    ...(spec.gpu === true ? ["-device", "bochs-display,vgamem=64M,addr=0x10"] : []),
    ...["-device", "virtio-rng-pci"],
    ...["-device", "virtio-serial-pci"],
    ...["-chardev", `socket,id=agent,path=${FILES.agent},server=on,wait=off`],
    ...["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
    ...["-serial", `file:${FILES.console}`],
    ...["-qmp", `unix:${FILES.monitor},server=on,wait=off`],
    ...(frozenState === undefined ? [] : ["-incoming", `fd:${frozenState}`]),
  ];
}
