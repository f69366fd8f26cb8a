#!/bin/sh
# Tests of the socket layer's user space that need no Xen, with the address and undefined-behaviour sanitizers.
# FUZZ_COUNT sets the steps of each fuzz program, CC the compiler. Prints `N passed, N failed`.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../units.sh"

sockets=$root/sockets
# shellcheck disable=SC2154 # of units.sh
flags="-std=c17 -O1 -g -D_GNU_SOURCE -Wall -Wextra -Werror -I$here -I$here/.. -I$here/../bench -I$here/../hypervisor
	-I$sockets/discovery -I$sockets/library -I$sockets/tools $sanitizers"

build '' "$here/fake_store.c" "$sockets/discovery/addresses.c" "$sockets/discovery/peers.c" \
	"$sockets/discovery/collect.c" "$sockets/discovery/publish.c" "$sockets/library/policy.c" "$sockets/library/endpoint.c" \
	"$sockets/tools/preload_file.c" "$sockets/library/library.c" "$sockets/library/explain.c" \
	"$sockets/library/peers_file.c" "$sockets/library/module_folder.c" "$sockets/tools/report.c"
archive sockets
for unit in "$here"/test_*.c "$here"/fuzz_*.c; do
	build '' "$unit"
	run_unit "$(basename "$unit" .c)"
done
finish
