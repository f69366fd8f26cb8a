# What PoCL's remote driver and server are built with and from: the target release's compilers and PoCL's source, as the
# distribution packages it. A root of its own, so that who uses no GPU waits for none of it.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

bootstrap "gcc,g++,ccache,cmake,make,libc6-dev,pkgconf,libhwloc-dev,ocl-icd-dev,ocl-icd-opencl-dev,pocl-source" root.tar
mkdir "$OUT/root"
# Device nodes need root and bwrap brings its own.
tar -xf root.tar -C "$OUT/root" --exclude='./dev/*' --no-same-owner
mkdir -p "$OUT/root/build" "$OUT/root/src" "$OUT/root/ccache"
sed -n '/^Package: pocl-source$/,/^$/s/^Version: //p' "$OUT/root/var/lib/dpkg/status" >"$OUT/facts/version"
[ -s "$OUT/facts/version" ] || die "the root holds no pocl-source"
