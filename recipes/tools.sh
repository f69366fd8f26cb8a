# The testbed's own programs for dom0 and the domUs, built for their release.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts" "$OUT/bin"

mkdir -p source/kernel
cp -a "$SRC/benchmarks" "$SRC/sockets" source/
cp -a "$SRC/kernel/include" source/kernel/
in_root "$DEP_BUILDROOT/root" make -s -C source/benchmarks O=/build/out/benchmarks all >&2
# For dom0 alone: they link Xen's libraries, which its image has and the domUs' has not.
in_root "$DEP_BUILDROOT/root" make -s -C source/benchmarks O=/build/out/benchmarks xen >&2
in_root "$DEP_BUILDROOT/root" make -s -C source/sockets O=/build/out/sockets all >&2
for tool in out/benchmarks/v4v-bench out/benchmarks/domain-cpu out/sockets/viptables; do
	install -m 755 "$tool" "$OUT/bin/"
	sha256sum <"$tool" | cut -d ' ' -f 1 >"$OUT/facts/$(basename "$tool")-sha256"
done
