# The testbed's own programs for dom0 and the domUs, built for their release.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts" "$OUT/bin"

cp -a "$SRC/benchmarks" source
in_root "$DEP_BUILDROOT/root" make -s -C source O=/build/out all >&2
# For dom0 alone: it links Xen's libraries, which its image has and the domUs' has not.
in_root "$DEP_BUILDROOT/root" make -s -C source O=/build/out xen >&2
for tool in v4v-bench domain-cpu; do
	install -m 755 "out/$tool" "$OUT/bin/"
	sha256sum <"out/$tool" | cut -d ' ' -f 1 >"$OUT/facts/$tool-sha256"
done
