# The GPU domU's root file system: a Debian with systemd, OpenCL and, for where there is no GPU, PoCL's implementation for
# the CPU. As the domUs' image it is mounted read-only under a RAM overlay and holds neither kernel modules nor a stack's own.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

cp "$SRC"/recipes/gpu-image/* "$SRC/recipes/domu-image/sshd_config" .
opencl="ocl-icd-libopencl1,pocl-opencl-icd,clinfo,libopenblas0-pthread"
bootstrap "systemd-sysv,dbus,openssh-server,iproute2,kmod,procps,pciutils,$opencl" root.tar \
	--customize-hook='sh -eu customize.sh "$1"'

mkdir root
fakeroot -- sh -eu -c '
	tar -xf root.tar -C root --exclude="./dev/*"
	mib=$(( $(du -sm --apparent-size root | cut -f 1) * 5 / 4 + 16 ))
	truncate -s "${mib}M" root.ext4
	mke2fs -q -F -t ext4 -L gpu-root -O ^has_journal,^resize_inode -m 0 -d root root.ext4
'
zstd -q -T0 -9 root.ext4 -o "$OUT/root.ext4.zst"
sha256sum <root.ext4 | cut -d ' ' -f 1 >"$OUT/facts/root-sha256"
dpkg-query --admindir=root/var/lib/dpkg -W -f '${Package} ${Version}\n' >"$OUT/packages"
sed -n 's/^pocl-opencl-icd //p' "$OUT/packages" >"$OUT/facts/pocl-version"
