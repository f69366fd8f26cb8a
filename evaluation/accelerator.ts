/**
 * How the CPUs run that Xen runs on: translated by QEMU, by another host's CPU under KVM, under another hypervisor, or as
 * they are.
 */
export type Accelerator = "tcg" | "kvm" | "other" | "none";

export const ACCELERATORS: readonly Accelerator[] = ["tcg", "kvm", "other", "none"];

const STAMPS: Record<Accelerator, string> = {
  tcg: "Xen in QEMU TCG (emulated)",
  kvm: "Xen in QEMU KVM (nested virtualisation)",
  other: "Xen in a virtual machine (nested virtualisation)",
  none: "Xen on hardware",
};

const NESTED = "every exit costs extra, so absolute figures are not those of bare hardware.";

const CAUTIONS: Record<Accelerator, string> = {
  tcg: "Every instruction is translated by QEMU: compare the transports with each other, not the figures with hardware.",
  kvm: `Xen runs nested under KVM: ${NESTED}`,
  other: `Xen runs nested under another hypervisor: ${NESTED}`,
  none: "The host belongs to somebody else: what it did beside the testbed is not known.",
};

/** Of an existing host, by what systemd-detect-virt says of it without Xen. */
export function acceleratorOf(virtualisation: string): Accelerator {
  if (virtualisation === "none" || virtualisation === "kvm") return virtualisation;
  return virtualisation === "qemu" ? "tcg" : "other";
}

/** What every table and figure says about where its numbers come from. */
export function stampOf(accelerator: Accelerator): string {
  return STAMPS[accelerator];
}

/** What a reader may conclude from numbers with that stamp. */
export function cautionOf(accelerator: Accelerator): string {
  return CAUTIONS[accelerator];
}
