# The part of remote.sh that runs inside Debian's root: server in /mnt, client in /usr/local, gpu-bench in /build.
T=/build
here=/src/tests/c/gpu
: >"$T/err"
. "$here/../bench/lib.sh"

BENCH=/build/bin/gpu-bench
PORT=10998

serve() {
	mkdir -p "$T/server-cache"
	POCL_CACHE_DIR=$T/server-cache /mnt/bin/pocld -a 127.0.0.1 -p $PORT >"$T/pocld.log" 2>&1 &
	pocld=$!
	for serve_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		! grep -q "$(printf ':%04X 00000000:0000 0A' $PORT)" /proc/net/tcp || return 0
		sleep 0.5
	done
	echo "# pocld does not listen after try $serve_try"
	return 1
}

# remotely STATUS ARGUMENTS...: gpu-bench with no driver but the remote one.
remotely() {
	remotely_status=$1
	shift
	rc=0
	mkdir -p "$T/client-cache"
	POCL_CACHE_DIR=$T/client-cache OCL_ICD_VENDORS=/usr/local/share/pocl-remote POCL_DEVICES=remote \
		POCL_REMOTE0_PARAMETERS=127.0.0.1:$PORT/0 timeout 120 "$BENCH" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ "$rc" = "$remotely_status" ]
}

count() {
	grep -c -e "$1" "$T/out"
}

# received: bytes that came in over loopback so far.
received() {
	sed -n 's/^ *lo: *\([0-9]*\) .*/\1/p' /proc/net/dev
}

check 'no server: the error says what next' remotely 1 matmul 8
check 'no server: which it was' in_stderr 'clGetDeviceIDs: error -33, the device is not to be had: for a remote one, see that its server runs'
check 'no server: devices' remotely 1 devices

check 'pocld listens' serve
check 'devices through the remote driver' remotely 0 devices
check 'the type is that of what computes' grep -q '^cpu  *[1-9][0-9]* MiB  ' "$T/out"
for workload in matmul stencil; do
	before=$(received)
	check "$workload" remotely 0 "$workload" --transport tcp --repetitions 3 1 33 200
	check "$workload: results are right, cold and warm" [ "$(count '"start":"cold","ok":true')" = 3 -a "$(count '"start":"warm","ok":true')" = 9 ]
	# Three matrices of 200 x 200 floats, four times.
	check "$workload: the bytes went through the sockets" [ $(($(received) - before)) -gt $((4 * 3 * 200 * 200 * 4)) ]
done
before=$(received)
check 'transfer' remotely 0 transfer --transport tcp --repetitions 1 --count 3 4096 1000001
check 'transfer: bytes are right both ways' [ "$(count '"ok":true')" = 4 ]
check 'transfer: the bytes went through the sockets' [ $(($(received) - before)) -gt $((10 * 1000001)) ]

# PoCL has two connections to its server, and ss tells of both while they stand.
shown=$(sed -n 's/^{"type":"connection","transport":"tcp","size_bytes":1000001,.*"remote":"127.0.0.1:1099[89]","ss":{"sent":\([0-9]*\),"received":\([0-9]*\)},"v4v":.*/\1 \2/p' "$T/out" |
	awk '{ sent += $1; received += $2 } END { print NR, sent, received }')
check "transfer: its connections show the payload each way: $shown" eval \
	'set -- $shown && [ $1 = 2 ] && [ $2 -ge $((3 * 1000001)) ] && [ $3 -ge $((3 * 1000001)) ]'

# Clients that die in the middle of a large transfer, beside one that stays: the server goes on and keeps nothing of theirs.
resident() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$pocld/status
}
remote_transfer() {
	POCL_CACHE_DIR=$T/client-cache OCL_ICD_VENDORS=/usr/local/share/pocl-remote POCL_DEVICES=remote \
		POCL_REMOTE0_PARAMETERS=127.0.0.1:$PORT/0 timeout -s KILL "$@"
}
SIZE=33554432
check 'one client of large transfers' remotely 0 transfer --repetitions 1 --count 2 $SIZE
before=$(resident)
for death in 1 2 3 4 5 6 7 8 9 10 11 12; do
	remote_transfer 0.$((death % 5 + 3)) "$BENCH" transfer --repetitions 10000 $SIZE >/dev/null 2>&1
done &
check 'a client beside others that die' remotely 0 transfer --repetitions 30 1000001
wait $!
check 'after them: one client of large transfers' remotely 0 transfer --repetitions 1 --count 2 $SIZE
after=$(resident)
# Of one transfer and one buffer at most, and of what threads and caches take.
check "memory of clients that have died: $before KiB before, $after KiB after" [ "$after" -lt $((before + 3 * SIZE / 1024)) ]

# A request longer than there is room for, and one of another's session: its socket is closed, others are served.
for length in '\377\377\377\377' '\377\377\000\000'; do
	bash -c 'exec 3<>/dev/tcp/127.0.0.1/'$PORT' && { printf "'$length'"; head -c 70000 /dev/zero; } >&3 && timeout 10 cat <&3' >/dev/null 2>&1
	check "a request that is too long, $(printf %s "$length" | tr '\\' ' ')" [ $? != 124 ]
done
check 'after it: others are served' remotely 0 matmul --repetitions 1 64

# A server that dies: the client would wait for it for ever.
: >"$T/out"
(
	for try in $(seq 400); do
		! grep -q '"ok":true' "$T/out" || break
		sleep 0.1
	done
	kill -KILL $pocld
) &
check 'a server that dies' remotely 1 matmul --transport tcp --repetitions 100000 --timeout 45 64
check 'a server that dies: samples so far are kept' [ "$(count '"ok":true')" -gt 0 ]
check 'a server that dies: one line says so' [ "$(count '"ok":false')" = 1 ]
wait $pocld 2>/dev/null
check 'the next server' serve
check 'the next server serves' remotely 0 matmul --transport tcp --repetitions 1 64
kill $pocld

echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
