# Xen's part as a series that can be sent: each patch of kernel/xen/patches with the new files that it brings, as
# `git format-patch` writes it, and each commit built. Only the full tests need it. Needs git on the controller.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts" "$OUT/series"

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=v4v GIT_AUTHOR_EMAIL=v4v@localhost GIT_COMMITTER_NAME=v4v GIT_COMMITTER_EMAIL=v4v@localhost
cp -a "$DEP_XEN_SOURCE/source" source
chmod -R u+w source
git -C source init -q -b series
git -C source add -Af .
git -C source commit -qm 'source as distributed'
git -C source tag base

# bring NUMBER: the new files that the patch of that number needs; the last one brings all that is left.
bring() {
	case $1 in
	0001) cp "$SRC/kernel/include/v4v.h" source/xen/include/public/v4v.h ;;
	0002) ;;
	0003) cp -a "$SRC/kernel/xen/new/." source/ ;;
	*) die "say in recipes/xen-series.sh which new files patch $1 brings" ;;
	esac
}
# change FILE: what a patch changes, with the summary before it.
change() { sed -n '/^---$/,$p' "$1"; }
for patch in "$SRC"/kernel/xen/patches/*.patch; do
	name=$(basename "$patch")
	git -C source am -q "$patch" >&2 || die "$name is no patch that git can apply"
	git -C source format-patch -q --zero-commit --no-signature --stdout -1 >written.patch
	[ "$(change written.patch)" = "$(change "$patch")" ] || die "$name is not as git format-patch writes it"
	bring "${name%%-*}"
	git -C source add -Af .
	git -C source commit -q --amend --no-edit
done
git -C source format-patch -q --zero-commit --no-signature -o "$OUT/series" base
cmp -s "$SRC/kernel/include/v4v.h" source/xen/include/public/v4v.h && diff -r "$SRC/kernel/xen/new/xen/common/v4v" source/xen/common/v4v >&2 ||
	die "the series does not end in the files of kernel/xen"

date=$(sed -n 's/^Date: //p' "$DEP_INDEX/facts/release-date" | head -n 1)
cp "$SRC/kernel/xen/config" off
{
	sed 's/^# CONFIG_DEBUG is not set$/CONFIG_DEBUG=y/' off
	for option in XSM XSM_FLASK XSM_FLASK_POLICY XSM_SILO XSM_DUMMY_DEFAULT V4V; do echo "CONFIG_$option=y"; done
} >on

# build COMMIT CONFIG: from a tree of its own; what the compiler says about it is an error.
build() {
	rm -rf tree
	mkdir tree
	git -C source archive "$1" | tar -x -C tree
	in_root "$DEP_BUILDROOT/root" sh -eu -c '
		cd tree/xen
		export XEN_BUILD_DATE="$1" XEN_BUILD_TIME= XEN_BUILD_HOST=v4v-testbed XEN_DOMAIN=v4v-testbed XEN_WHOAMI=v4v
		make -s CC="ccache gcc" KCONFIG_ALLCONFIG=/build/"$2" alldefconfig
		make -s CC="ccache gcc" -j"$(nproc)" build
	' sh "$date" "$2" >build.log 2>&1 || { cat build.log >&2; return 1; }
	if grep -i 'warning:' build.log >&2; then return 1; fi
	[ -s tree/xen/xen.gz ]
}
for commit in $(git -C source rev-list --reverse base..series); do
	subject=$(git -C source log -1 --format=%s "$commit")
	for config in off on; do
		build "$commit" "$config" || die "\"$subject\" does not build with everything $config"
		say "builds with everything $config: $subject"
		echo "$config: $subject" >>"$OUT/facts/built"
	done
done
# The last of them is all that this is about: not built without it for want of an option.
for option in XSM_FLASK_POLICY XSM_SILO V4V DEBUG; do
	grep -qx "CONFIG_$option=y" tree/xen/.config || die "the last commit was not built with CONFIG_$option"
done

# ask LINES: answers of checkpolicy's own menu about the example policy that was built in.
ask() { printf '%s\n' "$@" q | in_root "$DEP_BUILDROOT/root" checkpolicy -d -t Xen tree/xen/xsm/flask/policy.conf 2>&1; }
# expect SOURCE TARGET PERMISSIONS: what class v4v allows, as Xen will compute it.
expect() {
	allowed=$(ask 2 "system_u:system_r:$1" 2 "system_u:system_r:$2" 0 "$(sid_of "$1" "$1" "$2")" "$(sid_of "$2" "$1" "$2")" v4v |
		sed -n 's/^allowed { \(.*\)}$/\1/p')
	[ "${allowed% }" = "$3" ] || die "the policy allows $1 on $2 \"${allowed% }\" instead of \"$3\""
}
# sid_of DOMAIN FIRST SECOND: its number when contexts are asked for in this order.
sid_of() {
	ask 2 "system_u:system_r:$2" 2 "system_u:system_r:$3" 2 "system_u:system_r:$1" | sed -n 's/^sid \([0-9]*\)$/\1/p' | tail -n 1
}
expect domU_t domU_t 'register_single send'
expect domU_t dom0_t 'register_single send'
expect isolated_domU_t dom0_t 'register_single send'
expect dom0_t isolated_domU_t 'register_single send'
expect isolated_domU_t isolated_domU_t ''
expect domU_t isolated_domU_t ''
expect isolated_domU_t domU_t ''
expect domU_t xen_t register_any
expect dom0_t xen_t 'register_any list_rules change_rules'
ls "$OUT/series" | wc -l >"$OUT/facts/patches"
