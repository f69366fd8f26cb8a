#!/bin/sh
# compare.sh SERVER CLIENT ADDRESS [behave option...]: run in dom0, with behave and behave-static in /usr/local/bin of both
# domUs. Plays all behaviours over plain TCP, with v4vrun at either end and at both, then statically linked in two whole
# domains that ask; prints what differs from plain TCP and how many connections moved. Prints `N passed, N failed` of the
# five.
set -u
server=$1 client=$2 address=$3
shift 3
config=/etc/v4v-testbed/ssh_config
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
port=7000 passed=0 failed=0 behave=behave

# run NAME SERVER-PREFIX CLIENT-PREFIX
run() {
	name=$1 before_server=$2 before_client=$3
	shift 3
	port=$((port + 20))
	# shellcheck disable=SC2029 # both sides are words of this script
	ssh -F "$config" "$server" "$before_server $behave serve $address $port" 2>"$folder/$name.server" &
	serving=$!
	sleep 3
	# shellcheck disable=SC2029
	ssh -F "$config" "$client" "$before_client $behave call $address $port $*" >"$folder/$name" 2>"$folder/$name.client"
	status=$?
	kill "$serving" 2>/dev/null
	wait "$serving" 2>/dev/null
	moved=$(ssh -F "$config" "$client" "cat /proc/v4v/sockets_ended" | grep -c " moved ")
	echo "$name: client ended with $status; moved connections that the client's domain remembers: $moved"
	sed 's/^/  /' "$folder/$name.server" "$folder/$name.client"
	if [ "$status" = 0 ] && diff -U 1 "$folder/plain" "$folder/$name"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

run plain '' '' "$@"
run both v4vrun v4vrun "$@"
run server v4vrun '' "$@"
run client '' v4vrun "$@"
behave=behave-static
for domain in "$server" "$client"; do ssh -F "$config" "$domain" "v4vctl cgroups /"; done
run cgroups '' '' "$@"
for domain in "$server" "$client"; do ssh -F "$config" "$domain" "v4vctl cgroups none"; done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
