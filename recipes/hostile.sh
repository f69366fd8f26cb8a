# The kernel modules of hostile domUs (tests/hostile), for the kernel whose headers the build root holds. Nothing of the
# testbed needs them: the end-to-end tests do.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

cp -a "$SRC/tests/hostile" source
cp "$SRC/kernel/include/v4v.h" "$SRC/kernel/linux/hypercall.h" source/
release=$(cat "$DEP_BUILDROOT/facts/kernel-release")
in_root "$DEP_BUILDROOT/root" make -s -C "/usr/lib/modules/$release/build" M=/build/source KCFLAGS="-Werror -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers" modules >&2
for module in v4v_hostile.ko v4v_say.ko; do
	in_root "$DEP_BUILDROOT/root" strip --strip-debug -o "$module" "source/$module"
	cp "$module" "$OUT/$module"
done
echo "$release" >"$OUT/facts/kernel-release"
