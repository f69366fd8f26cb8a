import type { Remote } from "../ssh/remote.ts";

/** Read back, not taken from the settings. Programs that are not there leave their lines out. */
const CONDITIONS = `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
tell() { [ -z "$2" ] || printf '%s\\t%s\\n' "$1" "$2"; }
clock=/sys/devices/system/clocksource/clocksource0/current_clocksource
tell "Xen's scheduler" "$(xl info 2>/dev/null | sed -n 's/^xen_scheduler *: *//p')"
tell "vCPUs pinned" "$(xl vcpu-list 2>/dev/null | awk '
  NR > 1 && $0 !~ /all \\/ all *$/ { pinned = pinned " " $1 "/" $3 }
  END { if (NR > 1) print pinned == "" ? "none of " (NR - 1) : substr(pinned, 2) }')"
tell "clock source, dom0" "$(cat $clock 2>/dev/null || :)"
tell "clock source, $1" "$(timeout 20 ssh -F /etc/v4v-testbed/ssh_config "$1" cat $clock 2>/dev/null </dev/null || :)"
`;

/** What the domains ran under: scheduler, pinning, clocks; of the domUs the clock of the one named. */
export async function conditionsOf(remote: Remote, domU: string): Promise<Record<string, string>> {
  const told = await remote.run("reading scheduler and clocks", CONDITIONS, domU);
  return Object.fromEntries(
    told
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const [name = "", value = ""] = line.split("\t");
        return [name, value];
      }),
  );
}
