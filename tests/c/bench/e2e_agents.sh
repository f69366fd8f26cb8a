# Agents that die, keep silent, or talk nonsense: their samples fail with a reason, everything else goes on.
# shellcheck shell=sh disable=SC2154,SC2016

A="$BENCH agent"
version=$("$BENCH" --version | sed 's/v4v-bench //')
hello="agent 1 version=$version cpus=1 kernel=k tcp=t"

# fake NAME: an agent as a shell script on stdin; its command is in $fake.
fake() {
	{
		echo "echo x >>$T/$1.starts"
		cat
	} >"$T/$1.sh"
	rm -f "$T/$1.starts"
	fake="/bin/sh $T/$1.sh"
}

# three_steps AGENT: the middle one needs the agent.
three_steps() {
	make_plan "$T/plan" "$A" "$1" <<EOF
$(step 1 pingpong tcp 64 1 5 50 domu1:domu1)
$(step 2 pingpong tcp 64 1 5 50 domu1:domu2)
$(step 3 pingpong tcp 64 1 5 50 domu1:domu1)
EOF
	drive --step-timeout "${2:-5}" "$T/plan"
}

# only_middle_fails NAME REASON
only_middle_fails() {
	check "$1: exit 0" [ "$rc" = 0 ]
	check "$1: its sample says why" holds 2 '"ok":false' "$2"
	check "$1: the other steps are measured" [ "$(grep -c '"ok":true' "$T/samples")" = 2 ]
	check "$1: counted" grep -q '"type":"end","ok":2,"failed":1,' "$T/samples"
}

fake quits <<'EOF'
echo 'Host key verification "failed"' >&2
exit 255
EOF
three_steps "$fake"
only_middle_fails 'agent that exits at once' \
	'domu2 (server): agent of domu2: it exited with status 255 (Host key verification \"failed\")'
check 'agent that exits at once: started twice, once for the step' [ "$(wc -l <"$T/quits.starts")" = 2 ]
check 'agent that exits at once: unknown kernel in the start line' \
	grep -q '"cid":1,"kernel":null,"cpus":null,"error":"agent of domu2' "$T/samples"

three_steps "$T/does-not-exist agent"
only_middle_fails 'agent that is not there' "cannot start $T/does-not-exist: No such file or directory"

make_plan "$T/plan" "$A" "$fake" <<EOF
$(for id in 1 2 3 4 5 6 7; do step $id pingpong tcp 64 1 5 50 domu1:domu2; done)
$(step 8 pingpong tcp 64 1 5 50 domu1:domu1)
EOF
rm -f "$T/quits.starts"
drive --step-timeout 5 "$T/plan"
check 'an agent that never starts is given up' [ "$(wc -l <"$T/quits.starts")" = 5 ]
check 'given up: said so' holds 7 'not tried again after 5 failed starts in a row'
check 'given up: the rest is measured' holds 8 '"ok":true'

fake dies <<EOF
echo '$hello'
read -r line
exit 3
EOF
three_steps "$fake"
only_middle_fails 'agent that dies in the step' 'agent of domu2: it exited with status 3'

# It dies in the first step that needs it only: the next one starts it again.
fake dies_once <<EOF
[ -e "$T/died" ] && exec $A
echo '$hello'
read -r line
: >"$T/died"
exit 3
EOF
rm -f "$T/died"
make_plan "$T/plan" "$A" "$fake" <<EOF
$(step 1 pingpong tcp 64 1 5 50 domu1:domu2)
$(step 2 pingpong tcp 64 1 5 50 domu1:domu2)
EOF
drive --step-timeout 5 "$T/plan"
check 'agent that died is restarted for the next step' holds 2 '"ok":true'
check 'agent that died: its own step failed' holds 1 '"ok":false'
check 'agent that died: one restart' [ "$(wc -l <"$T/dies_once.starts")" = 2 ]

fake killed <<EOF
echo \$\$ >$T/killed.pid
exec $A
EOF
make_plan "$T/plan" "$A" "$fake" <<EOF
$(step 1 stream tcp 1000 1 0 3000 domu1:domu2)
EOF
(
	sleep 1.5
	kill -KILL "$(cat "$T/killed.pid")"
) &
pid=$!
drive --step-timeout 20 "$T/plan"
wait "$pid"
check 'agent that is killed while its role is being timed' holds 1 '"ok":false' 'agent of domu2: it was killed by signal 9'
check "a killed agent's roles end with it" none_left

fake silent <<'EOF'
exec sleep 60
EOF
three_steps "$fake" 2
only_middle_fails 'agent that never greets' 'agent of domu2: it did not answer in time'

fake stuck <<EOF
echo '$hello'
exec sleep 60
EOF
three_steps "$fake" 2
only_middle_fails 'agent that greets and falls silent' "domu2 (server): not done with listening within the step's 2000 ms"

fake other_version <<'EOF'
echo 'agent 1 version=9.9 cpus=1 kernel=k tcp=t'
exec sleep 60
EOF
three_steps "$fake"
only_middle_fails 'agent of another version' 'it is v4v-bench 9.9, this is'

fake noisy <<EOF
echo 'Welcome to domu2!'
echo 'agents are standing by'
echo 'a remark' >&2
exec $A
EOF
three_steps "$fake"
check 'a banner before the greeting does not matter' all_ok
check "what an agent says on stderr is passed on" in_stderr 'domu2: a remark'

# nonsense NAME REASON: the script on stdin plays an agent that greeted and got the server's role.
nonsense() {
	nonsense_name=$1
	nonsense_reason=$2
	{
		echo "echo '$hello'"
		echo 'read -r line'
		cat
		echo 'exec sleep 60'
	} | {
		fake nonsense
		three_steps "$fake"
		only_middle_fails "$nonsense_name" "$nonsense_reason"
		echo "$PASSED $FAILED" >"$T/counts"
	}
	read -r PASSED FAILED <"$T/counts"
}
nonsense 'agent that fails with quotes, control and broken bytes' 'domu2 (server): bind: \"\u001b[31m\\\ufffd' <<'EOF'
printf 'failed 0 bind: "\033[31m\\\377\n'
read -r line
echo idle
EOF
nonsense 'agent that speaks for a role that is not there' 'without a role of this step' <<'EOF'
echo 'listening 77 1'
EOF
nonsense "agent that speaks for another agent's role" "it spoke for another agent's role" <<'EOF'
echo 'warm 1 1 1'
EOF
nonsense 'agent that speaks out of turn' 'it sent \"done\" out of turn' <<'EOF'
echo 'done 0'
EOF
nonsense 'agent that sends no number' 'it sent no port' <<'EOF'
echo 'listening 0 4294967296'
EOF
nonsense 'agent that sends a line without end' 'it sent a line that is too long' <<'EOF'
head -c 10000 /dev/zero | tr '\0' x
EOF

# A client that claims more round trips than were asked for.
fake boaster <<EOF
echo '$hello'
read -r line
echo 'warm 1 1 1'
read -r line
echo 'timed 1'
read -r line
echo 'rtt 1 1 1 1 1 1 1'
exec sleep 60
EOF
make_plan "$T/plan" "$A" "$fake" <<EOF
$(step 2 pingpong tcp 64 1 5 50 domu2:domu1)
EOF
drive --step-timeout 5 "$T/plan"
check 'agent that sends too many round trips' holds 2 '"ok":false' 'round trips that make no sense'

# A step of several pairs is not timed with one of them missing.
make_plan "$T/plan" "$A" "$A" <<EOF
domain name=nowhere domid=9 addr=192.0.2.1 cid=1 agent=$A
$(step 1 pingpong tcp 64 1 5 50 domu1:domu2,domu1:nowhere)
$(step 2 pingpong tcp 64 1 5 50 domu1:domu2)
EOF
drive "$T/plan"
check 'a pair whose server cannot listen says why' holds 1 '"ok":false'
check 'its reason is the system call' grep -q '"pair":"domu1:nowhere".*"error":"nowhere (server): bind: Cannot assign requested address"' "$T/samples"
check 'the other pair of the step is not timed alone' \
	grep -q '"pair":"domu1:domu2".*"error":"not timed: pair domu1:nowhere of this step failed before the start"' "$T/samples"
check 'the next step is measured' holds 2 '"ok":true'

# Strangers on the data sockets: the stream's listener is open all the time, the pingpong's while its client dawdles.
fake dawdler <<EOF
while read -r line; do
	case \$line in *end=client*) sleep 0.4 ;; esac
	echo "\$line"
done | $A
EOF
make_plan "$T/plan" "$fake" "$A" <<EOF
$(step 1 stream tcp 1000 2 0 500 domu1:domu2)
$(step 2 pingpong tcp 100 5 50 500 domu1:domu2)
EOF
"$T/stranger" "127.83.$net.2" 10 >"$T/strangers" &
pid=$!
drive "$T/plan"
kill "$pid"
wait "$pid"
check "strangers came" [ "$(cat "$T/strangers")" -gt 20 ]
check 'strangers do not disturb a run' all_ok
check 'strangers: complete' [ "$(samples 2 | rtts)" = 50 ]
check 'agents: no process is left' none_left
