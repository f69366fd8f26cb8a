# The command line: exit codes, messages, the CPU command.
# shellcheck shell=sh disable=SC2154

A="$BENCH agent"

# answers STATUS ARGUMENTS...: runs the program; output is in $T/out and $T/err.
answers() {
	answers_status=$1
	shift
	rc=0
	timeout 10 "$BENCH" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ "$rc" = "$answers_status" ]
}

check '--version' answers 0 --version
check '--version names the program' grep -q '^v4v-bench [0-9.]*$' "$T/out"
check '--help' answers 0 --help
check '--help names every command' [ "$(grep -c -e 'v4v-bench drive' -e 'v4v-bench check' -e 'v4v-bench agent' "$T/out")" = 3 ]
check 'no command' answers 2
check 'unknown command' answers 2 fly
check 'unknown command is named' in_stderr 'unknown command fly'
check 'drive without files' answers 2 drive
check 'unknown option' answers 2 drive --fast a b
check 'unknown option is named' in_stderr 'unknown option --fast'
check 'step timeout of zero' answers 2 drive --step-timeout 0 a b
check 'step timeout that is no number' answers 2 drive --step-timeout 1m a b
check 'option without value' answers 2 drive --cpu-command
check 'empty CPU command' answers 2 drive --cpu-command ' ' a b
check 'gate wait that is no number' answers 2 drive --gate-wait soon a b
check 'empty gate' answers 2 drive --gate '' a b
check 'agent takes no arguments' answers 2 agent now
check 'agent ends with its stdin' answers 0 agent
check 'agent greets' grep -q '^agent 1 version=[0-9.]* cpus=[1-9][0-9]* kernel=' "$T/out"
echo 'make coffee' >"$T/in"
agent_refuses() {
	! timeout 10 "$BENCH" agent <"$T/in" >"$T/out" 2>"$T/err" && in_stderr 'cannot understand "make"'
}
check 'agent refuses what it does not know' agent_refuses

# An agent that ends takes its roles along, whichever way it ends.
mkfifo "$T/fifo"
for end in 'end of stdin' SIGKILL; do
	: >"$T/out"
	"$BENCH" agent <"$T/fifo" >"$T/out" 2>"$T/err" &
	pid=$!
	exec 9<>"$T/fifo"
	echo 'role 0 end=server kind=pingpong transport=unix size=1 warmup=0 count=1 budget_ms=1 pairs=1 deadline_ms=20000' \
		'seed=1 token=00112233445566778899aabbccddeeff addr=127.0.0.1 cid=1 port=0 domid=2 client_domid=1' >&9
	timeout 10 sh -c 'until grep -q "^listening 0 " "$1"; do sleep 0.05; done' - "$T/out"
	check "agent, $end: its role listened" grep -q '^listening 0 [0-9]*$' "$T/out"
	[ "$end" = 'end of stdin' ] || kill -KILL "$pid"
	exec 9>&-
	wait "$pid" 2>/dev/null
	check "agent, $end: no process is left" none_left
done

check 'plan that is not there: 1' answers 1 check "$T/no-plan"
check 'plan that is not there is named' in_stderr "$T/no-plan: No such file or directory"
check 'plan that is a folder: 1' answers 1 check "$T"
step 1 pingpong tcp 64 1 5 50 domu1:domu3 | make_plan "$T/plan" "$A" "$A"
check 'check of a wrong plan: 2' answers 2 check "$T/plan"
check 'file, line and word are named' in_stderr "$T/plan:4: pairs: no domain line above defines \"domu3\""
check 'drive of a wrong plan: 2' answers 2 drive "$T/plan" "$T/never"
check 'drive of a wrong plan writes no samples' [ ! -e "$T/never" ]
step 1 pingpong tcp 64 1 5 60000 domu1:domu2 | make_plan "$T/plan" "$A" "$A"
check 'check of a good plan' answers 0 check "$T/plan"
check 'check says what is in it' grep -q '2 domains, 1 steps, 1 samples, timed windows of at most 60.000 s' "$T/out"
check 'a budget above the step timeout: 2' answers 2 drive "$T/plan" "$T/never"
check 'it names the way out' in_stderr '--step-timeout'
step 1 pingpong tcp 64 1 5 50 domu1:domu2 | make_plan "$T/plan" "$A" "$A"
check 'samples in no folder: 1' answers 1 drive "$T/plan" "$T/no-folder/samples"

# CPU time: a command that counts its calls.
cat >"$T/cpu.sh" <<EOF
echo x >>$T/cpu.calls
n=\$(wc -l <$T/cpu.calls)
echo "0 \$((n * 1000))"
echo "2 18446744073709550000"
[ "\$n" != 1 ] || echo "3 5"
EOF
rm -f "$T/cpu.calls"
make_plan "$T/plan" "$A" "$A" <<EOF
$(step 1 pingpong tcp 64 1 5 100 domu1:domu2,domu2:domu1)
$(step 2 stream tcp 64 1 5 100 domu1:domu2)
EOF
drive --cpu-command "/bin/sh $T/cpu.sh" "$T/plan"
check 'CPU time: exit 0' [ "$rc" = 0 ]
check 'CPU time: called before and after each window' [ "$(wc -l <"$T/cpu.calls")" = 4 ]
check 'CPU time: on the first pair only' [ "$(samples 1 | grep -c '"cpu_ns"')" = 1 ]
check 'CPU time: of the domains in both readings' grep -q '"pair":"domu1:domu2".*"cpu_ns":{"0":1000,"2":0},"cpu_window_ns":[0-9]*}' "$T/samples"
check 'CPU time: the window holds the timed one' [ "$(samples 1 | field cpu_window_ns)" -ge 100000000 ]
drive --cpu-command 'sh -c exit' "$T/plan"
check 'CPU command that says nothing: samples stay ok' all_ok
check 'CPU command that says nothing: told' grep -q '"cpu_error":"--cpu-command: it printed nothing' "$T/samples"
drive --cpu-command "$T/no-such-command" "$T/plan"
check 'CPU command that is not there: told' grep -q '"cpu_error":"--cpu-command: cannot start' "$T/samples"
drive --cpu-command 'echo load average: 1' "$T/plan"
check 'CPU command that says something else: told' grep -q '"cpu_error":"--cpu-command: a line is not `domid ns`"' "$T/samples"
check 'without the command there is no CPU time' grep -qv cpu_ns "$T/samples"

# Started by something that closed the standard descriptors.
rm -f "$T/samples"
rc=0
timeout 25 "$BENCH" drive "$T/plan" "$T/samples" <&- >&- 2>&- || rc=$?
check 'without stdin, stdout and stderr: exit 0' [ "$rc" = 0 ]
check 'without stdin, stdout and stderr: all samples ok' all_ok
