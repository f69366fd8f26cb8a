# The GPU domU's root file system: a Debian with systemd, OpenCL and, for where there is no GPU, PoCL's implementation for
# the CPU. As the domUs' image it is mounted read-only under a RAM overlay and holds neither kernel modules nor a stack's own.
# Parameters: NVIDIA (y: with the distribution's OpenCL and CUDA for a card of NVIDIA's, whose non-free component DEP_INDEX
# then has; PoCL stays beside it). That has never been run on hardware.
. "$SRC/recipes/lib.sh"
. "$SRC/recipes/domu-image/pack.sh"
mkdir "$OUT/facts"

cp "$SRC"/recipes/gpu-image/* "$SRC"/recipes/domu-image/sshd_config "$SRC"/recipes/domu-image/v4v.conf .
opencl="ocl-icd-libopencl1,pocl-opencl-icd,clinfo,libopenblas0-pthread"
nvidia=
if [ "${NVIDIA:-n}" = y ]; then
	while read -r package; do
		grep -qx "Package: $package" "$DEP_INDEX"/lists/*_Packages || die "the distribution's lists have no $package"
		nvidia=$nvidia,$package
	done <nvidia-packages
fi
bootstrap "systemd-sysv,dbus,openssh-server,iproute2,kmod,procps,pciutils,$opencl$nvidia" root.tar \
	--customize-hook='sh -eu customize.sh "$1"'

pack_root gpu-root
[ -z "$nvidia" ] || sed -n 's/^libcuda1 //p' "$OUT/packages" >"$OUT/facts/nvidia-version"
sed -n 's/^pocl-opencl-icd //p' "$OUT/packages" >"$OUT/facts/pocl-version"
