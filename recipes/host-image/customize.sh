# Run by mmdebstrap with the new root as $1.
root=$1
echo v4v-host >"$root/etc/hostname"
echo '/dev/vda2 / ext4 defaults,noatime 0 1' >"$root/etc/fstab"
: >"$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_*

mkdir -p "$root/etc/systemd/network"
cat >"$root/etc/systemd/network/10-uplink.network" <<'EOF'
[Match]
Driver=virtio_net
[Network]
DHCP=ipv4
LinkLocalAddressing=no
EOF

# The host key is the stack's: sshd waits for it instead of failing and being restarted.
mkdir -p "$root/etc/systemd/system/ssh.service.d"
cat >"$root/etc/systemd/system/ssh.service.d/identity.conf" <<'EOF'
[Unit]
ConditionPathExists=/etc/ssh/ssh_host_ed25519_key
EOF
cat >"$root/etc/ssh/sshd_config.d/10-testbed.conf" <<'EOF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
EOF

chroot "$root" systemctl --quiet enable systemd-networkd.service ssh.service qemu-guest-agent.service
chroot "$root" systemctl --quiet mask systemd-networkd-wait-online.service networking.service apt-daily.timer \
	apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer \
	systemd-pcrphase.service ssh.socket sshd-vsock.socket vmtoolsd.service

mkdir -p "$root/etc/default" "$root/boot/grub"
cp grub.default "$root/etc/default/grub"
cp grub.cfg "$root/boot/grub/grub.cfg"
cp grub-embedded.cfg "$root/boot/grub/embedded.cfg"
# shellcheck disable=SC2016 # the module list is one argument a word
chroot "$root" grub-mkimage -O x86_64-efi -o /boot/grub/bootx64.efi -p /boot/grub -c /boot/grub/embedded.cfg \
	part_gpt fat ext2 normal configfile search search_label search_fs_uuid linux multiboot2 gzio xzio zstd serial echo \
	test all_video boot minicmd ls cat sleep reboot halt loadenv
