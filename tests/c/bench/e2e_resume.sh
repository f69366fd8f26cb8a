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
