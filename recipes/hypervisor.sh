# The hypervisor: the distribution's source, our new files and patch series (kernel/xen), built in the build root.
# Parameters: V4V (y or n), DEBUG (y: with assertions), XSM (y: with silo and flask to choose from at boot).
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

cp -a "$DEP_XEN_SOURCE/source" source
cp -a "$SRC/kernel/xen/config" config
[ "${DEBUG:-n}" = n ] || sed -i 's/^# CONFIG_DEBUG is not set$/CONFIG_DEBUG=y/' config
if [ "${XSM:-n}" = y ]; then
	# With the example policy built in. Without xsm= at boot all is as without XSM.
	for option in XSM XSM_FLASK XSM_FLASK_POLICY XSM_SILO XSM_DUMMY_DEFAULT; do
		echo "CONFIG_$option=y" >>config
	done
fi
if [ "$V4V" = y ]; then
	for patch in "$SRC"/kernel/xen/patches/*.patch; do
		patch -d source -s -p1 --no-backup-if-mismatch <"$patch" >&2 || die "$(basename "$patch") does not apply"
	done
	cp -a "$SRC/kernel/xen/new/." source/
	cp "$SRC/kernel/include/v4v.h" source/xen/include/public/v4v.h
	echo CONFIG_V4V=y >>config
fi
# The same inputs give the same bytes, and so the same build id.
date=$(sed -n 's/^Date: //p' "$DEP_INDEX/facts/release-date" | head -n 1)
in_root "$DEP_BUILDROOT/root" sh -eu -c '
	cd source/xen
	export XEN_BUILD_DATE="$1" XEN_BUILD_TIME= XEN_BUILD_HOST=v4v-testbed XEN_DOMAIN=v4v-testbed XEN_WHOAMI=v4v
	# Each build starts from a fresh tree and takes what has not changed from the compiler cache: an edit costs seconds.
	make -s CC="ccache gcc" KCONFIG_ALLCONFIG=/build/config alldefconfig
	make -s CC="ccache gcc" -j"$(nproc)" build
	readelf -n xen-syms | sed -n "s/.*Build ID: //p" >/build/build-id
' sh "$date" >&2
# Kconfig drops what it does not know or cannot grant without a word.
while read -r line; do
	grep -qxF "$line" source/xen/.config || die "the hypervisor was not built with $line"
done <config
cp source/xen/xen.gz "$OUT/xen.gz"
cp source/xen/.config "$OUT/config"
cp source/xen/xen-syms.map "$OUT/"
cp build-id "$OUT/facts/build-id"
[ -s "$OUT/facts/build-id" ] || die "the hypervisor has no build id"
sha256sum <"$OUT/xen.gz" | cut -d ' ' -f 1 >"$OUT/facts/sha256"
