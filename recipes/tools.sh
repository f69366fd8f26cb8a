# The testbed's own programs for dom0 and the domUs, built for their release.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts" "$OUT/bin"

cp -a "$SRC/benchmarks" source
in_root "$DEP_BUILDROOT/root" make -s -C source O=/build/out all >&2
install -m 755 out/v4v-bench "$OUT/bin/"
sha256sum <out/v4v-bench | cut -d ' ' -f 1 >"$OUT/facts/v4v-bench-sha256"
