# Every transport that works on one machine, both kinds, one and two pairs at once.
# shellcheck shell=sh disable=SC2154

A="$BENCH agent"
make_plan "$T/plan" "$A" "$A" <<EOF
$(step 1 pingpong tcp 64 5 50 500 domu1:domu2)
$(step 2 pingpong tcp-stock 1 0 20 500 domu1:domu2)
$(step 3 pingpong unix 65537 3 20 500 domu1:domu1)
$(step 4 pingpong tcp 1048577 2 5 500 domu2:domu1)
$(step 5 stream tcp 65536 4 0 100 domu1:domu2)
$(step 6 stream tcp-stock 1 0 37 500 domu1:domu2)
$(step 7 stream unix 100000 1 33 500 domu2:domu2)
$(step 8 stream tcp 16777216 0 2 1000 domu1:domu2)
$(step 9 pingpong tcp 16777216 0 1000000 1 domu1:domu2)
$(step 10 pingpong tcp 64 0 1000000 100 domu1:domu2)
$(step 11 pingpong tcp 1000 3 1 300 domu1:domu2,domu2:domu1)
$(step 12 stream tcp-stock 70000 0 0 200 domu1:domu2,domu2:domu1)
$(step 13 pingpong tcp 64 0 1 2000 domu1:domu2)
$(step 14 memcpy native 65536 3 20 500 domu1:domu1)
$(step 15 memcpy native 1048577 0 0 50 domu2:domu2)
$(step 16 pingpong tcp 1 2 1000000 200 domu1:domu2,domu2:domu1/70001)
$(step 18 connect tcp 1 2 25 2000 domu1:domu2)
$(step 19 connect unix 1 0 1000000 100 domu2:domu2)
$(step 20 connect tcp-stock 1 0 10 2000 domu1:domu2,domu2:domu1)
$(step 17 stream unix 100 2 0 100 domu1:domu1,domu2:domu2/70001)
EOF
drive "$T/plan"
check 'every local transport: exit 0 and JSON lines' [ "$rc" = 0 ]
check 'every local transport: all samples ok' all_ok
stock=$(cat /proc/sys/net/ipv4/tcp_congestion_control),rmem=$(tr '\t' : </proc/sys/net/ipv4/tcp_rmem),wmem=$(tr '\t' : </proc/sys/net/ipv4/tcp_wmem)
check "first line is start, with plan hash, kernel, cpus and TCP's own settings" \
	grep -q '^{"type":"start","version":1,"plan":"[0-9a-f]\{16\}","bench":"[^"]*","clock":"CLOCK_MONOTONIC","time":"[0-9-]*T[0-9:]*Z","domains":\[{"name":"domu1","domid":1,"addr":"127.83.'$net'.1","cid":1,"kernel":"'"$(uname -r)"'","cpus":[1-9][0-9]*,"tcp":"'"$stock"'"},{' "$T/samples"
check 'pingpong ends by count' [ "$(samples 1 | rtts)" = 50 ]
check 'tuned TCP reports buffers' [ "$(samples 1 | field sndbuf)" -gt 0 ]
check 'unix pingpong ends by count' [ "$(samples 3 | rtts)" = 20 ]
check 'stream ends by budget' [ "$(samples 5 | field wall_ns)" -ge 100000000 ]
check 'stream counts every byte at the receiver' \
	[ "$(samples 5 | field bytes)" = "$(($(samples 5 | field messages) * 65536))" ]
receiver_time_fits() {
	ns=$(samples 5 | field ns)
	[ "$ns" -ge 50000000 ] && [ "$ns" -le 5000000000 ]
}
check "stream's time at the receiver is about the budget" receiver_time_fits
check 'stream of single bytes ends by count' [ "$(samples 6 | field bytes)" = 37 ]
check 'stream over unix ends by count' [ "$(samples 7 | field messages)" = 33 ]
check 'stream of the largest messages' [ "$(samples 8 | field bytes)" = 33554432 ]
check 'at least one round trip however small the budget' [ "$(samples 9 | rtts)" -ge 1 ]
check 'pingpong ends by budget' [ "$(samples 10 | field wall_ns)" -ge 100000000 ]
check 'pingpong by budget stays below its count' [ "$(samples 10 | rtts)" -lt 1000000 ]
sum_is_window() {
	samples 10 | sed 's/.*"rtt_ns":\[\([0-9,]*\)\].*"wall_ns":\([0-9]*\).*/\1 \2/' |
		awk '{n = split($1, rtt, ","); for (i = 1; i <= n; i++) sum += rtt[i]; exit sum != $2}'
}
check 'round trips add up to the timed window' sum_is_window
check 'two pairs, two samples' [ "$(samples 12 | wc -l)" = 2 ]
check 'each pair is named' [ "$(samples 12 | grep -c -e '"pair":"domu1:domu2"' -e '"pair":"domu2:domu1"')" = 2 ]
# Both clients run on this machine's one clock: they start together and run side by side.
started_together() {
	samples "$1" | field start_ns | sort -n | awk -v most="$2" 'NR == 1 {first = $1} END {exit !(NR == 2 && $1 - first < most)}'
}
check 'two pairs start together' started_together 12 100000000
step_ms() {
	awk -F'"t_ms":|}' -v id="$1" '/"type":"step"/ {if (index($0, "\"id\":" id ",")) print $2 - before; before = $2}' "$T/samples"
}
check 'a pair that ends early keeps silent while others are timed' [ "$(step_ms 11)" -ge 300 ]
check 'a single pair does not wait for its budget' [ "$(step_ms 13)" -lt 1500 ]
check 'memcpy ends by count' [ "$(samples 14 | field bytes)" = "$((20 * 65536))" ]
check 'memcpy ends by budget' [ "$(samples 15 | field ns)" -ge 50000000 ]
check 'memcpy is named' holds 14 '"kind":"memcpy","transport":"native"'
check 'a pair with a size of its own' [ "$(samples 16 | field size_bytes | tr '\n' ' ')" = '1 70001 ' ]
check 'its round trips take their time beside the others' [ "$(samples 16 | rtts | sort -n | head -n 1)" -ge 2 ]
own_bytes() {
	samples 17 | sed 's/.*"size_bytes":\([0-9]*\),.*"bytes":\([0-9]*\),.*"messages":\([0-9]*\).*/\1 \2 \3/' |
		awk '$1 * $3 != $2 {bad = 1} END {exit bad || NR != 2}'
}
check 'a stream of a size of its own, counted at the receiver' own_bytes
setups() {
	samples "$1" | sed -n 's/.*"setup_ns":\[\([0-9,]*\)\].*/\1/p' | awk -F, '{print NF}'
}
check 'connections end by count' [ "$(setups 18)" = 25 ]
check 'connections end by budget' [ "$(samples 19 | field wall_ns)" -ge 100000000 ]
check 'connections in two pairs' [ "$(setups 20 | tr '\n' ' ')" = '10 10 ' ]
check 'connections are named' holds 18 '"kind":"connect","transport":"tcp"'
setups_add_up() {
	samples 18 | sed 's/.*"setup_ns":\[\([0-9,]*\)\].*"wall_ns":\([0-9]*\).*/\1 \2/' |
		awk '{n = split($1, ns, ","); for (i = 1; i <= n; i++) sum += ns[i]; exit sum != $2}'
}
check 'set-ups add up to the timed window' setups_add_up
check 'the end line counts the samples' grep -q '^{"type":"end","ok":25,"failed":0,"t_ms":[0-9]*}$' "$T/samples"
check 'no process is left' none_left

if vsock=$("$T/vsock_probe"); then
	make_plan "$T/plan" "$A" "$A" <<EOF
$(step 1 pingpong v4v 1 2 50 500 domu1:domu2)
$(step 2 pingpong v4v 1048577 2 5 500 domu1:domu2)
$(step 3 stream v4v 65536 2 0 100 domu1:domu2)
EOF
	drive "$T/plan"
	check 'AF_VSOCK: exit 0' [ "$rc" = 0 ]
	check 'AF_VSOCK: all samples ok' all_ok
else
	echo "# skipped: AF_VSOCK between two agents here, because of $vsock"
	make_plan "$T/plan" "$A" "$A" <<EOF
$(step 1 pingpong v4v 1 2 50 100 domu1:domu2)
$(step 2 pingpong tcp 1 2 50 100 domu1:domu2)
EOF
	drive --step-timeout 1 "$T/plan"
	check 'AF_VSOCK that does not work: exit 0' [ "$rc" = 0 ]
	check 'AF_VSOCK that does not work: a failed sample with its reason' holds 1 '"ok":false' '"error":"domu'
	check 'AF_VSOCK that does not work: the run goes on' holds 2 '"ok":true'
fi

# How the program uses AF_VSOCK (addresses, options), over a stand-in that works everywhere.
A="env LD_PRELOAD=$T/vsock_stand_in.so VSOCK_LOG=$T/vsock.log $T/plain agent"
make_plan "$T/plan" "$A" "$A" <<EOF
$(step 1 pingpong v4v 1 2 50 500 domu1:domu2)
$(step 2 stream v4v 65536 2 0 100 domu1:domu2,domu2:domu1)
$(step 3 connect v4v 1 1 5 1000 domu1:domu2)
EOF
sed -i '/domid=1/s/cid=1/cid=66/; /domid=2/s/cid=1/cid=77/' "$T/plan"
drive "$T/plan"
check 'AF_VSOCK stand-in: exit 0' [ "$rc" = 0 ]
check 'AF_VSOCK stand-in: all samples ok' all_ok
check "AF_VSOCK stand-in: the ring's size is left to the transport and reported" \
	holds 1 '"sndbuf":1048576,"rcvbuf":1048576'
check "AF_VSOCK stand-in: connections go to the server's context id" \
	[ "$(sort "$T/vsock.log" | uniq -c | tr -s ' \n' ' ')" = ' 2 connect 66 10 connect 77 ' ]
