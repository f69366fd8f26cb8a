# A plain Debian host as somebody else would have one, for the tests of `target: existing`: GRUB with its own generated
# configuration, sshd, an ordinary user who may use sudo, no Xen. As it reaches no mirror, apt's cache holds the packages that
# an installation of Xen's tools, of what builds a module, and of the distribution's own hypervisor would fetch. Its identity comes through the guest agent, as that of host-image, whose disk
# it has. Parameter: DISK_MIB (size of the root file system).
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

ESP_MIB=64
cp "$SRC"/recipes/host-image/* .
# After those of host-image: customize.sh is this one's, and runs the other first.
mv customize.sh customize-host-image.sh
cp "$SRC"/recipes/plain-host/* .

bootstrap "linux-image-amd64,initramfs-tools,busybox,zstd,kmod,udev,systemd,systemd-sysv,dbus,iproute2,procps,\
openssh-server,qemu-guest-agent,grub-efi-amd64-bin,grub2-common,e2fsprogs,sudo,apt,less" root.tar \
	--skip=cleanup/apt \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" && cp initramfs.conf "$1/etc/initramfs-tools/conf.d/small" && cp initramfs.modules "$1/etc/initramfs-tools/modules"' \
	--customize-hook='sh -eu customize.sh "$1"'

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
