# The socket layer for dom0 and the domUs: v4vd and viptables, and what lets programs use V4V, built for their release.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

mkdir -p source/kernel
cp -a "$SRC/sockets" source/
cp -a "$SRC/kernel/include" source/kernel/
in_root "$DEP_BUILDROOT/root" make -s -C source/sockets O=/build/out all >&2
in_root "$DEP_BUILDROOT/root" make -s -C source/sockets O=/build/out DESTDIR=/build/tree install >&2
mv tree/usr/local "$OUT/root"
# Not installed: what tests take to the domUs.
mkdir "$OUT/tests"
cp -a "$SRC/tests/sockets" behaviours
in_root "$DEP_BUILDROOT/root" make -s -C behaviours O=/build/out all >&2
cp out/behave out/behave-static out/storm "$OUT/tests/"
(cd "$OUT/root" && find . -type f | LC_ALL=C sort | xargs sha256sum) >"$OUT/facts/sha256sums"
