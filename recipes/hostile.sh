# The hostile domU's kernel module (tests/hostile), for the kernel whose headers the build root holds. Nothing of the
# testbed needs it: the end-to-end test does.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

cp -a "$SRC/tests/hostile" source
cp "$SRC/kernel/include/v4v.h" "$SRC/kernel/linux/hypercall.h" source/
release=$(cat "$DEP_BUILDROOT/facts/kernel-release")
in_root "$DEP_BUILDROOT/root" make -s -C "/usr/lib/modules/$release/build" M=/build/source KCFLAGS="-Werror -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers" modules >&2
in_root "$DEP_BUILDROOT/root" strip --strip-debug -o v4v_hostile.ko source/v4v_hostile.ko
cp v4v_hostile.ko "$OUT/v4v_hostile.ko"
echo "$release" >"$OUT/facts/kernel-release"
