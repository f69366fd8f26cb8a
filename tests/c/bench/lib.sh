# Helpers of the end-to-end tests. $T is the part's folder, $BENCH the sanitized test build, $net the part's number.
# shellcheck shell=sh disable=SC2154

PASSED=0
FAILED=0

# check NAME COMMAND...: the command's status decides.
check() {
	check_name=$1
	shift
	if "$@"; then
		PASSED=$((PASSED + 1))
		echo "ok $check_name"
	else
		FAILED=$((FAILED + 1))
		echo "FAIL $check_name: $*"
		[ ! -s "$T/err" ] || sed 's/^/# stderr: /' "$T/err" | tail -n 5
	fi
}

# make_plan FILE AGENT1 AGENT2: a plan of two domains on loopback; the steps come on stdin.
make_plan() {
	{
		echo 'v4v-bench-plan 1'
		echo "domain name=domu1 domid=1 addr=127.83.$net.1 cid=1 agent=$2"
		echo "domain name=domu2 domid=2 addr=127.83.$net.2 cid=1 agent=$3"
		cat
	} >"$1"
}

# step ID KIND TRANSPORT SIZE WARMUP COUNT BUDGET_MS PAIRS: a line of a plan.
step() {
	echo "step id=$1 experiment=test kind=$2 transport=$3 size=$4 warmup=$5 count=$6 budget_ms=$7 repetition=0 pairs=$8"
}

# drive ARGUMENTS...: runs it bounded; its status is in $rc, its stderr in $T/err. Starts without old samples.
drive() {
	rm -f "$T/samples"
	resume_drive "$@"
}

resume_drive() {
	rc=0
	timeout 25 "$BENCH" drive "$@" "$T/samples" 2>"$T/err" || rc=$?
	[ "$rc" -eq 0 ] || return 0
	"$T/jsonl" "$T/samples" 2>>"$T/err" || rc=json
}

# samples ID: the sample lines of a step.
samples() {
	grep "^{\"type\":\"sample\",\"id\":$1," "$T/samples"
}

# field KEY: the number (or word) of a key in each line of stdin.
field() {
	sed -n "s/.*\"$1\":\\([0-9a-z]*\\)[,}].*/\\1/p"
}

# rtts: how many round trips each line of stdin holds.
rtts() {
	sed -n 's/.*"rtt_ns":\[\([0-9,]*\)\].*/\1/p' | awk -F, '{print NF}'
}

# holds ID TEXT...: every sample line of the step holds each text, and there is at least one line.
holds() {
	holds_lines=$(samples "$1") || return 1
	shift
	for holds_text in "$@"; do
		! printf '%s\n' "$holds_lines" | grep -qvF -e "$holds_text" || return 1
	done
}

all_ok() {
	! grep -q '"ok":false' "$T/samples" && grep -q '"ok":true' "$T/samples"
}

in_stderr() {
	grep -qF -e "$1" "$T/err"
}

# survivors: processes that still run the program of this test run.
survivors() {
	for survivors_exe in /proc/[0-9]*/exe; do
		[ "$(readlink "$survivors_exe" 2>/dev/null)" != "$BENCH" ] || echo "$survivors_exe"
	done
}

# none_left: within three seconds nothing of it runs any more.
none_left() {
	for none_left_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		[ -n "$(survivors)" ] || return 0
		sleep 0.2
	done
	echo "# still running after try $none_left_try: $(survivors)"
	return 1
}
