# Sourced by the recipes of what domUs boot from.

# pack_root LABEL: root.tar, without its device nodes, becomes the cache entry's root.ext4.zst, with its digest, packages and
# dpkg's records of them, with the users whose names are in these.
pack_root() {
	mkdir root
	fakeroot -- sh -eu -c '
		tar -xf root.tar -C root --exclude="./dev/*"
		mib=$(( $(du -sm --apparent-size root | cut -f 1) * 5 / 4 + 16 ))
		truncate -s "${mib}M" root.ext4
		mke2fs -q -F -t ext4 -L "$1" -O ^has_journal,^resize_inode -m 0 -d root root.ext4
	' sh "$1"
	# Sent to dom0 compressed: under emulation the cipher costs more than the decompression.
	zstd -q -T0 -9 root.ext4 -o "$OUT/root.ext4.zst"
	sha256sum <root.ext4 | cut -d ' ' -f 1 >"$OUT/facts/root-sha256"
	tar -C root --exclude=var/lib/dpkg/*-old -cf "$OUT/dpkg.tar" var/lib/dpkg etc/passwd etc/group
	dpkg-query --admindir=root/var/lib/dpkg -W -f '${Package} ${Version}\n' >"$OUT/packages"
}
