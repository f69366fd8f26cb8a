#!/bin/sh
# Tests of the hypervisor's V4V: its own sources on a machine that keeps account of itself (shim), with the address and
# undefined-behaviour sanitizers. FUZZ_COUNT sets the hostile guests' hypercalls, KERNEL the sources, CC the compiler.
# Prints `N passed, N failed`; exits non-zero when something failed.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../units.sh"

new=$KERNEL/xen/new/xen
flags="-std=gnu11 -O1 -g -D_GNU_SOURCE -DCONFIG_V4V -DCONFIG_X86 -Wall -Werror -I$here/shim -I$here -I$here/.. -I$here/../bench
	-I$new/common/v4v -I$new/include -I$KERNEL/include $sanitizers"

# As Xen's own build warns: it compares lengths and errors in one type.
build '' "$new"/common/v4v/*.c
build -Wextra "$here"/shim/*.c "$here/../units.c" "$here"/guest.c "$here"/rule_calls.c
archive machine
build -Wextra "$here"/fuzz_*.c
for unit in "$here"/test_*.c; do
	build -Wextra "$unit"
	run_unit "$(basename "$unit" .c)"
done
run_unit fuzz_guests fuzz_hooks fuzz_rings fuzz_rules fuzz_send
finish
