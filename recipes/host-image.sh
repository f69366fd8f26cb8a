# The emulated machine's disk: a plain Debian, UEFI and GRUB, with the distribution's Xen tools in it because a guest
# reaches no mirror, and without any identity: host key, machine id and authorised keys come from the stack through
# the guest agent. Parameters: DISK_MIB (size of the root file system), HVM (y: with the device model of fully virtual domUs).
. "$SRC/recipes/lib.sh"
. "$SRC/recipes/host-image/disk.sh"
mkdir "$OUT/facts"

cp "$SRC"/recipes/host-image/* .
device_model=
[ "${HVM:-n}" = n ] || device_model=qemu-system-xen

bootstrap "linux-image-amd64,initramfs-tools,zstd,kmod,udev,systemd,systemd-sysv,dbus,iproute2,procps,\
openssh-server,qemu-guest-agent,grub-efi-amd64-bin,grub2-common,busybox-static,cpio,xz-utils,pciutils,ethtool,\
xen-utils-4.20,xenstore-utils,bridge-utils,socat${device_model:+,$device_model}" root.tar \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" && cp initramfs.conf "$1/etc/initramfs-tools/conf.d/v4v-testbed" && cp initramfs.modules "$1/etc/initramfs-tools/modules"' \
	--customize-hook='sh -eu customize.sh "$1"'

pack_disk
