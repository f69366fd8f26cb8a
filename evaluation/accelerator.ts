/** How the emulated machine's CPUs run: translated by QEMU, or by the host's CPU under KVM. */
export type Accelerator = "tcg" | "kvm";

/** What every table and figure says about where its numbers come from. */
export function stampOf(accelerator: Accelerator): string {
  return accelerator === "tcg"
    ? "Xen in QEMU TCG (emulated)"
    : "Xen in QEMU KVM (nested virtualisation)";
}

/** What a reader may conclude from numbers with that stamp. */
export function cautionOf(accelerator: Accelerator): string {
  return accelerator === "tcg"
    ? "Every instruction is translated by QEMU: compare the transports with each other, not the figures with hardware."
    : "Xen runs nested under KVM: every exit costs extra, so absolute figures are not those of bare hardware.";
}
