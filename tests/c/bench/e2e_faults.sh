# Data that is corrupt, lost or stuck, by the faults of the test build (see fault.h): it is found, and bounded.
# shellcheck shell=sh disable=SC2154

A="$BENCH agent"

# faulty FAULT STEP...: runs one step with the fault.
faulty() {
	V4V_BENCH_FAULT=$1
	export V4V_BENCH_FAULT
	shift
	step 1 "$@" | make_plan "$T/plan" "$A" "$A"
	drive --step-timeout 2 "$T/plan"
	unset V4V_BENCH_FAULT
}

faulty corrupt-warmup pingpong tcp 1000 3 5 100 domu1:domu2
check 'a flipped bit in a warm-up echo is found' holds 1 '"ok":false' 'integrity: byte 500 of the echo of message 0 differs'
check 'a flipped bit: the run goes on' [ "$rc" = 0 ]
faulty corrupt-last pingpong unix 1 3 5 1900 domu1:domu1
check 'a flipped bit after the timed round trips is found' holds 1 '"ok":false' 'integrity'
faulty corrupt-last pingpong tcp 70000 0 5 1900 domu1:domu2
check 'a flipped bit after the timed round trips of large messages is found' \
	holds 1 '"ok":false' 'integrity: byte 35000 of the echo of message 5 differs'
faulty corrupt-stream stream tcp 1000 0 5 100 domu1:domu2
check 'a flipped bit in a stream is found' holds 1 '"ok":false' 'integrity: checksum sent'
faulty lose stream tcp 1000 0 5 100 domu1:domu2
check 'a lost byte in a stream is found' holds 1 '"ok":false' 'integrity: 5000 bytes were sent, 4999 received'
for kind in pingpong stream; do
	faulty crash "$kind" tcp 1000 1 5 100 domu1:domu2
	check "$kind: a server that dies while being timed is told" holds 1 '"ok":false' 'domu2 (server): its process was killed by signal 9'
	faulty hang "$kind" tcp 1048576 1 100000 500 domu1:domu2
	check "$kind: a server that hangs while being timed is bounded" holds 1 '"ok":false' 'the deadline'
	check "$kind: a hang ends no run" [ "$rc" = 0 ]
done
check 'faults: no process is left' none_left
