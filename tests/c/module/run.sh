#!/bin/sh
# Tests of the guest module: its sources but main.c and what only joins it to XenStore, on as much of a kernel as they need (shim) and a stand-in for
# the hypervisor, with the address and undefined-behaviour sanitizers. FUZZ_COUNT sets the steps of each fuzz program,
# KERNEL the sources, CC the compiler. Prints `N passed, N failed`; exits non-zero when something failed.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../units.sh"

linux=$KERNEL/linux
# A transport has its functions' parameters from the kernel, whether it needs them or not.
flags="-std=gnu11 -O1 -g -D_GNU_SOURCE -Wall -Werror -Wno-unused-parameter -I$here/shim -I$here -I$here/.. -I$here/../bench
	-I$here/../hypervisor -I$linux -I$KERNEL/include $sanitizers"

# As the kernel's own build warns: it compares lengths and errors in one type.
build '' "$linux/area.c" "$linux/ring.c" "$linux/send.c" "$linux/control.c" "$linux/connection.c" "$linux/dgram.c" \
	"$linux/stats.c" "$linux/transport.c" "$linux/peers.c" "$linux/order.c" "$linux/move.c" "$linux/moves.c" "$linux/ulp_send.c" "$linux/ulp_receive.c"
build -Wextra "$here"/shim/*.c "$here/../units.c" "$here/hypervisor.c" "$here/peer.c" "$here/tcp_peer.c"
archive module
for unit in "$here"/test_*.c "$here"/fuzz_*.c; do
	build -Wextra "$unit"
	run_unit "$(basename "$unit" .c)"
done
finish
