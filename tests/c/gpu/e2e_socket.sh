# The back end socket and `gpu-bench serve`, on loopback: bytes are right, faults are told.
# shellcheck shell=sh disable=SC2154

WHERE=127.84.$(($$ / 250 % 250)).$(($$ % 250 + 1)):11020

# listening: once the server takes connections.
listening() {
	for listening_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		! answers 0 transfer --backend socket --server "$WHERE" --repetitions 1 --count 1 1 || return 0
		sleep 0.2
	done
	echo "# not after try $listening_try"
	return 1
}

check 'socket: nobody serves' answers 1 transfer --backend socket --server "$WHERE" 1
check 'socket: nobody serves: who is named' in_stderr "connect to $WHERE: Connection refused"
check 'socket: it computes nothing' answers 2 matmul --backend socket --server "$WHERE" 8
check 'socket: it computes nothing: why' in_stderr '--backend socket computes nothing: it is for transfer'
check 'socket: without a server' answers 2 transfer --backend socket 8
check 'socket: a server without it' answers 2 transfer --server "$WHERE" 8
check 'socket: a server without it: why' in_stderr '--backend socket and --server go together'
check 'socket: it has no devices' answers 1 devices --backend socket
for bad in 127.0.0.1 127.0.0.1:0 127.0.0.1:65536 domu1:7 :7; do
	check "serve $bad" answers 2 serve "$bad"
done
"$BENCH" serve "$WHERE" 2>"$T/served" &
serving=$!
check 'socket: it serves' listening
check 'socket: transfers' answers 0 transfer --backend socket --server "$WHERE" --transport tcp --repetitions 2 --count 3 1 4096 5000001
check 'socket: the lines are JSON' "$T/jsonl" "$T/out"
for way in to_device from_device; do
	check "socket: $way: a sample for each size and repetition" [ "$(grep -c "\"direction\":\"$way\",\"ok\":true" "$T/out")" = 6 ]
done
check 'socket: a sample says what was at the other end' said '"backend":"socket","size_bytes":4096,"repetition":0,"direction":"to_device","ok":true,"device":{"platform":"socket","name":"memory behind a plain socket","driver":"none","type":"other"}'
# The kernel's own count of each size's connection: 2 x 3 transfers each way, two before them, and two each way that check.
proof() {
	sed -n "s/^{\"type\":\"connection\",\"transport\":\"tcp\",\"size_bytes\":$1,.*\"remote\":\"$WHERE\",\"ss\":{\"sent\":\([0-9]*\),\"received\":\([0-9]*\)},\"v4v\":null}$/\1 \2/p" "$T/out"
}
check 'socket: a connection for each size' [ "$(grep -c '"type":"connection"' "$T/out")" = 3 ]
check 'socket: what its sockets were granted is told' [ "$(grep -c '"rcvbuf":[1-9][0-9]*,"sndbuf":[1-9][0-9]*,"local"' "$T/out")" = 3 ]
for size in 4096 5000001; do
	check "socket: ss saw the payload of $size bytes each way" eval \
		'set -- $(proof $size) && [ $# = 2 ] && [ "$1" -ge $((6 * size)) ] && [ "$1" -lt $((9 * size)) ] && [ "$2" -ge $((6 * size)) ] && [ "$2" -lt $((11 * size)) ]'
done
mkdir "$T/no-ss"
ln -s /bin/sh "$T/no-ss/sh"
PATH=$T/no-ss check 'socket: without ss' "$BENCH" transfer --backend socket --server "$WHERE" --repetitions 1 --samples "$T/unseen" 4096
check 'socket: without ss it is not claimed' grep -q '"type":"connection".*"ss":null' "$T/unseen"
# With this variable ss does as without the kernel's tcp_diag: /proc/net/tcp has the ends and no bytes.
check 'socket: ss without tcp_diag' env PROC_NET_TCP=/proc/net/tcp \
	"$BENCH" transfer --backend socket --server "$WHERE" --repetitions 1 --samples "$T/uncounted" 4096
check 'socket: ss without tcp_diag does not tell of 0 bytes' grep -q '"type":"connection".*"ss":null' "$T/uncounted"
check 'socket: a second server at the same place' answers 1 serve "$WHERE"
check 'socket: a second server at the same place: why' in_stderr "$WHERE: bind: Address already in use"
# What is no request ends its own connection and nothing else.
head -c 4000 /dev/urandom | timeout 5 bash -c "cat >/dev/tcp/${WHERE%:*}/${WHERE#*:}" 2>/dev/null
check 'socket: it serves after one who spoke nonsense' answers 0 transfer --backend socket --server "$WHERE" --repetitions 1 --count 1 4096
kill "$serving"
wait "$serving" 2>/dev/null
check 'socket: the server complained of nothing' [ ! -s "$T/served" ]

# A server that dies between the two: what the client then says.
"$BENCH" serve "$WHERE" 2>/dev/null &
serving=$!
check 'socket: it serves again' listening
(
	sleep 1
	kill -KILL "$serving"
) &
check 'socket: a server that dies' answers 1 transfer --backend socket --server "$WHERE" --repetitions 100000 --timeout 20 65536
check 'socket: a server that dies: samples so far are kept' said '"ok":true'
check 'socket: a server that dies: one line says so' [ "$(grep -c '"ok":false' "$T/out")" = 1 ]
wait "$serving" 2>/dev/null
