import type { Remote } from "../ssh/remote.ts";
import { RIGHT } from "./clock.ts";

/** A hypervisor and how it is booted. */
export interface XenBoot {
  /** xen.gz on the controller. */
  image: string;
  /** Build id of that image, hex: what `xl info` must show after the reboot. */
  buildId: string;
  /** Content of GRUB's custom.cfg: the entry that boots `imagePath` by default. */
  bootEntry: string;
  /** Where the entry expects the hypervisor. */
  imagePath: string;
  /** Xen's command line as `xl info` shows it. */
  commandLine: string;
}

/** Name of the entry, and a word on its kernel's command line, by which a host knows how it was booted. */
export const ENTRY = "v4v-testbed";
export const BOOTED_BY_ENTRY = "v4v_testbed";

/** What runs on a host; an empty build id means a kernel without Xen. */
export interface RunningXen {
  version: string;
  /** dom0's boot id: whatever lives in dom0's memory is new when this is. */
  bootId: string;
  runningBuildId: string;
  runningCommandLine: string;
}

export const CUSTOM_CFG = "/boot/grub/custom.cfg";

/** For a host's shell; {@link parseProbe} reads what it prints. */
export const PROBE = `
cat /proc/sys/kernel/random/boot_id
if [ -e /proc/xen/capabilities ] && grep -q control_d /proc/xen/capabilities && xl info >/run/v4v-xl-info 2>/dev/null; then
  sed -n 's/^build_id *: //p' /run/v4v-xl-info
  sed -n 's/^xen_version *: //p' /run/v4v-xl-info
  sed -n 's/^xen_commandline *: //p' /run/v4v-xl-info
fi`;

export function parseProbe(output: string): RunningXen {
  const [bootId = "", runningBuildId = "", version = "", runningCommandLine = ""] =
    output.split("\n");
  return { bootId, runningBuildId, version, runningCommandLine };
}

export function runs(state: Partial<RunningXen>, boot: XenBoot): boolean {
  return state.runningBuildId === boot.buildId && state.runningCommandLine === boot.commandLine;
}

/** What a host boots and has booted. */
export interface XenState {
  running: RunningXen;
  /** SHA-256 of hypervisor and boot entry as they are on its disk: what the next boot will take. */
  installed: string;
  /** Whether this boot's clock has been found to be right. */
  clockIsRight: boolean;
}

const LOOK = `
cat "$1" "$2" 2>/dev/null | sha256sum | cut -d " " -f 1
[ -e "$3" ] && echo right || echo unknown
${PROBE}`;

/** Asks a host in one exchange. */
export async function lookAtXen(remote: Remote, boot: XenBoot): Promise<XenState> {
  const said = await remote.run(
    "asking which hypervisor runs",
    LOOK,
    boot.imagePath,
    CUSTOM_CFG,
    RIGHT,
  );
  const [installed = "", clock, ...probe] = said.split("\n");
  return { running: parseProbe(probe.join("\n")), installed, clockIsRight: clock === "right" };
}

/** Puts hypervisor and boot entry in place; the next boot is theirs. */
export async function install(remote: Remote, boot: XenBoot): Promise<void> {
  await remote.place([
    { path: boot.imagePath, source: boot.image, mode: 0o644 },
    { path: CUSTOM_CFG, content: boot.bootEntry, mode: 0o644 },
  ]);
}
