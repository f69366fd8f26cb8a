# Compilers and kernel headers of the target's own release, on the controller: compiling inside emulation is 20 times
# slower. The header package follows the kernel that host-image takes from the same lists.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

bootstrap "gcc,ccache,make,libc6-dev,linux-headers-amd64,flex,bison,checkpolicy,m4,python3-minimal,libxen-dev,kmod,cpio,xz-utils,patch,bc,libelf-dev,zlib1g-dev" root.tar
mkdir "$OUT/root"
# Device nodes need root and bwrap brings its own.
tar -xf root.tar -C "$OUT/root" --exclude='./dev/*' --no-same-owner
mkdir -p "$OUT/root/build" "$OUT/root/src" "$OUT/root/ccache"
set -- "$OUT"/root/usr/lib/modules/*/build
[ $# -eq 1 ] && [ -e "$1" ] || [ -L "$1" ] || die "expected the headers of exactly one kernel, found: $*"
basename "$(dirname "$1")" >"$OUT/facts/kernel-release"
