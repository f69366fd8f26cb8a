/** What a host's owner goes by, asked in another way than the testbed's own listing: for its shell. */
export const OWNERS_LISTING = `
dpkg -l | sed -n 's/^ii *//p' | awk '{ print $1, $2 }'
apt-mark showmanual
cd /
find etc boot usr/local opt srv root home var/spool -type f ! -path 'root/.*' ! -name '*.pyc' -print0 | xargs -0 sha256sum | grep -v -e ' etc/ld.so.cache$' -e ' boot/grub/grubenv$'
find etc boot usr/local opt srv root home -type d -o -type l
grub-editenv list
ip -o link | cut -d : -f 2
systemctl list-unit-files --state=enabled --no-legend | awk '{ print $1 }'
ls /var/lib /var/log | grep -v -x -e dpkg.log -e alternatives.log
lsmod | grep -c v4v || :`;
