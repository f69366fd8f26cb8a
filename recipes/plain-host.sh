# A plain Debian host as somebody else would have one, for the tests of `target: existing`: GRUB with its own generated
# configuration, sshd, an ordinary user who may use sudo, no Xen. As it reaches no mirror, apt's cache holds the packages that
# an installation of Xen's tools, of what builds a module, and of the distribution's own hypervisor would fetch. Its identity comes through the guest agent, as that of host-image, whose disk
# it has. Parameter: DISK_MIB (size of the root file system).
. "$SRC/recipes/lib.sh"
. "$SRC/recipes/host-image/disk.sh"
mkdir "$OUT/facts"

cp "$SRC"/recipes/host-image/* .
# After those of host-image: customize.sh is this one's, and runs the other first.
mv customize.sh customize-host-image.sh
cp "$SRC"/recipes/plain-host/* .

bootstrap "linux-image-amd64,initramfs-tools,busybox,zstd,kmod,udev,systemd,systemd-sysv,dbus,iproute2,procps,\
openssh-server,qemu-guest-agent,grub-efi-amd64-bin,grub2-common,e2fsprogs,sudo,apt,less" root.tar \
	--skip=cleanup/apt \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" && cp initramfs.conf "$1/etc/initramfs-tools/conf.d/small" && cp initramfs.modules "$1/etc/initramfs-tools/modules"' \
	--customize-hook='sh -eu customize.sh "$1"'

pack_disk
