# The guest kernel module, for the kernel whose headers the build root holds.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

cp -a "$SRC/kernel/linux" source
cp "$SRC/kernel/include/v4v.h" source/
release=$(cat "$DEP_BUILDROOT/facts/kernel-release")
in_root "$DEP_BUILDROOT/root" make -s -C "/usr/lib/modules/$release/build" M=/build/source KCFLAGS="-Werror -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers" modules >&2
in_root "$DEP_BUILDROOT/root" strip --strip-debug -o v4v.ko source/v4v.ko
cp v4v.ko "$OUT/v4v.ko"
echo "$release" >"$OUT/facts/kernel-release"
sha256sum <"$OUT/v4v.ko" | cut -d ' ' -f 1 >"$OUT/facts/sha256"
in_root "$DEP_BUILDROOT/root" modinfo -F srcversion source/v4v.ko >"$OUT/facts/srcversion"
