# The cuda back end against the double: each size in a process of its own, which may die or hang.
# shellcheck shell=sh disable=SC2154

export LD_LIBRARY_PATH="$T/cuda"

check 'cuda: devices' answers 0 devices --backend cuda
check 'cuda: the double says what it is' said 'CUDA: test double 0 (host memory, no CUDA) (driver 12.4, run time 12.2)'
for workload in matmul stencil; do
	check "cuda: $workload" answers 0 "$workload" --backend cuda --transport tcp --repetitions 2 1 17 64
	check "cuda: $workload: lines are JSON" "$T/jsonl" "$T/out"
	check "cuda: $workload: a cold run and two warm ones for each size" \
		[ "$(grep -c "\"experiment\":\"gpu-$workload\".*\"start\":\"cold\",\"ok\":true" "$T/out")" = 3 -a \
		"$(grep -c '"start":"warm","ok":true' "$T/out")" = 6 ]
	check "cuda: $workload: seven phases cold" said '"phases_ns":{"connect":'
	check "cuda: $workload: four warm" said '"phases_ns":{"copy_a":'
	check "cuda: $workload: the label is the caller's" [ "$(grep -c '"transport":"tcp"' "$T/out")" = 9 ]
done
check 'cuda: transfer' answers 0 transfer --backend cuda --repetitions 2 --count 3 4096 100001
check 'cuda: transfer: each way, each repetition' \
	[ "$(grep -c '"direction":"to_device","ok":true' "$T/out")" = 4 -a "$(grep -c '"direction":"from_device","ok":true' "$T/out")" = 4 ]
check 'cuda: transfer: three times a sample' \
	[ "$(grep -c '"transfer_ns":\[[0-9]*,[0-9]*,[0-9]*\]' "$T/out")" = 8 ]

check 'cuda: a device by its name' env CUDA_DOUBLE_DEVICES=3 "$BENCH" matmul --backend cuda --device 'double 2' --samples "$T/named" 8
check 'cuda: that device it is' grep -q '"name":"test double 2 ' "$T/named"
check 'cuda: a device that is not there' answers 1 matmul --backend cuda --device 'double 7' 8
check 'cuda: what next' in_stderr 'no device is called "double 7": `gpu-bench devices --backend cuda` lists'
CUDA_DOUBLE_DEVICES=0 check 'cuda: no device' answers 1 devices --backend cuda
check 'cuda: no device: why' in_stderr 'cudaGetDeviceCount: error 100, no CUDA-capable device is detected'
CUDA_DOUBLE_MEMORY=20000 check 'cuda: a matrix larger than the memory' answers 1 matmul --backend cuda 64 8
check 'cuda: larger than the memory: what next' in_stderr '3 buffers of 16384 bytes are more than the 20000 bytes that test double 0'
check 'cuda: the next size is measured all the same' [ "$(grep -c '"size":8,.*"ok":true' "$T/out")" = 6 ]

fault() {
	CUDA_DOUBLE_FAULT=$1
	export CUDA_DOUBLE_FAULT
	shift
	check "$@"
	unset CUDA_DOUBLE_FAULT
}
# Calls are counted by each process: each size meets the fault.
fault cublasSgemm_v2:2:die 'cuda: a library that ends the process' answers 1 matmul --backend cuda --repetitions 3 8 9
check 'cuda: the cold run is kept' [ "$(grep -c '"start":"cold","ok":true' "$T/out")" = 2 ]
check 'cuda: where it ended, and how' \
	[ "$(grep -c '"repetition":1,"start":"warm","ok":false,.*"phase":"compute","error":"its process ended by signal 6 (Aborted)"' "$T/out")" = 2 ]
check 'cuda: two failed' said '{"type":"end","ok":2,"failed":2}'
fault cudaMemcpy:2:hang 'cuda: a library that hangs' answers 1 matmul --backend cuda --timeout 1 8
check 'cuda: where it hung' said '"phase":"copy_b","error":"not done after 1 s"'
check 'cuda: nothing is left of it' none_left
fault cudaMemcpy:6:flip 'cuda: one wrong bit' answers 1 matmul --backend cuda 16
check 'cuda: one wrong bit is found' said '"ok":false,"device":{"platform":"CUDA"'
check 'cuda: which element' in_stderr 'matmul 16: wrong result: row 8, column 0 is'

rm "$T/cuda/libnvrtc.so.12"
check 'cuda: the product needs no NVRTC' answers 0 matmul --backend cuda 8
check 'cuda: the stencil does' answers 1 stencil --backend cuda 8
check 'cuda: the stencil without NVRTC: what next' in_stderr "libnvrtc.so is not found: the stencil's kernel is compiled at run time: install NVRTC"
rm "$T/cuda/libcublas.so.12"
check 'cuda: the product without cuBLAS: what next' answers 1 matmul --backend cuda 8
check 'cuda: cuBLAS is named' in_stderr "libcublas.so is not found: the product is cuBLAS's"
check 'cuda: transfers need the run time alone' answers 0 transfer --backend cuda --repetitions 1 --count 1 64
unset LD_LIBRARY_PATH
