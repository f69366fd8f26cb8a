# NVIDIA's kernel modules for the kernel whose headers the build root holds, from the distribution's sources for DKMS (DEP_INDEX
# with its non-free component). Without those that draw: the GPU domU computes. Never loaded by this testbed's authors.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

mkdir -p apt-cache/archives/partial
set --
while IFS= read -r option; do set -- "$@" -o "$option"; done <<END
$(apt_options)
END
apt-get "$@" -o Acquire::Retries=3 download nvidia-kernel-dkms >&2
set -- nvidia-kernel-dkms_*.deb
[ -e "$1" ] || die "nvidia-kernel-dkms did not come"
dpkg-deb -f "$1" Version >"$OUT/facts/version"
dpkg-deb -x "$1" package
set -- package/usr/src/nvidia-*
[ $# = 1 ] && [ -d "$1" ] || die "expected one source tree in nvidia-kernel-dkms, found: $*"
mv "$1" source
release=$(cat "$DEP_BUILDROOT/facts/kernel-release")
# As its dkms.conf does, for the two modules that CUDA and OpenCL need. Patches of DKMS's own it has none.
in_root "$DEP_BUILDROOT/root" sh -eu -c '
	make -s -C source -j"$(nproc)" KERNEL_UNAME="$1" SYSSRC="/usr/lib/modules/$1/source" SYSOUT="/usr/lib/modules/$1/build" \
		NV_KERNEL_MODULES="nvidia nvidia-uvm" IGNORE_CC_MISMATCH=1 IGNORE_XEN_PRESENCE=1 modules
	for module in nvidia nvidia-uvm; do
		strip --strip-debug -o "$module.ko" "source/$module.ko"
		modinfo -F depends "$module.ko" >"$module.depends"
		modinfo -F vermagic "$module.ko" >>vermagic
	done
' sh "$release" >&2
[ "$(cut -d ' ' -f 1 vermagic | sort -u)" = "$release" ] || die "the modules are not for $release: $(cat vermagic)"
cp nvidia.ko nvidia-uvm.ko "$OUT/"
# Of the kernel's own: what the domU's boot archive brings (components/nvidiaDriver.ts).
depends=$(cat nvidia.depends nvidia-uvm.depends | tr , '\n' | sed '/^$/d; /^nvidia$/d' | sort -u | paste -s -d ' ')
[ "$depends" = drm ] || die "the modules need others than drm: $depends"
echo "$release" >"$OUT/facts/kernel-release"
