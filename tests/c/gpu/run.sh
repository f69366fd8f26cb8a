#!/bin/sh
# Tests of gpu-bench and pci-bar: unit tests and end-to-end runs on this machine, built with the address and undefined-behaviour
# sanitizers; OpenCL where a driver for the CPU is installed (PoCL), CUDA against a double. CC is the compiler.
# Prints `N passed, N failed`; exits non-zero when something failed.
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/gpu-bench-test.XXXXXX") || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
: "${CC:=cc}"
export CC
: >"$T/err"

. "$here/../bench/lib.sh"

for compiler in gcc clang; do
	if command -v "$compiler" >/dev/null 2>&1; then
		check "builds without warnings by $compiler" \
			make -s -j2 -C "$root/benchmarks" O="$T/$compiler" CC="$compiler" CFLAGS=-O2 all gpu
	else
		echo "# skipped: a build by $compiler, which is not installed"
	fi
done
for build in "$T/gcc" "$T/clang"; do
	[ -x "$build/gpu-bench" ] || continue
	check 'make install' make -s -C "$root/benchmarks" O="$build" CFLAGS=-O2 DESTDIR="$T/dest" PREFIX=/usr install
	check 'make install puts the program into PREFIX/bin' [ -x "$T/dest/usr/bin/gpu-bench" ]
	check 'make clean' make -s -C "$root/benchmarks" O="$build" clean
	check 'make clean leaves nothing' [ -z "$(find "$build" -type f)" ]
done

sanitizers='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
check 'builds with sanitizers' make -s -j2 -C "$root/benchmarks" O="$T/build" CC="$CC" CFLAGS="$sanitizers" gpu
# What compiles kernels in its own process does not go with the sanitizers.
check 'builds as it is shipped' make -s -j2 -C "$root/benchmarks" O="$T/release" CC="$CC" CFLAGS=-O2 gpu

compile() {
	# shellcheck disable=SC2086
	"$CC" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror $2 -I"$root/benchmarks/gpu-bench" -I"$root/benchmarks/common" \
		-I"$here/../bench" -o "$T/$1" "$here/$1.c" $3
}
"$CC" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$T/jsonl" "$here/../bench/jsonl.c" || exit 1
mkdir "$T/cuda"
"$CC" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -shared -fPIC -o "$T/cuda/libcudart.so.12" "$here/cuda_double.c" -ldl || exit 1
for name in libcublas.so.12 libnvrtc.so.12 libcuda.so.1; do ln -s libcudart.so.12 "$T/cuda/$name"; done

# A unit program prints a line per test; one that ends badly without a FAIL (a sanitizer, a time-out) is a failure too.
for unit in test_problem test_device test_connections test_serve test_cuda; do
	check "builds $unit" compile $unit "$sanitizers" "$T/build/libgpu-bench.a -ldl -lm"
	status=0
	LD_LIBRARY_PATH=$T/cuda timeout "${UNIT_TIMEOUT:-600}" "$T/$unit" >"$T/out" 2>"$T/err" || status=$?
	cat "$T/out"
	PASSED=$((PASSED + $(grep -c '^ok ' "$T/out")))
	FAILED=$((FAILED + $(grep -c '^FAIL ' "$T/out")))
	[ "$status" = 0 ] || grep -q '^FAIL ' "$T/out" || check "$unit exits with status 0" false
done

if [ -e /usr/include/CL/cl.h ]; then
	check 'our declarations of OpenCL are those of the Khronos headers' compile test_opencl_api -fsyntax-only ''
else
	echo '# skipped: comparison with the Khronos headers, which are not installed (Debian: opencl-c-headers)'
fi

BENCH=$T/build/gpu-bench
for part in command socket cuda opencl pci_bar; do
	# shellcheck disable=SC1090
	. "$here/e2e_$part.sh"
done

echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
