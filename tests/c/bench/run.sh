#!/bin/sh
# Tests of v4v-bench: unit tests, fuzzing and end-to-end runs on this machine, all built with the address and
# undefined-behaviour sanitizers; and whether `compare` finds a transport that is slower.
# FUZZ_COUNT (20000) sets the mutated plans, CC the compiler, V4V_TEST=full repeats the slower transport more often.
# Prints `N passed, N failed`; exits non-zero when something failed.
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/v4v-bench-test.XXXXXX") || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
: "${CC:=cc}"
: >"$T/err"

. "$here/lib.sh"

# Nothing but the compiler's own defaults between the sources and -Werror: as users build it, with each compiler here.
for compiler in gcc clang; do
	if command -v "$compiler" >/dev/null 2>&1; then
		check "builds without warnings by $compiler" \
			make -s -j2 -C "$root/benchmarks" O="$T/$compiler" CC="$compiler" CFLAGS=-O2 all
	else
		echo "# skipped: a build by $compiler, which is not installed"
	fi
done
for build in "$T/gcc" "$T/clang"; do
	[ -x "$build/v4v-bench" ] || continue
	check 'a release build holds no faults' sh -c '! grep -q V4V_BENCH_FAULT "$1"' - "$build/v4v-bench"
	check 'make install' make -s -C "$root/benchmarks" O="$build" CFLAGS=-O2 DESTDIR="$T/dest" PREFIX=/usr install
	check 'make install puts the program into PREFIX/bin' [ -x "$T/dest/usr/bin/v4v-bench" ]
	check 'make clean' make -s -C "$root/benchmarks" O="$build" clean
	check 'make clean leaves nothing' [ -z "$(find "$build" -type f)" ]
done

sanitizers='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
check 'builds with sanitizers' make -s -j2 -C "$root/benchmarks" O="$T/build" CC="$CC" \
	CPPFLAGS=-DV4V_BENCH_FAULTS CFLAGS="$sanitizers" all
BENCH=$T/build/v4v-bench
# A stand-in by LD_PRELOAD does not go with the sanitizers.
check 'builds as it is shipped' make -s -j2 -C "$root/benchmarks" O="$T/release" CC="$CC" CFLAGS=-O2 all

compile() {
	# shellcheck disable=SC2086
	"$CC" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror $2 -I"$root/benchmarks/v4v-bench" -I"$root/benchmarks/common" \
		-o "$T/$1" "$here/$1.c" $3
}
for tool in jsonl stranger vsock_probe fake_program; do
	compile $tool -O1 '' || exit 1
done

"$CC" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC -o "$T/vsock_stand_in.so" "$here/vsock_stand_in.c" -ldl || exit 1

"$CC" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC -o "$T/ulp_stand_in.so" "$here/ulp_stand_in.c" -ldl || exit 1
mkdir "$T/store"
"$CC" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC -Wl,-soname,libxenvchan.so.4.20 \
	-I"$root/benchmarks/v4v-bench" -o "$T/libxenvchan.so.4.20" "$here/xenvchan_stand_in.c" -ldl || exit 1
check 'v4vrun and its library build' make -s -C "$root/sockets" O="$T/layer" CC="$CC" CFLAGS=-O2 "$T/layer/v4vrun" \
	"$T/layer/libv4vsockets.so"

# count PROGRAM STATUS: a program printed a line per test to $T/out; one that ends badly without a FAIL (a sanitizer, a
# time-out) is a failure too.
count() {
	cat "$T/out"
	PASSED=$((PASSED + $(grep -c '^ok ' "$T/out")))
	FAILED=$((FAILED + $(grep -c '^FAIL ' "$T/out")))
	[ "$2" = 0 ] || grep -q '^FAIL ' "$T/out" || check "$1 exits with status 0" false
}

for unit in test_plan test_parts test_rendezvous test_vchan test_way test_program fuzz_plan; do
	libraries=$T/build/libv4v-bench.a
	# Linked, it is what the program finds when it looks for the library of that name.
	[ "$unit" != test_vchan ] || libraries="$libraries $T/libxenvchan.so.4.20 -Wl,-rpath,$T"
	check "builds $unit" compile $unit "$sanitizers" "$libraries -ldl"
	status=0
	XENVCHAN_FOLDER=$T/store timeout "${UNIT_TIMEOUT:-600}" "$T/$unit" >"$T/out" 2>"$T/err" || status=$?
	count "$unit" "$status"
done

# The end-to-end parts mostly wait, so they run side by side, each with a folder, addresses and a program of its own.
parts='command local resume agents faults sockets programs vchan'
pids=
net=0
for part in $parts; do
	net=$((net + 1))
	mkdir "$T/$part"
	(
		cp "$BENCH" "$T/fake_program" "$T/jsonl" "$T/stranger" "$T/vsock_probe" "$T/vsock_stand_in.so" "$T/ulp_stand_in.so" \
			"$T/libxenvchan.so.4.20" \
			"$T/layer/v4vrun" "$T/layer/libv4vsockets.so" "$T/$part/"
		cp "$T/release/v4v-bench" "$T/$part/plain"
		T=$T/$part
		BENCH=$T/v4v-bench
		PASSED=0
		FAILED=0
		: >"$T/err"
		# shellcheck disable=SC1090
		. "$here/e2e_$part.sh"
		echo "$PASSED $FAILED" >"$T/result"
	) >"$T/$part.out" 2>&1 &
	pids="$pids $!"
done
# shellcheck disable=SC2064,SC2086
trap "kill $pids 2>/dev/null; exit 1" HUP INT TERM
# shellcheck disable=SC2086
wait $pids
for part in $parts; do
	cat "$T/$part.out"
	part_passed=0
	part_failed=1
	if [ -s "$T/$part/result" ]; then
		read -r part_passed part_failed <"$T/$part/result"
	else
		echo "FAIL the part $part did not come to its end"
	fi
	PASSED=$((PASSED + part_passed))
	FAILED=$((FAILED + part_failed))
done

trap 'exit 1' HUP INT TERM

# A transport that is really slower, and `compare`: alone, as what else runs would be measured, too; without sanitizers.
if node -e 'process.exit(process.features.typescript ? 0 : 1)' 2>/dev/null && [ -d "$root/node_modules" ]; then
	check 'builds with faults as it is shipped' make -s -j2 -C "$root/benchmarks" O="$T/faulty" CC="$CC" \
		CPPFLAGS=-DV4V_BENCH_FAULTS CFLAGS=-O2 all
	status=0
	timeout 1200 node "$here/slow.ts" "$T/faulty/v4v-bench" "$T/slow" >"$T/out" 2>"$T/err" || status=$?
	count slow.ts "$status"
else
	echo "# skipped: slowed transports, as node runs no TypeScript here or its packages are not installed"
fi

echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
