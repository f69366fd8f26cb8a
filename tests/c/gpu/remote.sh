#!/bin/sh
# gpu-bench through PoCL's remote driver: pocld and its client on loopback, in Debian's own root, where a CPU computes.
# Needs what recipes/{pocl-root,pocl,opencl-root}.sh built, in POCL_ROOT, POCL and OPENCL_ROOT, and bubblewrap. Not part of
# run.sh, because these take minutes to build; tests/e2e/full/remoteGpu.test.ts builds and runs it.
# Prints `N passed, N failed`; exits non-zero when something failed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
T=$(mktemp -d "${TMPDIR:-/tmp}/gpu-bench-remote.XXXXXX") || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM

inside() {
	inside_root=$1
	shift
	bwrap --ro-bind "$inside_root/root" / --dev /dev --proc /proc --ro-bind /sys /sys --tmpfs /tmp --tmpfs /run \
		--bind "$T" /build --ro-bind "$root" /src --ro-bind "$POCL/client" /usr/local --ro-bind "$POCL/server" /mnt \
		--chdir /build --unshare-all --die-with-parent --clearenv --setenv PATH /usr/sbin:/usr/bin:/sbin:/bin \
		--setenv LC_ALL C.UTF-8 "$@"
}

cp -a "$root/benchmarks" "$T/benchmarks"
inside "$POCL_ROOT" make -s -C benchmarks O=/build/bin CFLAGS=-O2 gpu
inside "$OPENCL_ROOT" sh -u /src/tests/c/gpu/remote_inside.sh
