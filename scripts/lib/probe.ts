import { quote } from "../../provider/ssh/quote.ts";

/** Seconds after which a host that says nothing is given up; with a login to each domU it may take longer. */
export const PROBE_SECONDS = { quick: 20, deep: 120 };

/**
 * For dom0's bash, in one go and with few processes: under emulation a login takes more than a second, each process a
 * twentieth. {@link parseProbe} reads what it prints, lines in any order. A domU's SSH counts as answering if it greets;
 * only a login, of which dom0's CPU does one a second, tells its module (`deep`).
 */
export const PROBE = `
export LC_ALL=C
greet() {
  while read -r key address rest; do [ "$key" != HostName ] || break; done <"$2/ssh_config"
  exec 3<>"/dev/tcp/$address/22" && read -r -t 5 line <&3 && [[ $line == SSH-* ]] && echo "guest $1 greets"
}
login() {
  module=$(timeout 10 ssh -F /etc/v4v-testbed/ssh_config -o ConnectTimeout=8 "$1" 'cat /sys/module/v4v/srcversion 2>/dev/null || echo none' </dev/null) &&
    echo "guest $1 $module"
}
guests=()
for own in /var/lib/v4v-testbed/domains/*/; do
  [ -d "$own" ] || continue
  own=\${own%/}
  if [ "$1" = deep ]; then login "\${own##*/}" 2>/dev/null & else greet "\${own##*/}" "$own" 2>/dev/null & fi
  guests+=($!)
  [ "$1" != deep ] || [ $((\${#guests[@]} % 4)) -ne 0 ] || wait
done
# A domU that is not there would keep its greeter for minutes.
if [ "$1" != deep ] && [ \${#guests[@]} -gt 0 ]; then
  (sleep 6; kill "\${guests[@]}") >/dev/null 2>&1 &
  guard=$!
fi
read -r up rest </proc/uptime
echo "uptime $up"
while read -r key value rest; do
  case $key in MemTotal: | MemAvailable:) echo "memory \${key%:} $value" ;; esac
done </proc/meminfo
module=none
[ ! -r /sys/module/v4v/srcversion ] || read -r module </sys/module/v4v/srcversion
echo "module $module"
# Not /sys/hypervisor: the build id there is raw bytes, or text, as the kernel's version has it.
info=$(timeout 10 xl info 2>/dev/null)
while read -r key colon value; do
  case $key in xen_version) version=$value ;; build_id) build=$value ;; esac
done <<<"$info"
if [ -n "$version" ]; then
  echo "xen $version $build"
  list=$(timeout 10 xl list)
  while read -r line; do echo "domain $line"; done <<<"$list"
fi
[ \${#guests[@]} -eq 0 ] || wait "\${guests[@]}" 2>/dev/null
[ -z "$guard" ] || kill "$guard"
echo end`;

/** What the login shell of a host is given. */
export function probeCommand(deep: boolean): string {
  return `exec bash -c ${quote(PROBE)} probe ${deep ? "deep" : "quick"}`;
}

export type DomainState = "running" | "paused" | "shutdown" | "crashed" | "dying";

export interface SeenDomain {
  name: string;
  domid: number;
  memoryMiB: number;
  state: DomainState;
}

/** What dom0 said. */
export interface HostProbe {
  uptimeSeconds: number;
  memoryMiB: number;
  availableMiB: number;
  /** srcversion of the loaded V4V module. */
  module: string | undefined;
  /** Absent on a kernel without Xen. */
  xen?: { version: string; buildId: string };
  /** Without dom0. */
  domains: SeenDomain[];
  /** By name, if SSH answers: srcversion of the loaded module or `none`; `greets` if that was not asked. */
  guests: Map<string, string>;
  /** dom0 came to the end of its list. */
  complete: boolean;
}

/** Letters of xl list, xl(1); a domain that is neither running nor blocked is waiting for a CPU. */
function stateOf(letters: string): DomainState {
  if (letters.includes("d")) return "dying";
  if (letters.includes("c")) return "crashed";
  if (letters.includes("s")) return "shutdown";
  return letters.includes("p") ? "paused" : "running";
}

/** Reads what {@link PROBE} printed; a line that was cut short or is not known counts as not said. */
export function parseProbe(output: string): HostProbe {
  let xen: HostProbe["xen"];
  const memory = new Map<string, number>();
  const domains: SeenDomain[] = [];
  const guests = new Map<string, string>();
  let uptimeSeconds = 0;
  let module: string | undefined;
  // What follows the last line feed was cut short.
  const lines = output.split("\n").slice(0, -1);
  for (const line of lines) {
    const [kind = "", name = "", ...values] = line.trim().split(/\s+/);
    if (kind === "uptime") uptimeSeconds = Number(name);
    else if (kind === "memory") memory.set(name, Math.round(Number(values[0]) / 1024));
    else if (kind === "module" && name !== "none") module = name;
    else if (kind === "xen") xen = { version: name, buildId: values[0] ?? "" };
    else if (kind === "guest" && values[0] !== undefined) guests.set(name, values[0]);
    else if (
      kind === "domain" &&
      values.length >= 4 &&
      values[0] !== "0" &&
      /^\d+$/.test(values[0] ?? "")
    ) {
      const [domid, memoryMiB, , letters = ""] = values;
      domains.push({
        name,
        domid: Number(domid),
        memoryMiB: Number(memoryMiB),
        state: stateOf(letters),
      });
    }
  }
  return {
    uptimeSeconds,
    memoryMiB: memory.get("MemTotal") ?? 0,
    availableMiB: memory.get("MemAvailable") ?? 0,
    module,
    ...(xen !== undefined && { xen }),
    domains,
    guests,
    complete: lines.at(-1) === "end",
  };
}
