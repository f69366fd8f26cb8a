# Run by mmdebstrap with the new root as $1.
root=$1
units=$root/etc/systemd/system
: >"$root/etc/hostname"
: >"$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf"
mkdir -p "$root/etc/v4v/boot.d" "$root/root/.ssh" "$root/usr/lib/modules" "$units/sysinit.target.wants" \
	"$root/etc/systemd/system-generators"
chmod 700 "$root/root/.ssh"
install -m 755 boot "$root/etc/v4v/boot"
install -m 644 sshd_config "$root/etc/ssh/sshd_config"
install -m 644 v4v-boot.service "$units/v4v-boot.service"
mkdir -p "$units/multi-user.target.wants"
ln -s ../v4v-boot.service "$units/multi-user.target.wants/v4v-boot.service"
# The first would take the VSOCK port of SSH, the others wait for devices that only udev announces.
for generator in systemd-ssh-generator systemd-getty-generator systemd-gpt-auto-generator; do
	ln -s /dev/null "$root/etc/systemd/system-generators/$generator"
done
# Seconds of its boot under emulation for what a domain that lives in memory does not need.
for unit in systemd-networkd.service systemd-networkd-wait-online.service systemd-timesyncd.service systemd-logind.service \
	sshd-keygen.service systemd-update-utmp.service systemd-firstboot.service systemd-machine-id-commit.service systemd-pcrphase.service \
	getty.target apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
	fstrim.timer systemd-tmpfiles-clean.timer sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
	dev-hugepages.mount dev-mqueue.mount; do
	ln -sf /dev/null "$units/$unit"
done
install -m 644 v4v.conf "$root/etc/modprobe.d/v4v.conf"
mkdir -p "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\n' >"$root/etc/systemd/journald.conf.d/memory.conf"
# Nothing was updated since: no caches are made anew at each boot (systemd-update-done.service(8)).
touch "$root/etc/.updated" "$root/var/.updated"
rm -rf "$root/var/cache/debconf" "$root"/usr/share/zoneinfo "$root"/var/log/* 2>/dev/null || :
