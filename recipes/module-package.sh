# The module as a Debian package for DKMS: for hosts and domUs with a kernel and a compiler of their own, which the testbed's
# are not. Parameter: VERSION.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"
. "$SRC/recipes/debian/package.sh"

module=v4v-module-dkms/usr/src/v4v-$VERSION
mkdir -p "$module" v4v-module-dkms/usr/lib/modprobe.d v4v-module-dkms/usr/lib/systemd/system
cp "$SRC"/kernel/linux/*.[ch] "$SRC/kernel/linux/Kbuild" "$SRC/kernel/linux/Makefile" "$SRC/kernel/include/v4v.h" "$module/"
sed "s/@VERSION@/$VERSION/g" "$parts/v4v-module-dkms/dkms.conf" >"$module/dkms.conf"
cp "$SRC/dom0/v4v.modprobe" v4v-module-dkms/usr/lib/modprobe.d/v4v.conf
cp "$parts/v4v-module-dkms/v4v.service" v4v-module-dkms/usr/lib/systemd/system/
copyright v4v-module-dkms "$SRC/LICENSES/GPL-2.0.txt"
package v4v-module-dkms all "dkms (>= 3), kmod, init-system-helpers"

# What DKMS will do on the user's machine, with the headers that are here: a package whose sources do not build is none.
release=$(cat "$DEP_BUILDROOT/facts/kernel-release")
cp -a "$module" unpacked
in_root "$DEP_BUILDROOT/root" make -s -C "/usr/lib/modules/$release/build" M=/build/unpacked modules >&2
[ -s unpacked/v4v.ko ] || die "the sources in v4v-module-dkms build no v4v.ko"
