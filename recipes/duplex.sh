# duplex (tests/duplex), the program at both ends of a connection that is busy both ways. Nothing of the testbed needs
# it: the end-to-end test does.
. "$SRC/recipes/lib.sh"

cp -a "$SRC/tests/duplex" source
in_root "$DEP_BUILDROOT/root" make -s -C source O=/build/out all >&2
cp out/duplex "$OUT/duplex"
