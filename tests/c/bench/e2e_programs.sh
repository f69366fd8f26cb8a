# Unmodified programs as ends of a pair, played by a program of the tests: commands, figures, ways, failures.
# shellcheck shell=sh disable=SC2154

for name in iperf3 redis-server redis-benchmark; do
	cp "$T/fake_program" "$T/$name"
done
PATH=$T:$PATH

# play VARIABLES...: the five steps with these in the agents' environment.
play() {
	A="env ULP_LOG=$T/ended $* $T/plain agent"
	rm -f "$T/ended"
	make_plan "$T/plan" "$A" "$A" <<EOT
$(step 1 iperf3 tcp 131072 0 0 1500 domu1:domu2)
$(step 2 redis-get tcp 3 0 1000 500 domu1:domu2)
$(step 3 redis-get unix 3 0 1000 500 domu1:domu1)
$(step 4 iperf3 v4v-sockets 131072 0 0 1000 domu1:domu2)
$(step 5 redis-get v4v-sockets 3 0 1000 500 domu1:domu2)
EOT
	drive --step-timeout 5 "$T/plan"
}

stand_in="LD_PRELOAD=$T/ulp_stand_in.so ULP_PEER=127.83.$net.2"
play "$stand_in" ULP_STAND_IN=moved
check 'programs: exit 0' [ "$rc" = 0 ]
check 'programs: all samples ok' all_ok
check 'programs: iperf3 as a user would run it' holds 1 '"program":"iperf3","version":"iperf3 1.2 of \"tests\"","command":"iperf3 -c 127.83.'"$net"'.2 -p ' \
	' -l 131072 -t 2 -i 0 -J","figure":1.000,"unit":"MB/s","payload_bytes":1000000,'
check 'programs: redis-benchmark as a user would run it' holds 2 '"version":"redis-benchmark 1.2' \
	' -t get -c 16 -n 1000 -d 3 --csv","figure":1234.560,"unit":"1/s","payload_bytes":3000,'
check 'programs: redis over AF_UNIX' holds 3 '"command":"redis-benchmark -s /tmp/v4v-bench-'
check 'programs: under v4vrun at both ends' holds 4 '"command":"v4vrun --mode require iperf3 -c '
check 'programs: the bytes of V4V are told' [ "$(samples 4 | field ring_tx_bytes)" -ge 1000000 ]
check 'programs: of all connections' [ "$(samples 5 | field ring_tx_bytes)" -ge 1000000 ]
check "programs: TCP's bytes pass the interfaces" [ "$(samples 1 | field net_tx_bytes)" -ge 1000000 ]
check "programs: TCP's pass no ring" [ "$(samples 1 | field ring_tx_bytes)" = 0 ]
check 'programs: their buffers are not told' sh -c '! grep -q sndbuf "$1"' - "$T/samples"

play "$stand_in" ULP_STAND_IN=slips
check 'slips: bytes that went by TCP are found' holds 4 '"ok":false' 'bytes went by the ring,'
play "$stand_in" ULP_STAND_IN=moved FAKE_BYTES=1000
check 'less than its own figure says' holds 5 '"ok":false' 'of a payload of 3000 at least'
play FAKE=fails
check "a client that fails: its words are the reason" holds 1 '"ok":false' 'unable to connect'
check 'a client that fails: the run goes on' holds 5 '"ok":false'
play FAKE=dies
check 'a server that ends at its start: its words are the reason' holds 1 '"ok":false' \
	"domu2 (server): iperf3 -s -B 127.83.$net.2 -p " "the address is somebody else's"
play FAKE=mute
check 'a client without a figure fails' holds 1 '"ok":false' 'iperf3: it said nothing'
check 'without the module V4V is refused' holds 4 '"ok":false'
rm "$T/redis-server"
play FAKE=none
check 'a program that is not installed' holds 3 '"ok":false' 'redis-server: No such file'

# A program does not outlive its agent.
cat >"$T/iperf3" <<'EOT'
#!/bin/sh
[ "$1" = --version ] || exec sleep 600
echo slow
EOT
play FAKE=none
check 'a server that never listens fails in time' holds 1 '"ok":false'
BENCH=$T/plain
check 'no process is left' none_left
BENCH=$T/fake_program
check 'no program is left' none_left
check 'no socket is left' sh -c '! ls /tmp/v4v-bench-*.sock 2>/dev/null'
