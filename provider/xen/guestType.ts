import type { PciFunction, PciHost } from "./passthrough.ts";

/** What kind of domain has a device: a paravirtual one, or a fully virtual one, for which dom0 runs a device model. */
export type GuestType = "pv" | "hvm";

/** Debian's device model, as its libxl is told (package qemu-system-xen). */
export const DEVICE_MODEL = "/usr/libexec/xen-qemu-system-i386";

const DISPLAY = 0x03;

/** Makers of display devices whose drivers expect a machine's own page tables and memory types, which a PV domU has not. */
const NEED_HVM: Record<number, string> = {
  0x1002: "AMD",
  0x10de: "NVIDIA",
  0x8086: "Intel",
};

/** The function of a device that a PV domU's driver cannot do with, and whose it is. */
function needsHvm(take: readonly PciFunction[]): { address: string; maker: string } | undefined {
  for (const { address, vendor, classCode } of take) {
    const maker = classCode >> 16 === DISPLAY ? NEED_HVM[vendor] : undefined;
    if (maker !== undefined) return { address, maker };
  }
  return undefined;
}

/**
 * The kind of domU for the functions of a device, and what keeps the host from having one.
 *
 * @param wish `auto` for what the device needs
 */
export function guestTypeOf(
  host: PciHost,
  take: readonly PciFunction[],
  wish: GuestType | "auto",
): { type: GuestType; problems: string[]; warnings: string[] } {
  const need = needsHvm(take);
  const type = wish === "auto" ? (need === undefined ? "pv" : "hvm") : wish;
  if (type === "pv")
    return {
      type,
      problems: [],
      warnings:
        need === undefined
          ? []
          : [
              `gpu.type is pv: the driver of ${need.maker}'s ${need.address} is known to want an HVM domU`,
            ],
    };
  const why =
    need === undefined || wish === "hvm"
      ? "gpu.type is hvm"
      : `${need.maker}'s ${need.address} needs an HVM domU`;
  const problems = [
    ...(host.hvm
      ? []
      : [
          `${why}, and the hypervisor runs none (xl info shows no hvm): switch AMD-V or VT-x on in the firmware's set-up`,
        ]),
    ...(host.deviceModel
      ? []
      : [`${why}, and dom0 has no ${DEVICE_MODEL} for it: install qemu-system-xen there`]),
  ];
  return { type, problems, warnings: [`${why}: this testbed has never run an HVM domU`] };
}
