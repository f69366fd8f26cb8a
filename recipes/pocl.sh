# PoCL's remote driver (the client) and pocld (the server), which the distribution ships as source only. Neither compiles
# kernels: the server hands them to whatever OpenCL implementation its domain has.
. "$SRC/recipes/lib.sh"
mkdir "$OUT/facts"

root=$DEP_POCL_ROOT/root
mkdir source
tar -xf "$root/usr/src/pocl.tar.xz" -C source --strip-components=1 --no-same-owner
# Both ends give the socket of commands, which short transfers and programs go by, buffers of 4 KiB: over TCP most of the
# time is then spent waiting for an acknowledgement that is held back. It gets what the other one has.
for file in pocld/daemon.cc lib/CL/devices/remote/communication.c; do
	sed -i 's/^\(#define \(COMMAND_SOCKET_BUFSIZE\|NETWORK_BUF_SIZE_FAST\)\) (4 \* 1024)$/\1 (4 * 1024 * 1024)/' "source/$file"
	grep -q '^#define \(COMMAND_SOCKET_BUFSIZE\|NETWORK_BUF_SIZE_FAST\) (4 \* 1024 \* 1024)$' "source/$file" ||
		die "the buffers of PoCL's socket of commands are not set where they were: $file"
done
# The server's thread that sends replies asks without a pause whether a command is done, and takes half the time of the one
# virtual CPU that computes.
sed -i 's/^        i = (i + 1) % io_inflight.size();$/&\n        if (i == 0)\n          io_cond.wait_for(lock, std::chrono::microseconds(200));/' \
	source/pocld/reply_th.cc
grep -q '^          io_cond.wait_for(lock, ' source/pocld/reply_th.cc || die "PoCL's reply thread is not as it was"
# A command whose caller waits lies on the caller's stack, and the answer may be there before the thread that wrote the command
# goes on: its note of when it had written then lands in another function's frame (seen: a saved register became a time). Only
# commands that nobody waits for are asked for that time.
file=source/lib/CL/devices/remote/communication.c
sed -i -e 's/^          uint32_t msg_size = request_size (cmd->request\.message_type);$/&\n          const int waited_for = cmd->synchronous;/' \
	-e 's/^          POCL_ATOMIC_STORE (cmd->client_write_end_timestamp_ns,$/          if (!waited_for)\n&/' "$file"
[ "$(grep -c '^          const int waited_for = ' "$file") $(grep -c '^          if (!waited_for)$' "$file")" = '1 1' ] ||
	die "PoCL's writing thread is not as it was"
# It asks for patch(1), which only the suites under examples/ use; pocld takes <algorithm> for included, which it is not.
in_root "$root" sh -eu -c '
	cmake -S source -B out -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
		-DCMAKE_INSTALL_PREFIX=/usr/local -DCMAKE_INSTALL_LIBDIR=lib -DPOCL_INSTALL_ICD_VENDORDIR=/usr/local/share/pocl-remote \
		-DPATCH_EXEC=/bin/false -DCMAKE_CXX_FLAGS="-include algorithm" -DCMAKE_POSITION_INDEPENDENT_CODE=1 -DENABLE_ICD=1 -DENABLE_LLVM=0 \
		-DENABLE_HOST_CPU_DEVICES=0 -DENABLE_REMOTE_CLIENT=1 -DENABLE_REMOTE_SERVER=1 -DENABLE_VSOCK=1 -DENABLE_TESTS=0 \
		-DENABLE_EXAMPLES=0 -DENABLE_POCLCC=0
	cmake --build out -j"$(nproc)"
	DESTDIR=/build/tree cmake --install out --strip
' >&2
# Trees for /usr/local of the domain that asks and of the domain that computes.
mkdir -p "$OUT/client/lib/pocl" "$OUT/client/share/pocl-remote" "$OUT/server/bin"
cp -d tree/usr/local/lib/libpocl.so.* "$OUT/client/lib/"
cp tree/usr/local/lib/pocl/libpocl-devices-remote.so "$OUT/client/lib/pocl/"
cp tree/usr/local/share/pocl-remote/pocl.icd "$OUT/client/share/pocl-remote/"
# What a program links, which finds the driver: the distribution's.
cp "$root/usr/lib/x86_64-linux-gnu/libOpenCL.so.1" "$OUT/client/lib/libOpenCL.so.1"
cp tree/usr/local/bin/pocld "$OUT/server/bin/"
cp "$DEP_POCL_ROOT/facts/version" "$OUT/facts/"
(cd "$OUT" && find client server -type f | LC_ALL=C sort | xargs sha256sum) >"$OUT/facts/sha256sums"
