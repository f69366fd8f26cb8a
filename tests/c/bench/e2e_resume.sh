# A drive that was cut off goes on: no step twice, none missing, nothing of others overwritten.
# shellcheck shell=sh disable=SC2154

A="$BENCH agent"
make_plan "$T/plan" "$A" "$A" <<EOF
$(step 7 pingpong tcp 64 1 20 50 domu1:domu2)
$(step 3 stream tcp 1000 0 20 50 domu1:domu2,domu2:domu1)
$(step 5 pingpong unix 10 0 20 50 domu1:domu1)
EOF
drive "$T/plan"
check 'resume: the whole run' [ "$rc" = 0 ]
cp "$T/samples" "$T/whole"

# complete: the samples file holds the plan's steps once each, in order.
complete() {
	[ "$rc" = 0 ] && [ "$(sed -n 's/^{"type":"\([a-z]*\)"\(,"id":[0-9]*\)\{0,1\}.*/\1\2/p' "$T/samples" | tr '\n' ' ')" = \
		'start sample,"id":7 step,"id":7 sample,"id":3 sample,"id":3 step,"id":3 sample,"id":5 step,"id":5 end ' ] &&
		grep -q '"type":"end","ok":4,"failed":0,' "$T/samples" && grep -q '"done":3,"of":3,' "$T/samples"
}
check 'resume: the whole run is complete' complete

resume_drive "$T/plan"
check 'resume: a complete file is left alone' cmp -s "$T/samples" "$T/whole"
check 'resume: and that is no failure' [ "$rc" = 0 ]

# Where to cut: in the middle of every line, before and after every newline.
cut_points() {
	LC_ALL=C awk '{print at + int(length($0) / 2); print at + length($0); at += length($0) + 1; print at}' "$T/whole"
}
# Bytes up to the end of the last step line that is whole within the first $1 bytes.
kept_bytes() {
	head -c "$1" "$T/whole" | LC_ALL=C awk -v size="$1" \
		'{at += length($0) + 1} /"type":"step"/ && at <= size {kept = at} END {print kept + 0}'
}
points=0
for point in $(cut_points); do
	[ "$point" -lt "$(wc -c <"$T/whole")" ] || continue
	head -c "$point" "$T/whole" >"$T/samples"
	kept=$(kept_bytes "$point")
	resume_drive "$T/plan"
	points=$((points + 1))
	if ! complete || ! cmp -s -n "$kept" "$T/samples" "$T/whole"; then
		check "resume: cut after byte $point" false
	fi
done
check "resume: cut at $points places, complete each time, finished steps untouched" [ "$points" -ge 20 ]

# Stopped in the middle by a signal: the drive, its agents and their roles end; the same command goes on.
make_plan "$T/plan" "$A" "$A" <<EOF
$(step 7 pingpong tcp 64 1 20 50 domu1:domu2)
$(step 3 stream tcp 1000 0 20 1000 domu1:domu2,domu2:domu1)
$(step 5 pingpong unix 10 0 20 50 domu1:domu1)
EOF
for signal in TERM KILL; do
	rm -f "$T/samples"
	"$BENCH" drive "$T/plan" "$T/samples" 2>"$T/err" &
	pid=$!
	timeout 10 sh -c 'until grep -q "\"type\":\"step\"" "$1"; do sleep 0.05; done' - "$T/samples" 2>/dev/null
	sleep 0.2
	if [ "$signal" = TERM ]; then
		rc=0
		timeout 5 "$BENCH" drive "$T/plan" "$T/samples" 2>"$T/err2" || rc=$?
		check 'a second drive on the same file is refused' [ "$rc" = 1 ]
		check 'and says why' grep -q 'another v4v-bench is writing it' "$T/err2"
	fi
	kill -"$signal" "$pid"
	status=0
	wait "$pid" 2>/dev/null || status=$?
	[ "$signal" = KILL ] || check 'SIGTERM: exit 1' [ "$status" = 1 ]
	check "SIG$signal: stopped in the second step" [ "$(grep -c '"type":"step"' "$T/samples")" = 1 ]
	check "SIG$signal: no process is left" none_left
	resume_drive "$T/plan"
	check "SIG$signal: the same command goes on" complete
done

# Other people's files.
drive "$T/plan"
cp "$T/samples" "$T/whole"
echo '# another comment' >>"$T/plan"
resume_drive "$T/plan"
check 'samples of another plan are refused' [ "$rc" = 1 ]
check 'samples of another plan are named' in_stderr 'holds samples of another plan'
check 'samples of another plan stay as they are' cmp -s "$T/samples" "$T/whole"
for text in 'precious' 'precious
' '{"type":"start","version":2}
'; do
	printf '%s' "$text" >"$T/samples"
	printf '%s' "$text" >"$T/whole"
	resume_drive "$T/plan"
	check 'a file that is no samples file is refused' [ "$rc" = 1 ]
	check 'a file that is no samples file stays as it is' cmp -s "$T/samples" "$T/whole"
done

# A full disk (here: a file size limit) ends the run; what was written stays, and the same command goes on.
make_plan "$T/plan" "$A" "$A" <<EOF
$(step 7 pingpong tcp 64 1 20 50 domu1:domu2)
$(step 3 stream tcp 1000 0 20 50 domu1:domu2,domu2:domu1)
$(step 5 pingpong unix 10 0 20 50 domu1:domu1)
EOF
rm -f "$T/samples"
rc=0
(ulimit -f 2 && timeout 25 "$BENCH" drive "$T/plan" "$T/samples" 2>"$T/err") || rc=$?
check 'disk full: exit 1' [ "$rc" = 1 ]
check 'disk full: named' in_stderr "$T/samples: File too large"
resume_drive "$T/plan"
check 'disk full: the same command goes on' complete

# A gate: the drive goes as far as it says, leaves out what it says, and waits for more.
gate() {
	printf '%s\n' "$@" >"$T/gate.new" && mv "$T/gate.new" "$T/gate"
}
# steps: the step lines as `id` or `id-`, which was left out.
steps() {
	sed -n 's/^{"type":"step","id":\([0-9]*\),.*"t_ms":[0-9]*}$/\1/p; s/^{"type":"step","id":\([0-9]*\),.*,"skipped":true}$/\1-/p' \
		"$T/samples" | tr '\n' ' '
}
gate 'v4v-bench-gate 1' 'until 1'
drive --gate "$T/gate" --gate-wait 1 "$T/plan"
check 'a gate that stays closed: exit 1' [ "$rc" = 1 ]
check 'a gate that stays closed is named' in_stderr 'nobody said within 1000 ms how to go on after step 1 of 3'
check 'a gate that stays closed: no step behind it' [ "$(steps)" = '7 ' ]
gate 'v4v-bench-gate 1' 'until 3' 'skip 3'
resume_drive --gate "$T/gate" --gate-wait 1 "$T/plan"
check 'an opened gate: the same command goes on' [ "$rc" = 0 ]
check 'an opened gate: what it leaves out is not measured' [ "$(steps)" = '7 3- 5 ' ]
check 'an opened gate: the end counts what was measured' grep -q '"type":"end","ok":2,"failed":0,' "$T/samples"
cp "$T/samples" "$T/whole"
points=0
for point in $(cut_points); do
	[ "$point" -lt "$(wc -c <"$T/whole")" ] || continue
	head -c "$point" "$T/whole" >"$T/samples"
	resume_drive --gate "$T/gate" --gate-wait 1 "$T/plan"
	points=$((points + 1))
	if [ "$rc" != 0 ] || [ "$(steps)" != '7 3- 5 ' ]; then
		check "resume with a gate: cut after byte $point" false
	fi
done
check "resume with a gate: cut at $points places, the same steps each time" [ "$points" -ge 15 ]

# Opened while the drive waits, which keeps its agents; stopped by a signal while it waits.
gate 'v4v-bench-gate 1' 'until 1'
rm -f "$T/samples"
"$BENCH" drive --gate "$T/gate" --gate-wait 20 "$T/plan" "$T/samples" 2>"$T/err" &
pid=$!
timeout 10 sh -c 'until grep -q "\"id\":7,\"done\"" "$1"; do sleep 0.05; done' - "$T/samples" 2>/dev/null
gate 'v4v-bench-gate 1' 'until 2'
timeout 10 sh -c 'until grep -q "\"id\":3,\"done\"" "$1"; do sleep 0.05; done' - "$T/samples" 2>/dev/null
check 'a gate that opens meanwhile: that far and no further' [ "$(steps)" = '7 3 ' ]
kill -TERM "$pid"
status=0
wait "$pid" 2>/dev/null || status=$?
check 'SIGTERM before a closed gate: exit 1' [ "$status" = 1 ]
check 'SIGTERM before a closed gate is told' in_stderr 'stopped by a signal after step 2 of 3'
check 'SIGTERM before a closed gate: no process is left' none_left

# wrong_gate TEXT LINES...: such a file is refused before anything is measured.
wrong_gate() {
	wrong_gate_text=$1
	shift
	gate "$@"
	drive --gate "$T/gate" "$T/plan"
	[ "$rc" = 2 ] && in_stderr "$wrong_gate_text" && [ ! -e "$T/samples" ]
}
check 'gate: another header' wrong_gate 'gate:1: "gate 1": the first line must be' 'gate 1'
check 'gate: no until' wrong_gate 'there is no until line' 'v4v-bench-gate 1'
check 'gate: until twice' wrong_gate 'gate:3: until 2: said twice' 'v4v-bench-gate 1' 'until 1' 'until 2'
check 'gate: beyond the plan' wrong_gate 'gate:2: until 4: the plan has fewer steps' 'v4v-bench-gate 1' 'until 4'
check 'gate: a step that is not there' wrong_gate 'gate:3: skip 4: the plan has no such step' 'v4v-bench-gate 1' 'until 1' 'skip 4'
check 'gate: not in order' wrong_gate 'gate:4: skip 7: the plan has no such step after' 'v4v-bench-gate 1' 'until 1' 'skip 3' 'skip 7'
check 'gate: no number' wrong_gate 'gate:2: until needs one whole number' 'v4v-bench-gate 1' 'until all'
check 'gate: a word that is none of its' wrong_gate 'gate:2: unknown keyword "stop"' 'v4v-bench-gate 1' 'stop 3'
rm -f "$T/gate"
drive --gate "$T/gate" "$T/plan"
check 'gate: not there' [ "$rc" = 2 ]
check 'gate: not there is named' in_stderr 'gate: No such file or directory'
