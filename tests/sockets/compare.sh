#!/bin/sh
# compare.sh SERVER CLIENT ADDRESS [behave option...]: run in dom0, with behave and behave-static in /usr/local/bin of both
# domUs. Plays all behaviours over plain TCP, with v4vrun at either end and at both, then statically linked in two whole
# domains that ask; prints what differs from plain TCP and how many connections moved. Prints `N passed, N failed` of the
# five. Two at a time are played, as most of their time is waiting.
set -u
server=$1 client=$2 address=$3
shift 3
config=/etc/v4v-testbed/ssh_config
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
passed=0 failed=0 behave=behave

# play NAME PORT SERVER-PREFIX CLIENT-PREFIX [OPTION...]: ports from PORT on are this play's own.
play() {
	name=$1 port=$2 before_server=$3 before_client=$4
	shift 4
	# shellcheck disable=SC2029 # both sides are words of this script
	ssh -F "$config" "$server" "$before_server $behave serve $address $port" 2>"$folder/$name.server" &
	serving=$!
	sleep 3
	# shellcheck disable=SC2029
	ssh -F "$config" "$client" "$before_client $behave call $address $port $*" >"$folder/$name" 2>"$folder/$name.client"
	echo $? >"$folder/$name.status"
	kill "$serving" 2>/dev/null
	wait "$serving" 2>/dev/null
	ssh -F "$config" "$client" "cat /proc/v4v/sockets_ended" | awk -v "first=$port" \
		'$6 == "moved" { split($4, far, ":"); n += far[2] >= first && far[2] < first + 20 } END { print n + 0 }' >"$folder/$name.moved"
}

judge() {
	for name in "$@"; do
		status=$(cat "$folder/$name.status")
		echo "$name: client ended with $status; moved connections that the client's domain remembers: $(cat "$folder/$name.moved")"
		sed 's/^/  /' "$folder/$name.server" "$folder/$name.client"
		# Of one that ended early, too: where it ended.
		if diff -U 1 "$folder/plain" "$folder/$name" && [ "$status" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	done
}

play plain 7000 '' '' "$@" &
play both 7020 v4vrun v4vrun "$@"
wait
play server 7040 v4vrun '' "$@" &
play client 7060 '' v4vrun "$@"
wait
behave=behave-static
for domain in "$server" "$client"; do ssh -F "$config" "$domain" "v4vctl cgroups /"; done
play cgroups 7080 '' '' "$@"
for domain in "$server" "$client"; do ssh -F "$config" "$domain" "v4vctl cgroups none"; done
judge plain both server client cgroups
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
