# The emulated machine's disk: a plain Debian, UEFI and GRUB, with the distribution's Xen tools in it because a guest
# reaches no mirror, and without any identity: host key, machine id and authorised keys come from the stack through
# the guest agent. Parameters: DISK_MIB (size of the root file system), HVM (y: with the device model of fully virtual domUs).
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

ESP_MIB=64
cp "$SRC"/recipes/host-image/* .
device_model=
[ "${HVM:-n}" = n ] || device_model=qemu-system-xen

bootstrap "linux-image-amd64,initramfs-tools,zstd,kmod,udev,systemd,systemd-sysv,dbus,iproute2,procps,\
openssh-server,qemu-guest-agent,grub-efi-amd64-bin,grub2-common,busybox-static,cpio,xz-utils,pciutils,ethtool,\
xen-utils-4.20,xenstore-utils,bridge-utils,socat${device_model:+,$device_model}" root.tar \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" && cp initramfs.conf "$1/etc/initramfs-tools/conf.d/v4v-testbed" && cp initramfs.modules "$1/etc/initramfs-tools/modules"' \
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
