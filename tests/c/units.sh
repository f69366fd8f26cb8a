# Builds and runs unit programs of C tests that compile a foreign component. $here is the folder of its tests, $flags
# are the compiler's, CC the compiler, KERNEL the component's sources. A unit program prints `ok NAME` or `FAIL NAME` a
# test. $T is a folder to work in.
# shellcheck shell=sh disable=SC2154

root=$(cd "$here/../../.." && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/v4v-$(basename "$here")-test.XXXXXX") || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
: "${CC:=cc}" "${KERNEL:=$root/kernel}"

PASSED=0
FAILED=0
sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all'

fail() {
	FAILED=$((FAILED + 1))
	echo "FAIL $1"
	[ ! -s "$T/err" ] || sed 's/^/# /' "$T/err" | tail -n 25
}

# build WARNINGS SOURCE...: an object each; what does not compile ends the run.
build() {
	build_warnings=$1
	shift
	for build_source in "$@"; do
		# shellcheck disable=SC2086
		if ! "$CC" $flags $build_warnings -c -o "$T/$(basename "$build_source" .c).o" "$build_source" 2>"$T/err"; then
			fail "compiles $(basename "$build_source")"
			finish
		fi
	done
}

# archive NAME: what was built so far is what every unit program is linked with.
archive() {
	common=$T/lib$1.a
	ar rcs "$common" "$T"/*.o && rm "$T"/*.o || exit 1
}

# run_unit NAME [OBJECT...]: one that ends badly without a FAIL (a sanitizer, a time-out) is a failure too.
run_unit() {
	unit=$1
	run_unit_objects=
	for run_unit_object in "$@"; do
		run_unit_objects="$run_unit_objects $T/$run_unit_object.o"
	done
	# shellcheck disable=SC2086
	if ! "$CC" $sanitizers -o "$T/$unit" $run_unit_objects "$common" 2>"$T/err"; then
		fail "links $unit"
		return
	fi
	status=0
	timeout "${UNIT_TIMEOUT:-1200}" "$T/$unit" >"$T/out" 2>"$T/err" || status=$?
	cat "$T/out"
	PASSED=$((PASSED + $(grep -c '^ok ' "$T/out")))
	FAILED=$((FAILED + $(grep -c '^FAIL ' "$T/out")))
	[ "$status" = 0 ] || grep -q '^FAIL ' "$T/out" || fail "$unit ends with status $status"
}

finish() {
	echo "$PASSED passed, $FAILED failed"
	[ "$FAILED" = 0 ]
	exit
}
