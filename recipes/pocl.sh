# PoCL's remote driver (the client) and pocld (the server), which the distribution ships as source only. Neither compiles
# kernels: the server hands them to whatever OpenCL implementation its domain has.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

root=$DEP_POCL_ROOT/root
mkdir source
tar -xf "$root/usr/src/pocl.tar.xz" -C source --strip-components=1 --no-same-owner
# Each says itself what it is for.
for patch in "$SRC"/recipes/pocl/*.patch; do
	patch -d source -s -p1 --no-backup-if-mismatch <"$patch" >&2 || die "$(basename "$patch") does not apply"
done
# It asks for patch(1), which only the suites under examples/ use; pocld takes <algorithm> for included, which it is not.
in_root "$root" sh -eu -c '
	cmake -S source -B out -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
		-DCMAKE_INSTALL_PREFIX=/usr/local -DCMAKE_INSTALL_LIBDIR=lib -DPOCL_INSTALL_ICD_VENDORDIR=/usr/local/share/pocl-remote \
		-DPATCH_EXEC=/bin/false -DCMAKE_CXX_FLAGS="-include algorithm" -DCMAKE_POSITION_INDEPENDENT_CODE=1 -DENABLE_ICD=1 -DENABLE_LLVM=0 \
		-DENABLE_HOST_CPU_DEVICES=0 -DENABLE_REMOTE_CLIENT=1 -DENABLE_REMOTE_SERVER=1 -DENABLE_VSOCK=1 -DENABLE_TESTS=0 \
		-DENABLE_EXAMPLES=0 -DENABLE_POCLCC=0
	cmake --build out -j"$(nproc)"
	DESTDIR=/build/tree cmake --install out --strip
' >&2
# Trees for /usr/local of the domain that asks and of the domain that computes.
mkdir -p "$OUT/client/lib/pocl" "$OUT/client/share/pocl-remote" "$OUT/server/bin"
cp -d tree/usr/local/lib/libpocl.so.* "$OUT/client/lib/"
cp tree/usr/local/lib/pocl/libpocl-devices-remote.so "$OUT/client/lib/pocl/"
cp tree/usr/local/share/pocl-remote/pocl.icd "$OUT/client/share/pocl-remote/"
# What a program links, which finds the driver: the distribution's.
cp "$root/usr/lib/x86_64-linux-gnu/libOpenCL.so.1" "$OUT/client/lib/libOpenCL.so.1"
cp tree/usr/local/bin/pocld "$OUT/server/bin/"
cp "$DEP_POCL_ROOT/facts/version" "$OUT/facts/"
(cd "$OUT" && find client server -type f | LC_ALL=C sort | xargs sha256sum) >"$OUT/facts/sha256sums"
