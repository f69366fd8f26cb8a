#!/bin/sh
# Tests of viptables: all but what talks to XenStore, on stand-ins for the table and for libxencall, with the address
# and undefined-behaviour sanitizers. FUZZ_COUNT sets the mutated files and command lines, CC the compiler.
# Prints `N passed, N failed`; exits non-zero when something failed.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../units.sh"

tool=$root/sockets/viptables
flags="-std=c17 -O1 -g -D_GNU_SOURCE -Wall -Wextra -Werror -I$here -I$here/.. -I$here/../bench -I$here/../hypervisor
	-I$tool -I$KERNEL/include $sanitizers"

build '' "$tool/command.c" "$tool/error.c" "$tool/names.c" "$tool/rule.c" "$tool/ruleset.c" "$tool/run.c" "$tool/show.c" \
	"$here/../units.c" "$here/xen.c"
archive viptables
for unit in "$here"/test_*.c "$here"/fuzz_*.c; do
	build '' "$unit"
	run_unit "$(basename "$unit" .c)"
done
# What talks to Xen is not in the archive: it takes the place of the stand-in for the table.
flags="$flags -I$here/shim"
build '' "$tool/table_xen.c" "$here/table_calls.c"
run_unit table_calls table_xen
finish
