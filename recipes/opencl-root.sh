# A Debian root with an OpenCL implementation for the CPU and OpenBLAS: what stands in for a GPU where there is none; with ss.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

bootstrap "ocl-icd-libopencl1,pocl-opencl-icd,libhwloc15,libopenblas0-pthread,iproute2" root.tar
mkdir "$OUT/root"
tar -xf root.tar -C "$OUT/root" --exclude='./dev/*' --no-same-owner
mkdir -p "$OUT/root/build" "$OUT/root/src" "$OUT/root/ccache"
sed -n '/^Package: pocl-opencl-icd$/,/^$/s/^Version: //p' "$OUT/root/var/lib/dpkg/status" >"$OUT/facts/version"
