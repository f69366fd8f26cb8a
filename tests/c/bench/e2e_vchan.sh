# vchan over a stand-in for its library: both kinds, with messages below and above the ring, two pairs at once, faults.
# shellcheck shell=sh disable=SC2154

plain=$T/plain
mkdir "$T/store"

# play AGENT...: both domains' agents.
play() {
	make_plan "$T/plan" "$*" "$*" <<EOT
$(step 1 pingpong vchan 1 3 50 500 domu1:domu2)
$(step 2 pingpong vchan 1048577 2 5 2000 domu2:domu1)
$(step 3 pingpong vchan 4194304 1 2 2000 domu1:domu2)
$(step 4 stream vchan 65536 2 0 200 domu1:domu2)
$(step 5 stream vchan 1 0 3000 2000 domu1:domu2)
$(step 6 stream vchan 1500000 0 3 2000 domu1:domu2,domu2:domu1)
$(step 7 pingpong tcp 64 2 50 500 domu1:domu2)
$(step 8 pingpong vchan 4096 0 2000 2000 domu1:domu2)
EOT
	# The ids by which domains grant to each other, not those of V4V.
	sed -i 's/domid=1 /domid=11 /; s/domid=2 /domid=22 /' "$T/plan"
	drive "$T/plan"
}

# with VARIABLES...: an agent that finds the stand-in.
with() {
	echo "env XENVCHAN_FOLDER=$T/store LD_PRELOAD=$T/libxenvchan.so.4.20 $* $plain agent"
}

if ldconfig -p 2>/dev/null | grep -q libxenvchan; then
	echo '# skipped: without libxenvchan, which is installed here'
else
	play "$plain agent"
	check 'without libxenvchan: exit 0' [ "$rc" = 0 ]
	check 'without libxenvchan: the sample fails and says what to install' holds 1 '"ok":false' \
		'domu2 (server): vchan: libxenvchan.so.4.20 is not found: Debian has it in libxenmisc4.20'
	check 'without libxenvchan: the run goes on' holds 7 '"ok":true'
fi

play "$(with A=1)"
check 'vchan: exit 0' [ "$rc" = 0 ]
check 'vchan: all samples ok' all_ok
check 'vchan: a ping-pong ends by count' [ "$(samples 1 | rtts)" = 50 ]
check 'vchan: messages above the ring come through' [ "$(samples 3 | rtts)" = 2 ]
check "vchan: the rings are the library's largest" holds 1 '"sndbuf":1048576,"rcvbuf":1048576'
check 'vchan: a stream ends by budget' [ "$(samples 4 | field wall_ns)" -ge 200000000 ]
check 'vchan: a stream counts every byte at the receiver' \
	[ "$(samples 4 | field bytes)" = "$(($(samples 4 | field messages) * 65536))" ]
check 'vchan: a stream of single bytes ends by count' [ "$(samples 5 | field bytes)" = 3000 ]
check 'vchan: two pairs, two samples' [ "$(samples 6 | field bytes | tr '\n' ' ')" = '4500000 4500000 ' ]
check 'vchan: TCP is measured as before' holds 7 '"ok":true'
# Domain 22 serves domain 11 in 1, 3, 4, 5, 6 and 8, and each stream once more to verify it.
check "vchan: each channel is below its server's own data and granted to its client" \
	[ "$(sort "$T/store/log" | uniq -c | tr -s ' \n' ' ')" = "$(
		printf ' %s' '1 connect 11 /local/domain/11/data/vchan/22/0' '1 connect 11 /local/domain/11/data/vchan/22/2' \
			'1 connect 11 /local/domain/11/data/vchan/22/3' '6 connect 22 /local/domain/22/data/vchan/11/0' \
			'3 connect 22 /local/domain/22/data/vchan/11/1' '6 serve 11 /local/domain/22/data/vchan/11/0' \
			'3 serve 11 /local/domain/22/data/vchan/11/1' '1 serve 22 /local/domain/11/data/vchan/22/0' \
			'1 serve 22 /local/domain/11/data/vchan/22/2' '1 serve 22 /local/domain/11/data/vchan/22/3'
	) " ]
check 'vchan: nothing is left in XenStore' [ "$(ls "$T/store")" = log ]

play "$(with XENVCHAN_WITHOUT=/dev/xen/gntalloc)"
check 'no device at the server: said so' holds 1 '"ok":false' 'domu2 (server): vchan: /dev/xen/gntalloc: No such file'
check 'no device at the server: the run goes on' holds 7 '"ok":true'
play "$(with XENVCHAN_WITHOUT=/dev/xen/gntdev)"
check 'no device at the client: said so' holds 4 '"ok":false' 'domu1 (client): vchan: /dev/xen/gntdev: No such file'

# Bytes that change, vanish or stop on their way are found as on any other transport.
play "$(with XENVCHAN_FAULT=flip)"
check 'flip: a stream that was changed is found' holds 5 '"ok":false' 'integrity: checksum sent'
# A fast machine would lose one in step 4 already, which then waits for the rest of its message: this step by itself.
make_plan "$T/plan" "$(with XENVCHAN_FAULT=lose)" "$(with XENVCHAN_FAULT=lose)" <<EOT
$(step 5 stream vchan 1 0 3000 2000 domu1:domu2)
EOT
drive "$T/plan"
check 'lose: a lost byte is found' holds 5 '"ok":false' 'integrity: 3000 bytes were sent, 2997 received'
make_plan "$T/plan" "$(with XENVCHAN_FAULT=stuck)" "$(with XENVCHAN_FAULT=stuck)" <<EOT
$(step 1 pingpong vchan 64 0 2000 1000 domu1:domu2)
$(step 2 pingpong tcp 64 2 50 500 domu1:domu2)
EOT
drive --step-timeout 3 "$T/plan"
check 'stuck: ended at the deadline' holds 1 '"ok":false' 'still not over at the deadline'
check 'stuck: the run goes on' holds 2 '"ok":true'

BENCH=$plain
check 'no process is left' none_left
