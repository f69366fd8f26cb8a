#include "gpu_bench.h"

static const char *const workloads[] = {
	[WORKLOAD_MATMUL] = "matmul",
	[WORKLOAD_STENCIL] = "stencil",
	[WORKLOAD_TRANSFER] = "transfer",
};

static const char *const phases[] = {
	[PHASE_CONNECT] = "connect",
	[PHASE_COMPILE] = "compile",
	[PHASE_ALLOCATE] = "allocate",
	[PHASE_COPY_A] = "copy_a",
	[PHASE_COPY_B] = "copy_b",
	[PHASE_COMPUTE] = "compute",
	[PHASE_COPY_C] = "copy_c",
};

const char *workload_name(enum workload workload)
{
	return workloads[workload];
}

const char *phase_name(enum phase phase)
{
	return phases[phase];
}
