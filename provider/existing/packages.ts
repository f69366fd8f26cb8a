import type { Context } from "../resource.ts";
import type { Remote } from "../ssh/remote.ts";
import { DPKG } from "./dpkg.ts";

/** What dom0 needs beside a plain Debian: Xen's tools, and what dom0/domu and make-initrd call. */
export const PACKAGES = [
  "xen-utils-4.20",
  "xenstore-utils",
  "cpio",
  "xz-utils",
  // debugfs, for make-initrd-of-image.
  "e2fsprogs",
  "zstd",
  "kmod",
  "iproute2",
  "openssh-client",
];

/** What passing a device through takes. */
export const GPU_PACKAGES = ["pciutils"];

/** The device model of an HVM domU. */
export const HVM_PACKAGES = ["qemu-system-xen"];

/**
 * `note` adds to packages.added what apt has brought: what is there and was not in packages.before, of what apt meant to bring
 * (packages.planned), as others install meanwhile, too. Who was interrupted in the middle finds both lists again and loses nothing.
 * One at a time, and none as long as an apt runs whose login was cut off: it has the lock from its script.
 */
const NOTE = `${DPKG}
state=$1
shift
export DEBIAN_FRONTEND=noninteractive
alone() {
  exec 9>>"$state/packages.lock"
  flock -w 600 9 || { echo "another installation of the testbed's is still running" >&2; exit 1; }
}
# Half installed is there, too.
packages() { dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\\n' | sed -n 's/^.[^nc]. //p' | LC_ALL=C sort -u; }
note() {
  [ -e "$state/packages.before" ] || return 0
  : >>"$state/packages.planned"
  packages | LC_ALL=C comm -13 "$state/packages.before" - | LC_ALL=C comm -12 "$state/packages.planned" - >>"$state/packages.added"
  rm "$state/packages.before" "$state/packages.planned"
}`;

/** Nothing is removed for it (busybox-static would drive busybox out). */
const INSTALL = `${NOTE}
# Nothing to do, and nobody was interrupted before he had noted what came.
[ $# -gt 0 ] || [ -e "$state/packages.before" ] || exit 0
alone
dpkg_alone --configure -a 9>&-
note
[ $# -gt 0 ] || exit 0
set -- --quiet --quiet --no-install-recommends --no-remove "$@"
plan=$(apt-get install --simulate "$@")
echo "$plan" | sed -n 's/^Inst \\([^ :]*\\).*/\\1/p' | LC_ALL=C sort -u >"$state/packages.planned"
packages >"$state/packages.new"
mv "$state/packages.new" "$state/packages.before"
code=0
apt-get install --yes -o DPkg::Lock::Timeout=600 \\
  -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" >&2 || code=$?
# Also when it failed: what comes until the next attempt is not its doing.
note
exit "$code"`;

/** Installs what is missing, and notes on the host what came with it. */
export async function installPackages(
  context: Context,
  remote: Remote,
  state: string,
  packages: readonly string[],
): Promise<void> {
  const names = packages.join(", ");
  if (names !== "") context.status(`installing ${names}`);
  const what = names === "" ? "looking for an interrupted installation" : `installing ${names}`;
  await remote.run(what, INSTALL, state, ...packages);
}

/** Prints what was brought, by one who was interrupted or has failed as well. */
const ADDED = `${NOTE}
# One that still plans has no packages.before yet.
[ ! -e "$state/packages.lock" ] && [ ! -e "$state/packages.before" ] || alone
if [ -e "$state/packages.before" ]; then
  dpkg_alone --configure -a 9>&-
  note
fi
[ ! -e "$state/packages.added" ] || cat "$state/packages.added"`;

/** @returns names of the packages that the testbed has brought */
export async function addedPackages(remote: Remote, state: string): Promise<string[]> {
  const said = await remote.run("looking for packages that were added", ADDED, state);
  return [...new Set(said.split("\n").filter(Boolean))];
}

/**
 * Removes what was brought, with its configuration, as long as nothing else has come to need it. Prints what stays.
 */
const REMOVE = `${DPKG}
state=$1
export DEBIAN_FRONTEND=noninteractive
[ -e "$state/packages.added" ] || exit 0
dpkg_alone --configure -a
there=$(dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\\n' | sed -n 's/^[^ ]*  *//p' | LC_ALL=C sort)
ours=$(LC_ALL=C sort -u "$state/packages.added" | { echo "$there" >"$state/packages.there"; LC_ALL=C comm -12 - "$state/packages.there"; })
rm -f "$state/packages.there"
[ -n "$ours" ] || exit 0
others=$(apt-get purge --simulate --allow-remove-essential $ours | sed -n 's/^\\(Purg\\|Remv\\) \\([^ :]*\\).*/\\2/p' | LC_ALL=C sort -u | { echo "$ours" >"$state/ours"; LC_ALL=C comm -23 - "$state/ours"; })
rm -f "$state/ours"
if [ -n "$others" ]; then
  echo "$others"
  exit 0
fi
# Some are essential in dpkg's eyes (e2fsprogs), though the host was without them.
apt-get purge --yes --quiet --quiet --allow-remove-essential -o DPkg::Lock::Timeout=600 $ours >&2
rm "$state/packages.added"`;

/** @returns names of the host's own packages that need what was brought, which stays then */
export async function removePackages(remote: Remote, state: string): Promise<string[]> {
  const said = await remote.run("removing the packages that were added", REMOVE, state);
  return said.split("\n").filter(Boolean);
}
