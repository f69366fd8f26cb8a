# gpu-bench and pci-bar, built for the domUs' release.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts" "$OUT/bin"

cp -a "$SRC/benchmarks" source
in_root "$DEP_BUILDROOT/root" make -s -C source O=/build/out gpu >&2
for tool in gpu-bench pci-bar; do
	install -m 755 "out/$tool" "$OUT/bin/"
	sha256sum <"out/$tool" | cut -d ' ' -f 1 >"$OUT/facts/$tool-sha256"
done
