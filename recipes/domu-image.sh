# The domUs' shared root file system: a Debian tree that is mounted read-only under a RAM overlay. It holds no kernel
# modules (the boot archive brings those of dom0's kernel) and nothing of a stack or a domain.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

cp "$SRC"/recipes/domu-image/* .
# Unmodified programs that are measured and tested over V4V, and libxenvchan (in libxenmisc) for `vchan`: what is not run
# costs a domU no memory.
programs="iperf3,redis-server,redis-tools,python3,curl,lighttpd,netcat-openbsd,openssh-client,libxenmisc4.20"
bootstrap "busybox-static,openssh-server,iproute2,kmod,procps,socat,ca-certificates,$programs" root.tar \
	--customize-hook='sh -eu customize.sh "$1"'

mkdir root
fakeroot -- sh -eu -c '
	tar -xf root.tar -C root --exclude="./dev/*"
	mib=$(( $(du -sm --apparent-size root | cut -f 1) * 5 / 4 + 16 ))
	truncate -s "${mib}M" root.ext4
	mke2fs -q -F -t ext4 -L domu-root -O ^has_journal,^resize_inode -m 0 -d root root.ext4
'
# Sent to dom0 compressed: under emulation the cipher costs more than the decompression.
zstd -q -T0 -9 root.ext4 -o "$OUT/root.ext4.zst"
sha256sum <root.ext4 | cut -d ' ' -f 1 >"$OUT/facts/root-sha256"
dpkg-query --admindir=root/var/lib/dpkg -W -f '${Package} ${Version}\n' >"$OUT/packages"
