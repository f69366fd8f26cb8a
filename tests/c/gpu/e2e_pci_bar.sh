# pci-bar against a sysfs of files: what it writes, reads and puts back.
# shellcheck shell=sh disable=SC2154

PCI=$T/sys/bus/pci/devices/0000:00:10.0

# bar STATUS ARGUMENTS...
bar() {
	bar_status=$1
	shift
	rc=0
	PCI_BAR_SYSFS=$T/sys timeout 60 "$T/build/pci-bar" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ "$rc" = "$bar_status" ]
}

mkdir -p "$PCI"
head -c 262144 /dev/urandom >"$PCI/resource0"
head -c 4 /dev/zero >"$PCI/resource2"
# Vendor, device, and a command register with all off but interrupts' being off.
printf '\064\022\021\021\000\004\000\000' >"$PCI/config"
cp "$PCI/resource0" "$T/before"

check 'pci-bar reads back what it wrote' bar 0 0000:00:10.0
check 'pci-bar says how much' grep -q '^262144 bytes written at [0-9]* MB/s and read back right at [0-9]* MB/s$' "$T/out"
check 'pci-bar puts back what was there' cmp -s "$PCI/resource0" "$T/before"
check 'pci-bar lets the device answer, and leaves the other bits' [ "$(od -An -tx1 -j4 -N2 "$PCI/config")" = ' 02 04' ]
check 'pci-bar names an empty region' bar 1 0000:00:10.0 2
check 'pci-bar says that it is empty' in_stderr 'resource2 is empty'
check 'pci-bar without the region' bar 1 0000:00:10.0 1
check 'pci-bar without the device' bar 1 0000:00:11.0
check 'pci-bar names what it cannot open' in_stderr '0000:00:11.0/resource0: No such file'
for wrong in '' '10.0' '0000:00:10.0 6' '0000:00:10.0 0 0'; do
	# shellcheck disable=SC2086
	check "pci-bar $wrong is wrong usage" bar 2 $wrong
done
check 'pci-bar --help' bar 0 --help
