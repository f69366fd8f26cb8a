/**
 * Shell function `strangers LIST`: of what `xl list` has printed, the names of domUs that are not the testbed's, which has a
 * unit for each of its own. One that is dying has no name any more.
 */
export const STRANGERS_IN = `
strangers() {
  for name in $(printf '%s\\n' "$1" | sed -e 1,2d -e '/^(null) /d' -e 's/ .*//'); do
    [ -L "/etc/systemd/system/multi-user.target.wants/v4v-domu@$name.service" ] || echo "$name"
  done
}`;
