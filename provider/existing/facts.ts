import type { Remote } from "../ssh/remote.ts";
import { STRANGERS_IN } from "./strangers.ts";

/** Everything about a host that the testbed needs to know before it changes anything. */
export interface HostFacts {
  uid: number;
  os: string;
  codename: string;
  architecture: string;
  machineId: string;
  /** Release of the kernel that runs. */
  kernel: string;
  /** Whether kernel and initrd of that release lie in /boot. */
  bootFiles: boolean;
  commandLine: string;
  /** systemd-detect-virt: none, kvm, qemu, xen, ... */
  virtualisation: string;
  processor: string;
  cores: number;
  system: string;
  memoryMiB: number;
  /** Memory that the host itself uses now. */
  usedMiB: number;
  /** Free space below /var/lib and in /boot. */
  diskMiB: number;
  bootMiB: number;
  secureBoot: boolean;
  /** none, integrity or confidentiality. */
  lockdown: string;
  /** grub.cfg reads custom.cfg, and knows an entry that is chosen for one boot only. */
  customEntries: boolean;
  oneShot: boolean;
  /** What lies between GRUB and its environment block, if anything: lvm, raid; it can be read and not written through that. */
  abstraction: string;
  /** GRUB's name for the file system of that block: ext2 (which is ext3 and ext4, too), xfs, btrfs, ... */
  environment: string;
  /** File system of /boot, and the path in it. */
  bootUuid: string;
  bootPath: string;
  /** Whether this is a dom0, and of which hypervisor. */
  dom0: boolean;
  buildId: string;
  /** The host was booted by the testbed's entry. */
  ours: boolean;
  /** Names of the domUs that run and are not the testbed's. */
  domains: string[];
  /** This is a dom0 and its toolstack does not tell which domUs run. */
  silent: boolean;
  /** IOMMUs that the kernel or the firmware tells of. */
  iommu: boolean;
  /** Packages of {@link packagesFor} that are not installed. */
  missingPackages: string[];
  /** What apt says when it is asked to install them without removing anything; empty: it can. */
  aptProblem: string;
  /** Packages that a module for its kernel would still need to be built there, and what apt says to them. */
  missingBuildPackages: string[];
  buildAptProblem: string;
  /** Packages of the project's own that are installed. */
  ownPackages: string[];
  /** Lines of `ip -4 route`: destination and device. */
  routes: { destination: string; device: string }[];
  /** Its own IPv4 addresses. */
  addresses: string[];
  /** sshd lets connections be forwarded. */
  forwarding: boolean;
  /** The testbed has been here before. */
  known: boolean;
}

/** Prints `name value` lines; a fact that cannot be had is empty. Reads only. */
const LOOK = `
${STRANGERS_IN}
say() { printf '%s %s\\n' "$1" "$2"; }
quietly() { "$@" 2>/dev/null || :; }
state=$1
shift
PATH=$PATH:/usr/sbin:/sbin
. /etc/os-release
say uid "$(id -u)"
say os "\${ID:-}"
say codename "\${VERSION_CODENAME:-}"
say system "\${PRETTY_NAME:-}"
say architecture "$(uname -m)"
say machineId "$(quietly cat /etc/machine-id)"
release=$(uname -r)
say kernel "$release"
[ ! -e "/boot/vmlinuz-$release" ] || [ ! -e "/boot/initrd.img-$release" ] || say bootFiles yes
say commandLine "$(cat /proc/cmdline)"
say virtualisation "$(quietly systemd-detect-virt --vm)"
say processor "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
total=$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)
say usedKiB "$((total - $(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)))"
cores=$(nproc)
if [ -e /proc/xen/capabilities ] && grep -q control_d /proc/xen/capabilities; then
  say dom0 yes
  info=$(quietly xl info)
  say buildId "$(echo "$info" | sed -n 's/^build_id *: //p')"
  # A toolstack that does not answer leaves what dom0's kernel has.
  if [ -n "$info" ]; then
    total=$(($(echo "$info" | sed -n 's/^total_memory *: //p') * 1024))
    cores=$(echo "$info" | sed -n 's/^nr_cpus *: //p')
  fi
  # sshd may answer before the toolstack does.
  patience=60
  until list=$(timeout 20 xl list 2>/dev/null); do
    case $(quietly systemctl is-system-running) in
    initializing | starting) [ "$patience" -gt 0 ] || break ;;
    *) break ;;
    esac
    patience=$((patience - 1))
    sleep 1
  done
  # Not even dom0: it has not told.
  [ -n "$list" ] || say silent yes
  for name in $(strangers "$list"); do say domain "$name"; done
fi
say memoryKiB "$total"
say cores "$cores"
say diskKiB "$(df -k --output=avail /var/lib | tail -n 1 | tr -d ' ')"
say bootKiB "$(df -k --output=avail /boot | tail -n 1 | tr -d ' ')"
sb=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
[ ! -e "$sb" ] || [ "$(od -An -t u1 -j 4 -N 1 "$sb" | tr -d ' ')" != 1 ] || say secureBoot yes
say lockdown "$(quietly sed -n 's/.*\\[\\(.*\\)\\].*/\\1/p' /sys/kernel/security/lockdown)"
grub=/boot/grub/grub.cfg
! grep -q custom.cfg "$grub" 2>/dev/null || say customEntries yes
! grep -q next_entry "$grub" 2>/dev/null || say oneShot yes
say abstraction "$(quietly grub-probe --target=abstraction /boot/grub | tr -s '\\n ' ' ')"
say environment "$(quietly grub-probe --target=fs /boot/grub)"
say bootUuid "$(quietly grub-probe --target=fs_uuid /boot)"
say bootPath "$(quietly grub-mkrelpath /boot)"
! grep -qw v4v_testbed /proc/cmdline || say ours yes
[ -z "$(quietly ls /sys/class/iommu)" ] || say iommu yes
for table in DMAR IVRS; do [ ! -e "/sys/firmware/acpi/tables/$table" ] || say iommu yes; done
there() { [ "$(quietly dpkg-query -W -f '\${db:Status-Status}' "$1")" = installed ]; }
for package in v4v-sockets v4v-dom0 v4v-module-dkms; do ! there "$package" || say ownPackage "$package"; done
# absent NAME PROBLEM PACKAGE...: which are not installed, and what apt says when it is asked for them.
absent() {
  name=$1 problem=$2
  shift 2
  missing=
  for package; do
    there "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  for package in $missing; do say "$name" "$package"; done
  said=$(apt-get install --simulate --quiet --quiet --no-install-recommends --no-remove $missing 2>&1) ||
    say "$problem" "$(echo "$said" | grep '^E:' | head -n 3 | tr '\\n' ' ')"
}
# An installation of the testbed's whose login was cut off goes on, and in the middle of it nothing can be said.
[ ! -e "$state/packages.lock" ] || quietly flock -w 600 "$state/packages.lock" true
absent missing aptProblem "$@"
absent missingBuild buildAptProblem "linux-headers-$release" gcc make
quietly ip -4 route show table all type unicast | while read -r destination rest; do
  device=\${rest#*dev }
  say route "$destination \${device%% *}"
done
quietly ip -4 -o address show | sed -n 's/.* inet \\([0-9.]*\\).*/\\1/p' | while read -r address; do say address "$address"; done
quietly sshd -T | grep -qi '^allowtcpforwarding \\(yes\\|local\\)' && say forwarding yes
[ ! -e "$state" ] || say known yes
`;

/** Asks a host; nothing on it is changed. */
export async function lookAtHost(
  remote: Remote,
  state: string,
  packages: readonly string[],
): Promise<HostFacts> {
  return parseFacts(await remote.run("looking at the host", LOOK, state, ...packages));
}

const mib = (kib: string) => Math.floor(Number(kib) / 1024);

export function parseFacts(printed: string): HostFacts {
  const lines = printed.split("\n").map((line): [string, string] => {
    const blank = line.indexOf(" ");
    return [line.slice(0, blank), line.slice(blank + 1).trim()];
  });
  const all = (name: string) => lines.filter(([is]) => is === name).map(([, value]) => value);
  const one = (name: string) => all(name)[0] ?? "";
  const yes = (name: string) => all(name).includes("yes");
  return {
    uid: Number(one("uid")),
    os: one("os"),
    codename: one("codename"),
    architecture: one("architecture"),
    machineId: one("machineId"),
    kernel: one("kernel"),
    bootFiles: yes("bootFiles"),
    commandLine: one("commandLine"),
    virtualisation: one("virtualisation") || "none",
    processor: one("processor") || "unknown",
    cores: Number(one("cores")),
    system: one("system"),
    memoryMiB: mib(one("memoryKiB")),
    usedMiB: mib(one("usedKiB")),
    diskMiB: mib(one("diskKiB")),
    bootMiB: mib(one("bootKiB")),
    secureBoot: yes("secureBoot"),
    lockdown: one("lockdown") || "none",
    customEntries: yes("customEntries"),
    oneShot: yes("oneShot"),
    abstraction: one("abstraction"),
    environment: one("environment"),
    bootUuid: one("bootUuid"),
    bootPath: one("bootPath"),
    dom0: yes("dom0"),
    buildId: one("buildId"),
    ours: yes("ours"),
    domains: all("domain"),
    silent: yes("silent"),
    iommu: yes("iommu"),
    missingPackages: all("missing"),
    aptProblem: one("aptProblem"),
    missingBuildPackages: all("missingBuild"),
    buildAptProblem: one("buildAptProblem"),
    ownPackages: all("ownPackage"),
    routes: all("route").map((text) => {
      const [destination = "", device = ""] = text.split(" ");
      return { destination, device };
    }),
    addresses: all("address"),
    forwarding: yes("forwarding"),
    known: yes("known"),
  };
}
