import { existsSync } from "node:fs";

/** Where distributions put OVMF: Debian and Ubuntu, then Fedora and Arch. */
const PLACES = [
  ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"],
  ["/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"],
  ["/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"],
  ["/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"],
] as const;

/** UEFI firmware for the emulated machine, or undefined if none is installed. */
export function findFirmware(): { code: string; variables: string } | undefined {
  const found = PLACES.find(([code, variables]) => existsSync(code) && existsSync(variables));
  return found === undefined ? undefined : { code: found[0], variables: found[1] };
}
