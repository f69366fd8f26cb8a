# Run by mmdebstrap with the new root as $1.
root=$1
: >"$root/etc/hostname"
: >"$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf"
ln -sf ../bin/busybox "$root/usr/sbin/init"
for applet in getty poweroff reboot halt; do
	[ -e "$root/usr/sbin/$applet" ] || ln -s ../bin/busybox "$root/usr/sbin/$applet"
done
mkdir -p "$root/etc/v4v" "$root/root/.ssh" "$root/usr/lib/modules"
chmod 700 "$root/root/.ssh"
install -m 644 inittab "$root/etc/inittab"
install -m 755 boot "$root/etc/v4v/boot"
install -m 644 sshd_config "$root/etc/ssh/sshd_config"
install -m 644 v4v.conf "$root/etc/modprobe.d/v4v.conf"
rm -rf "$root/var/cache/debconf" "$root"/usr/share/zoneinfo "$root"/usr/share/perl* "$root"/var/log/* 2>/dev/null || :
