# An archive that stands for one of rCUDA (tests/rcuda-double). Nothing of the testbed needs it: the end-to-end test does.
. "$SRC/recipes/lib.sh"

cp -a "$SRC/tests/rcuda-double" source
in_root "$DEP_BUILDROOT/root" make -s -C source O=/build/out all >&2
cp out/rcuda.tar.gz "$OUT/rcuda.tar.gz"
