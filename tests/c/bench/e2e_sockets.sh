# TCP under v4vrun: where V4V is missing or a byte goes another way the sample fails and says so.
# shellcheck shell=sh disable=SC2154

A="$T/plain agent"
PATH=$T:$PATH
two_steps() {
	make_plan "$T/plan" "$A" "$A" <<EOT
$(step 1 pingpong v4v-sockets 64 2 50 500 domu1:domu2)
$(step 2 stream v4v-sockets 65536 2 20 500 domu1:domu2)
$(step 3 pingpong tcp 64 2 50 500 domu1:domu2)
$(step 4 connect v4v-sockets 1 2 20 1000 domu1:domu2)
EOT
	drive "$T/plan"
}

mv "$T/v4vrun" "$T/elsewhere"
two_steps
check 'without v4vrun: exit 0' [ "$rc" = 0 ]
check 'without v4vrun: the sample fails and says so' holds 1 '"ok":false' 'domu2 (server): path: v4vrun: No such file'
check 'without v4vrun: the run goes on' holds 3 '"ok":true'
mv "$T/elsewhere" "$T/v4vrun"

if [ -e /proc/v4v ]; then
	echo '# skipped: v4vrun without the module, which is loaded here'
else
	two_steps
	check 'without the module: exit 0' [ "$rc" = 0 ]
	check 'without the module: the sample fails and says so' holds 1 '"ok":false' \
		'domu2 (server): path: the listener does not ask for V4V: the module v4v is not loaded here'
	check 'without the module: a stream fails, too' holds 2 '"ok":false' 'path: the listener does not ask for V4V'
	check 'without the module: the run goes on' holds 3 '"ok":true'
fi

# play PART: as two_steps, with the stand-in for the module.
play() {
	A="env LD_PRELOAD=$T/ulp_stand_in.so ULP_STAND_IN=$1 ULP_PEER=127.83.$net.2 $T/plain agent"
	two_steps
}

play moved
check 'moved: exit 0' [ "$rc" = 0 ]
check 'moved: all samples ok' all_ok
check "moved: a ping-pong's bytes are the window's, both ways" \
	holds 1 '"ring_tx_bytes":3200,"ring_rx_bytes":3200,"tcp_tx_bytes":0,"tcp_rx_bytes":0'
check "moved: a stream's bytes are the window's" holds 2 '"ring_tx_bytes":1310720,'
check 'moved: TCP says nothing of rings' sh -c '! grep "\"transport\":\"tcp\"" "$1" | grep -q ring_' - "$T/samples"
check 'moved: buffers are told as for TCP' [ "$(samples 1 | field sndbuf)" -gt 0 ]
play stays
check 'stays: the sample fails with the reason' holds 1 '"ok":false' 'path: the connection stays on TCP: refused'
check 'stays: connections fail before they are timed' holds 4 '"ok":false' 'path: the connection stays on TCP: refused'
play slips
check 'slips: bytes that went by TCP are found' holds 1 '"ok":false' 'bytes sent went by the ring'
check 'slips: in a stream, too' holds 2 '"ok":false' 'bytes sent went by the ring'
play moved
sed -i "s/ULP_PEER=[0-9.]*/ULP_PEER=192.0.2.1/" "$T/plan"
drive "$T/plan"
check 'no peer: the connection is refused' holds 1 '"ok":false' 'domu1 (client): connect: Network is unreachable'


# to_nobody PART PEER: pings to an address that is no peer's, or is one all the same.
to_nobody() {
	A="env LD_PRELOAD=$T/ulp_stand_in.so ULP_STAND_IN=$1 ULP_PEER=$2 $T/plain agent"
	make_plan "$T/plan" "$A" "$A" <<EOT
$(step 1 pingpong tcp-v4vrun 64 2 50 500 domu1:domu2)
$(step 2 pingpong tcp-v4vrun 65536 2 20 500 domu1:domu2)
EOT
	drive "$T/plan"
}

to_nobody nobodys 192.0.2.1
check 'to no peer: exit 0' [ "$rc" = 0 ]
check 'to no peer: all samples ok' all_ok
check 'to no peer: not a byte by a ring, and all by TCP, as the kernel counts' \
	holds 1 '"ring_tx_bytes":0,"ring_rx_bytes":0,"tcp_tx_bytes":3200,"tcp_rx_bytes":3200'
check 'to no peer: large messages, too' \
	holds 2 '"ring_tx_bytes":0,"ring_rx_bytes":0,"tcp_tx_bytes":1310720,"tcp_rx_bytes":1310720'
to_nobody moved "127.83.$net.2"
check 'to a peer: the sample fails, for it is no plain TCP' holds 1 '"ok":false' \
	'path: the module knows the connection, whose far end should be no peer: state moved'
if [ ! -e /proc/v4v ]; then
	A="$T/plain agent"
	make_plan "$T/plan" "$A" "$A" <<EOT
$(step 1 pingpong tcp-v4vrun 64 2 50 500 domu1:domu2)
EOT
	drive "$T/plan"
	check 'to no peer, without the module: the sample fails and says so' holds 1 '"ok":false' \
		'domu2 (server): path: the listener does not ask for V4V'
fi

BENCH=$T/plain
check 'no process is left' none_left
