# The socket layer, built for the domains' release, as Debian packages: v4v-dom0 has v4vd and viptables, v4v-sockets what
# lets programs use V4V in dom0 and domUs. Parameter: VERSION.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"
. "$SRC/recipes/debian/package.sh"

mkdir -p source/kernel
cp -a "$SRC/sockets" source/
cp -a "$SRC/kernel/include" source/kernel/
in_root "$DEP_BUILDROOT/root" make -s -C source/sockets O=/build/out all >&2
in_root "$DEP_BUILDROOT/root" make -s -C source/sockets O=/build/out DESTDIR=/build/tree PREFIX=/usr install >&2
# The programs say at run time what they are; debugging symbols would be most of a package.
in_root "$DEP_BUILDROOT/root" sh -c 'find tree -type f -exec strip {} +'
(cd tree && find usr -type f | LC_ALL=C sort | xargs sha256sum) >"$OUT/facts/sha256sums"

mkdir -p v4v-sockets/usr v4v-dom0/usr
mv tree/usr/bin tree/usr/lib v4v-sockets/usr/
copyright v4v-sockets "$SRC/LICENSE"
package v4v-sockets amd64 "$(depends v4v-sockets/usr/bin/* v4v-sockets/usr/lib/*)"

mv tree/usr/sbin v4v-dom0/usr/
install -D -m 644 "$parts/v4v-dom0/v4vd.service" v4v-dom0/usr/lib/systemd/system/v4vd.service
copyright v4v-dom0 "$SRC/LICENSE"
package v4v-dom0 amd64 "$(depends v4v-dom0/usr/sbin/*), init-system-helpers"

# Not installed: what tests take to the domUs.
mkdir "$OUT/tests"
cp -a "$SRC/tests/sockets" behaviours
in_root "$DEP_BUILDROOT/root" make -s -C behaviours O=/build/out all >&2
cp out/behave out/behave-static out/storm "$OUT/tests/"
