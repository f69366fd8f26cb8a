# Run by mmdebstrap with the new root as $1.
root=$1
sh -eu customize-host-image.sh "$root"
echo plain >"$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\tplain\n' >"$root/etc/hosts"

# On an overloaded computer networkd needs longer than systemd's 90 s, is killed, and the host boots without network.
mkdir -p "$root/etc/systemd/system.conf.d"
printf '[Manager]\nDefaultTimeoutStartSec=300\n' >"$root/etc/systemd/system.conf.d/patience.conf"

# What grub-install puts beside the core image: a generated configuration loads modules from there.
cp -r "$root/usr/lib/grub/x86_64-efi" "$root/boot/grub/"
chroot "$root" grub-editenv /boot/grub/grubenv create

chroot "$root" useradd --create-home --shell /bin/bash admin
echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/admin"
chmod 440 "$root/etc/sudoers.d/admin"

# The lists of the moment are in the image (cleanup is skipped), and with these its apt needs no network.
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install --yes --quiet --quiet --no-install-recommends --download-only \
	xen-utils-4.20 xenstore-utils cpio xz-utils pciutils gcc make linux-headers-amd64 xen-hypervisor-4.20-amd64
rm -f "$root"/var/cache/apt/*.bin
