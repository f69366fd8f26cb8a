/**
 * For a host's shell: `dpkg_alone ARGUMENT...` is dpkg(1), one after the other, as who was interrupted may have left his running,
 * and when apt has let go: dpkg does not wait for apt, which may be the host's own that is upgrading. Without fsync: what a crash
 * breaks is seen.
 */
export const DPKG = `
export LC_ALL=C
dpkg_alone() {
  tries=0
  while :; do
    code=0
    said=$(flock -w 300 /var/lib/dpkg dpkg --force-unsafe-io "$@" </dev/null 2>&1) || code=$?
    case $code-$said in
    0-*) break ;;
    *"lock was locked by another process"*) [ "$tries" -lt 120 ] || break ;;
    *) break ;;
    esac
    tries=$((tries + 1))
    sleep 2
  done
  printf '%s\\n' "$said" >&2
  return "$code"
}`;
