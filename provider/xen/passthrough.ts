import { DEVICE_MODEL } from "./guestType.ts";

/** Which functions of a host's PCI devices a domU can be given; a judgement over what dom0 tells, and nothing more. */

/** One function of a device, as dom0 sees it. */
export interface PciFunction {
  /** Domain, bus, device and function: 0000:01:00.0. */
  address: string;
  /** Class, subclass and programming interface, 24 bits. */
  classCode: number;
  vendor: number;
  device: number;
  /** Driver that has it. */
  driver?: string;
  /** The firmware showed its screens on it, and dom0 may. */
  bootDisplay: boolean;
  /** The kernel knows a way to reset it. */
  resettable: boolean;
  /** Programs in dom0 that have it open. */
  users: string[];
  /** Domain that it is assigned to. */
  owner?: string;
}

export interface PciHost {
  /** The hypervisor keeps the devices that a domain has to that domain's memory. */
  iommu: boolean;
  /** It runs fully virtual domains. */
  hvm: boolean;
  /** dom0 has the program that emulates their machine. */
  deviceModel: boolean;
  functions: PciFunction[];
}

export interface Judgement {
  /** Every function that the domU gets; empty if there is none to take. */
  take: PciFunction[];
  /** Sentences; with one, nothing may be taken. */
  problems: string[];
  warnings: string[];
}

/** What holds a device for domUs in dom0. */
export const PCIBACK = "pciback";

const baseClass = (one: PciFunction) => one.classCode >> 16;
const DISPLAY = 0x03;
const BRIDGE = 0x06;

/** What a graphics card has beside its GPU: sound, USB and the controller of its sockets. */
const COMPANIONS = [0x03, 0x04, 0x0c];

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

function named(one: PciFunction): string {
  return `${one.address} (${hex(one.vendor, 4)}:${hex(one.device, 4)}, class ${hex(one.classCode >> 8, 4)})`;
}

const list = (functions: PciFunction[]) => functions.map(named).join(", ");

/** All functions of the device that an address belongs to. */
function deviceOf(host: PciHost, address: string): PciFunction[] {
  const device = address.slice(0, address.indexOf("."));
  return host.functions.filter((one) => one.address.startsWith(`${device}.`));
}

/** What keeps one function from being taken. */
function obstacles(one: PciFunction, forDomain: string): string[] {
  const { address } = one;
  const found: string[] = [];
  if (one.owner !== undefined && one.owner !== forDomain)
    found.push(
      `${address} is assigned to the domain ${one.owner}; end that domain or name another device`,
    );
  if (one.bootDisplay)
    found.push(
      `${address} is dom0's own display; choose another one as the primary display in the firmware's set-up`,
    );
  if (one.users.length > 0)
    found.push(
      `${address} is in use in dom0 by ${one.users.join(", ")} (driver ${one.driver ?? "none"}); end that first`,
    );
  return found;
}

/**
 * What to take when a device is asked for.
 *
 * @param wanted address of one of its functions, or `auto` for the only display device that is not dom0's
 * @param forDomain the domU that is to have it, whose having it already is no obstacle
 */
export function judge(host: PciHost, wanted: string, forDomain: string): Judgement {
  const displays = host.functions.filter((one) => baseClass(one) === DISPLAY);
  const problems: string[] = [];
  let address = wanted;
  if (wanted === "auto") {
    const suitable = displays.filter((one) => obstacles(one, forDomain).length === 0);
    const devices = new Set(suitable.map((one) => one.address.split(".")[0]));
    if (devices.size > 1)
      return {
        take: [],
        problems: [`there are several devices to choose from, name one: ${list(suitable)}`],
        warnings: [],
      };
    const [only] = suitable;
    // Why not, for whoever sees a device and is told that there is none.
    if (only === undefined) {
      const warnings = displays.flatMap((one) => obstacles(one, forDomain));
      return { take: [], problems: [], warnings };
    }
    address = only.address;
  }

  if (!host.iommu)
    problems.push(
      "the hypervisor uses no IOMMU, so a device could write to any memory (xl info shows no directio): " +
        "switch VT-d or AMD-Vi on in the firmware's set-up, and have no iommu=off in xen.options",
    );
  const take = deviceOf(host, address);
  const itself = take.find((one) => one.address === address);
  if (itself === undefined) {
    problems.push(
      `there is no PCI device ${address}; display devices here: ${displays.length === 0 ? "none" : list(displays)}`,
    );
    return { take: [], problems, warnings: [] };
  }
  if (baseClass(itself) === BRIDGE) problems.push(`${named(itself)} is a bridge, not a device`);
  else {
    const foreign = take.filter((one) => one !== itself && !COMPANIONS.includes(baseClass(one)));
    if (foreign.length > 0)
      problems.push(
        `${address} is one function of a device whose others are something else: ${list(foreign)}; ` +
          `a domU gets a device as a whole`,
      );
  }
  for (const one of take) problems.push(...obstacles(one, forDomain));
  const stuck = take.filter((one) => !one.resettable);
  const warnings = stuck.map(
    ({ address: one }) =>
      `dom0 knows no way to reset ${one}: what one domU leaves in it, the next one finds`,
  );
  return problems.length > 0 ? { take: [], problems, warnings } : { take, problems, warnings };
}

/**
 * For dom0's shell, with the sysfs to look at as $1: a line `virt_caps ...`, a line `device_model` if dom0 has one, a line `owner ADDRESS DOMAIN` for each
 * assigned function, and a line per function of tab-separated fields.
 */
export const LOOK_AT_PCI = `
sys=$1
[ ! -x ${DEVICE_MODEL} ] || echo device_model
echo "virt_caps $(xl info | sed -n 's/^virt_caps *: *//p')"
xenstore-ls -f /local/domain/0/backend/pci 2>/dev/null |
  sed -n 's|^/local/domain/0/backend/pci/\\([0-9]*\\)/[0-9]*/dev-[0-9]* = "\\(.*\\)"$|\\1 \\2|p' |
  while read -r domid address; do echo "owner $address $(xl domname "$domid" || echo "$domid")"; done
for folder in "$sys"/bus/pci/devices/*; do
  [ -e "$folder/class" ] || continue
  driver=; [ ! -e "$folder/driver" ] || driver=$(basename "$(readlink "$folder/driver")")
  reset=; [ ! -e "$folder/reset" ] || reset=$(cat "$folder/reset_method" 2>/dev/null || echo unknown)
  users=
  for node in "$folder"/drm/card* "$folder"/drm/renderD*; do
    [ -e "$node" ] || continue
    users="$users $(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v node="/dev/dri/$(basename "$node")" '
      /^\\/proc\\// { split($0, part, "/"); pid = part[3] } $NF == node { print pid }' | sort -u | tr '\\n' ' ')"
  done
  for port in "$folder"/net/* "$folder"/virtio*/net/*; do
    [ -e "$port" ] && [ "$(cat "$port/operstate" 2>/dev/null)" = up ] || continue
    users="$users interface-$(basename "$port")"
  done
  # A disk that dom0 has is taken for one that it uses.
  for disk in $(find "$folder/" -type d -path '*/block/*' -prune); do users="$users disk-$(basename "$disk")"; done
  names=
  for user in $users; do
    case $user in
    interface-* | disk-*) names="$names $user" ;;
    *) names="$names $(cat "/proc/$user/comm" 2>/dev/null || echo process)-$user" ;;
    esac
  done
  printf 'function\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$(basename "$folder")" "$(cat "$folder/class")" \\
    "$(cat "$folder/vendor")" "$(cat "$folder/device")" "$driver" "$(cat "$folder/boot_vga" 2>/dev/null || echo 0)" \\
    "$reset" "$names"
done`;

/** What {@link LOOK_AT_PCI} printed. */
export function parsePci(text: string): PciHost {
  const lines = text.split("\n");
  const owners = new Map<string, string>();
  for (const line of lines) {
    const [, address, domain] = /^owner (\S+) (.+)$/.exec(line) ?? [];
    if (address !== undefined && domain !== undefined) owners.set(address, domain);
  }
  const functions = lines
    .filter((line) => line.startsWith("function\t"))
    .map((line): PciFunction => {
      const [, address = "", code, vendor, device, driver = "", boot, reset = "", users = ""] =
        line.split("\t");
      const owner = owners.get(address);
      return {
        address,
        classCode: Number(code),
        vendor: Number(vendor),
        device: Number(device),
        ...(driver !== "" && { driver }),
        bootDisplay: boot === "1",
        resettable: reset !== "",
        users: users.split(" ").filter((user) => user !== ""),
        ...(owner !== undefined && { owner }),
      };
    });
  const capabilities = lines.find((line) => line.startsWith("virt_caps ")) ?? "";
  return {
    iommu: /\b(hvm|pv)_directio\b/.test(capabilities),
    hvm: capabilities.split(" ").includes("hvm"),
    deviceModel: lines.includes("device_model"),
    functions,
  };
}
