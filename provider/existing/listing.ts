/**
 * Shell function that prints what a host has: packages, files with digests in the folders that an administrator or a package
 * writes to, GRUB's variables, network links. Two listings that are equal mean that nothing of it was changed. What changes
 * by itself, or with each change of packages, is left out, and so is a variable of GRUB's that is empty, which is to it as none; so are contents that are not for other eyes: only digests are kept.
 */
export const LISTING = `
listing() (
  PATH=$PATH:/usr/sbin:/sbin
  dpkg-query -W -f '\${db:Status-Abbrev}\${Package} \${Version}\\n' | sed 's/^/package /'
  apt-mark showmanual | sed 's/^/manual /'
  grub-editenv /boot/grub/grubenv list 2>/dev/null | sed -n 's/^[^=]*=./grub &/p'
  ip -o link | sed -n 's/^[0-9]*: \\([^:@]*\\).*/link \\1/p' | grep -v '^link vif'
  set -- /etc/ /boot/ /usr/local/ /var/lib/v4v-testbed/ /lib/modules/*/updates/
  find "$@" -xdev -type f -print0 2>/dev/null | xargs -0 -r sha256sum | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)/file \\2 \\1/'
  # Not every host has all of them, and one that is missing is no reason to end here.
  find "$@" -xdev -type l -printf 'file %p -> %l\\n' 2>/dev/null || :
  find "$@" -xdev -type d -printf 'file %p/\\n' 2>/dev/null || :
)
ignored='^/etc/(mtab|resolv[.]conf|adjtime|ld[.]so[.]cache|[.]pwd[.]lock|[a-z]+-)$|^/boot/grub/grubenv$|/modules[.][a-z.]*$'
listed() { listing | awk -v ignored="$ignored" '$1 != "file" || $2 !~ ignored' | LC_ALL=C sort; }
`;

/** Of a comparison by diff(1): what is there now and was not, and the other way round, a line each. */
export function differences(diff: string): string[] {
  return diff
    .split("\n")
    .filter((line) => /^[<>] /.test(line))
    .map((line) => `${line.startsWith(">") ? "now" : "before"}: ${line.slice(2)}`);
}
