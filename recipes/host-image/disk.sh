# Sourced by the recipes of hosts' disks.

ESP_MIB=64

# pack_disk: root.tar, without its device nodes, becomes the cache entry's disk.img: an EFI system partition with the GRUB that
# customize.sh made, and DISK_MIB of root file system. With it go the kernel's release and the packages.
pack_disk() {
	mkdir root
	fakeroot -- sh -eu -c '
		tar -xf root.tar -C root --exclude="./dev/*"
		truncate -s "$1M" root.ext4
		mke2fs -q -F -t ext4 -L host-root -m 1 -E lazy_itable_init=1,nodiscard -d root root.ext4
	' sh "$DISK_MIB"

	truncate -s "${ESP_MIB}M" esp.fat
	mkfs.vfat -n ESP esp.fat >/dev/null
	mmd -i esp.fat ::/EFI ::/EFI/BOOT
	mcopy -i esp.fat root/boot/grub/bootx64.efi ::/EFI/BOOT/BOOTX64.EFI

	truncate -s "$((1 + ESP_MIB + DISK_MIB + 1))M" "$OUT/disk.img"
	sgdisk -n "1:2048:+${ESP_MIB}M" -t 1:ef00 -n "2:0:+${DISK_MIB}M" -t 2:8300 "$OUT/disk.img" >/dev/null
	dd if=esp.fat of="$OUT/disk.img" bs=1M seek=1 conv=notrunc,sparse status=none
	dd if=root.ext4 of="$OUT/disk.img" bs=1M seek="$((1 + ESP_MIB))" conv=notrunc,sparse status=none

	set -- root/usr/lib/modules/*
	[ $# -eq 1 ] && [ -d "$1" ] || die "expected exactly one kernel in the image, found: $*"
	basename "$1" >"$OUT/facts/kernel-release"
	dpkg-query --admindir=root/var/lib/dpkg -W -f '${Package} ${Version}\n' >"$OUT/packages"
}
