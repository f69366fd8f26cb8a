# The GPU domU's root file system: a Debian with systemd, OpenCL and, for where there is no GPU, PoCL's implementation for
# the CPU. As the domUs' image it is mounted read-only under a RAM overlay and holds neither kernel modules nor a stack's own.
. "$SRC/recipes/lib.sh"
. "$SRC/recipes/domu-image/pack.sh"
mkdir "$OUT/facts"

cp "$SRC"/recipes/gpu-image/* "$SRC"/recipes/domu-image/sshd_config "$SRC"/recipes/domu-image/v4v.conf .
opencl="ocl-icd-libopencl1,pocl-opencl-icd,clinfo,libopenblas0-pthread"
bootstrap "systemd-sysv,dbus,openssh-server,iproute2,kmod,procps,pciutils,$opencl" root.tar \
	--customize-hook='sh -eu customize.sh "$1"'

pack_root gpu-root
sed -n 's/^pocl-opencl-icd //p' "$OUT/packages" >"$OUT/facts/pocl-version"
