# The opencl back end against the implementation for the CPU that is installed, if there is one.
# shellcheck shell=sh disable=SC2154

if ldconfig -p | grep -q 'libOpenCL\.so\.1' && ls /etc/OpenCL/vendors/*pocl*.icd >/dev/null 2>&1; then
	SANITIZED=$BENCH
	BENCH=$T/release/gpu-bench
	# The first build of each kernel is this run's.
	POCL_CACHE_DIR=$T/pocl-cache
	export POCL_CACHE_DIR
	mkdir "$POCL_CACHE_DIR"
	check 'opencl: devices' answers 0 devices
	check 'opencl: its type is told' grep -q '^cpu  *[1-9][0-9]* MiB  ' "$T/out"
	for workload in matmul stencil; do
		# One element, less than a group, a group, groups and a part.
		check "opencl: $workload" answers 0 "$workload" --repetitions 2 1 7 16 100
		check "opencl: $workload: lines are JSON" "$T/jsonl" "$T/out"
		check "opencl: $workload: a cold run and two warm ones for each size" \
			[ "$(grep -c '"start":"cold","ok":true' "$T/out")" = 4 -a "$(grep -c '"start":"warm","ok":true' "$T/out")" = 8 ]
		check "opencl: $workload: every sample says that a CPU computed" [ "$(grep -c '"type":"cpu"}' "$T/out")" = 12 ]
		sed 's/"phases_ns".*//' "$T/out" >"$T/$workload"
	done
	check 'opencl: transfer' answers 0 transfer --repetitions 2 --count 3 1 4096 100001
	check 'opencl: transfer: each way, each repetition' \
		[ "$(grep -c '"direction":"to_device","ok":true' "$T/out")" = 6 -a "$(grep -c '"direction":"from_device","ok":true' "$T/out")" = 6 ]
	check 'opencl: for a time' answers 0 matmul --repetitions 100000 --duration 1 16
	check 'opencl: the time ends it' [ "$(grep -c '"start":"warm","ok":true' "$T/out")" -gt 1 ]
	# Let go when standard input ends, which is when it is closed below: nothing warm begins before.
	mkfifo "$T/gate"
	timeout 120 "$BENCH" matmul --gate stdin --repetitions 1 16 >"$T/gated" 2>"$T/err" <"$T/gate" &
	gated=$!
	exec 8>"$T/gate"
	for try in $(seq 400); do
		! grep -q '{"type":"ready"}' "$T/gated" || break
		sleep 0.15
	done
	check 'opencl: at the gate it is ready' grep -q '{"type":"ready"}' "$T/gated"
	check 'opencl: at the gate nothing warm has begun' [ "$(grep -c '"start":"warm"' "$T/gated")" = 0 ]
	exec 8>&-
	check 'opencl: let go it ends well' wait "$gated"
	check 'opencl: let go it has run' [ "$(grep -c '"start":"warm","ok":true' "$T/gated")" = 1 ]
	check 'opencl: the plain loop says the same' answers 0 matmul --reference loop --repetitions 1 100
	check 'opencl: the reference is told' said '"reference":"loop"'
	if ldconfig -p | grep -q 'libopenblas\.so\.0'; then
		check "opencl: OpenBLAS's product" answers 0 matmul --repetitions 1 130
		check 'opencl: OpenBLAS is told' said '"reference":"openblas"'
	else
		echo '# skipped: the product by OpenBLAS, which is not installed (Debian: libopenblas0-pthread)'
	fi
	check 'opencl: a device that is not there' answers 1 matmul --device 'no such device' 8
	check 'opencl: what next' in_stderr 'no device is called "no such device": `gpu-bench devices` lists'
	OCL_ICD_VENDORS=$T/none check 'opencl: no implementation' answers 1 devices
	check 'opencl: no implementation: what next' in_stderr "install the device's OpenCL driver"

	"$CC" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -shared -fPIC -o "$T/faulty_opencl.so" "$here/faulty_opencl.c" \
		-ldl -Wl,--no-as-needed -l:libOpenCL.so.1 || exit 1
	for what in read kernel write; do
		FAULTY_OPENCL=$what
		export FAULTY_OPENCL
		check "opencl: a $what that did nothing or wrong" answers 1 matmul --library "$T/faulty_opencl.so" --repetitions 3 32
		check "opencl: $what: it is found" in_stderr 'wrong result: row'
		unset FAULTY_OPENCL
	done
	check 'opencl: the same library without a fault' answers 0 matmul --library "$T/faulty_opencl.so" --repetitions 1 32
	BENCH=$SANITIZED
else
	echo '# skipped: OpenCL, which no implementation here runs on the CPU (Debian: ocl-icd-libopencl1 pocl-opencl-icd)'
fi
