# The command line: exit codes, messages, what is written where.
# shellcheck shell=sh disable=SC2154

# answers STATUS ARGUMENTS...: runs the program; output is in $T/out and $T/err.
answers() {
	answers_status=$1
	shift
	rc=0
	timeout 60 "$BENCH" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ "$rc" = "$answers_status" ]
}

# said TEXT: in the output.
said() {
	grep -qF -e "$1" "$T/out"
}

check '--version' answers 0 --version
check '--version names the program' grep -q '^gpu-bench [0-9.]*$' "$T/out"
check '--help' answers 0 --help
check '--help names every command' [ "$(grep -c '^ *\(usage: \)*gpu-bench [a-z-]' "$T/out")" = 6 ]
for name in backend library device server transport samples repetitions duration gate sweeps count budget-ms timeout seed reference; do
	check "--help tells of --$name" said "  --$name "
done
check '--help says that cuda was not run on hardware' said 'never run on hardware'
check 'no command' answers 2
check 'unknown command' answers 2 fly
check 'unknown command is named' in_stderr 'unknown command fly'
check 'no size' answers 2 matmul
check 'no size is said' in_stderr 'no size: the side of a matrix'
check 'a gate for two sizes' answers 2 matmul --gate stdin 8 16
check 'a gate for two sizes: why' in_stderr 'standard input ends only once'
check 'a gate elsewhere' answers 2 matmul --gate door 8
check 'a transfer for a time' answers 2 transfer --duration 3
check 'a transfer for a time: why' in_stderr 'a transfer takes neither --duration nor --gate'
check 'nothing is written about wrong usage' [ ! -s "$T/out" ]

check 'a library that is not there: 1' answers 1 devices --library "$T/none.so"
check 'a library that is not there is named' in_stderr "$T/none.so: cannot open shared object file"
check 'a library that is something else: 1' answers 1 devices --library "$T/cuda/libcudart.so.12"
check 'what it lacks is named' in_stderr 'the library has no clGetPlatformIDs'
check 'no CUDA run time: 1' answers 1 devices --backend cuda
check 'no CUDA run time: what next' in_stderr 'libcudart.so is not found: install the CUDA run time'
check 'a sample for what failed' answers 1 matmul --backend cuda 8
check 'the sample says why' said '"ok":false,"device":null,"phase":"connect","error":"libcudart.so is not found'
check 'the end counts it' said '{"type":"end","ok":0,"failed":1}'
check 'the lines are JSON' "$T/jsonl" "$T/out"
check 'a folder that is not there: 1' answers 1 matmul --samples "$T/none/samples" 8
check 'a folder that is not there is named' in_stderr "$T/none/samples: No such file or directory"
[ ! -e /dev/full ] || check 'samples that cannot be written: 1' answers 1 matmul --samples /dev/full 8
[ ! -e /dev/full ] || check 'samples that cannot be written: why' in_stderr 'No space left on device'

# A domU that has less than two such transfers in all: the kernel would refuse the first allocation already.
printf 'MemAvailable: 100000 kB\n' >"$T/meminfo"
small() {
	rc=0
	timeout 60 unshare -m sh -c 'mount --bind "$1/meminfo" /proc/meminfo && ulimit -v 500000 && exec "$1/release/gpu-bench" "$2" "$3"' \
		sh "$T" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	[ "$rc" = 1 ]
}
if unshare -m mount --bind "$T/meminfo" /proc/meminfo 2>/dev/null; then
	check 'a transfer larger than memory' small transfer 1000000000
	check 'a transfer larger than memory: what next' \
		in_stderr 'a transfer of 1000000000 bytes needs 2000073728 here, and 102400000 are available: choose a smaller size'
	check 'a matrix larger than memory' small matmul 16384
	check 'a matrix larger than memory: what next' \
		in_stderr 'matrices of 16384 x 16384 need 9663676416 bytes here with the reference, and 102400000 are available'
else
	echo '# skipped: less memory than there is, which takes root'
fi
