/* The cuda back end in this process, so that the leak sanitizer sees what it leaves; the double comes by LD_LIBRARY_PATH. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "measure.h"

bool check_failed;

static struct progress progress;
static char samples[1 << 16];

static bool measured(enum workload workload, uint64_t size, const char *fault)
{
	const struct options options = {
		.workload = workload, .backend = &cuda_backend, .transport = "native", .repetitions = 2, .sweeps = 3,
		.count = 4, .budget_ms = 1000, .timeout_s = 60, .seed = 1, .openblas = false,
	};
	struct error error = {.text = ""};
	char name[] = "/tmp/gpu-bench-test-XXXXXX";
	int fd = mkstemp(name);
	ssize_t length;
	bool ok;

	unlink(name);
	if (fault)
		setenv("CUDA_DOUBLE_FAULT", fault, 1);
	else
		unsetenv("CUDA_DOUBLE_FAULT");
	ok = measure(&options, size, fd, &progress, &error);
	length = pread(fd, samples, sizeof(samples) - 1, 0);
	samples[length < 0 ? 0 : length] = '\0';
	close(fd);
	return ok;
}

static void product(void)
{
	CHECK(measured(WORKLOAD_MATMUL, 37, NULL));
	CHECK(progress.ok == 3 && progress.failed == 0);
	CHECK_HOLDS(samples, "\"name\":\"test double 0 (host memory, no CUDA)\"");
	CHECK_HOLDS(samples, "\"driver\":\"driver 12.4, run time 12.2\",\"type\":\"gpu\"");
	CHECK_HOLDS(samples, "\"start\":\"cold\"");
	CHECK_HOLDS(samples, "\"start\":\"warm\"");
}

static void stencil(void)
{
	CHECK(measured(WORKLOAD_STENCIL, 37, NULL));
	CHECK(progress.ok == 3 && progress.failed == 0);
}

static void transfer(void)
{
	CHECK(measured(WORKLOAD_TRANSFER, 12345, NULL));
	CHECK(progress.ok == 4 && progress.failed == 0);
	CHECK_HOLDS(samples, "\"direction\":\"to_device\"");
	CHECK_HOLDS(samples, "\"direction\":\"from_device\"");
}

/* Every call that can fail: the reason names it, and nothing is leaked. */
static void failures(void)
{
	static const struct failure {
		enum workload workload;
		const char *fault, *reason;
	} cases[] = {
		{WORKLOAD_MATMUL, "cudaGetDeviceCount:1:35", "\"phase\":\"connect\",\"error\":\"cudaGetDeviceCount: error 35"},
		{WORKLOAD_MATMUL, "cudaGetDeviceProperties:1:101", "cudaGetDeviceProperties: error 101"},
		{WORKLOAD_MATMUL, "cudaSetDevice:1:101", "cudaSetDevice: error 101"},
		{WORKLOAD_MATMUL, "cublasCreate_v2:1:1", "\"phase\":\"compile\",\"error\":\"cublasCreate: cuBLAS status 1"},
		{WORKLOAD_MATMUL, "cudaMalloc:3:2", "\"phase\":\"allocate\",\"error\":\"cudaMalloc: error 2, out of memory"},
		{WORKLOAD_MATMUL, "cudaMemcpy:1:4", "\"phase\":\"copy_a\",\"error\":\"cudaMemcpy: error 4"},
		{WORKLOAD_MATMUL, "cudaMemcpy:2:4", "\"phase\":\"copy_b\""},
		{WORKLOAD_MATMUL, "cublasSgemm_v2:1:13", "\"phase\":\"compute\",\"error\":\"cublasSgemm: cuBLAS status 13"},
		{WORKLOAD_MATMUL, "cudaMemcpy:3:4", "\"phase\":\"copy_c\""},
		{WORKLOAD_STENCIL, "nvrtcCreateProgram:1:1", "\"phase\":\"compile\",\"error\":\"nvrtcCreateProgram: "},
		{WORKLOAD_STENCIL, "nvrtcCompileProgram:1:6", "nvrtcCompileProgram: NVRTC_ERROR_COMPILATION"},
		{WORKLOAD_STENCIL, "nvrtcGetPTX:1:1", "nvrtcGetPTX: double's NVRTC error"},
		{WORKLOAD_STENCIL, "cuModuleLoadData:1:200", "cuModuleLoadData: CUDA driver error 200"},
		{WORKLOAD_STENCIL, "cuModuleGetFunction:1:500", "cuModuleGetFunction: CUDA driver error 500"},
		{WORKLOAD_STENCIL, "cuLaunchKernel:2:700", "\"phase\":\"compute\",\"error\":\"cuLaunchKernel: CUDA driver error 700"},
		{WORKLOAD_TRANSFER, "cudaMemcpy:2:4", "\"direction\":\"from_device\",\"ok\":false"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK(!measured(cases[i].workload, 32, cases[i].fault));
		CHECK(progress.failed == 1 && progress.reported);
		CHECK_HOLDS(samples, "\"ok\":false");
		CHECK_HOLDS(samples, cases[i].reason);
	}
}

/* What a library says it did and did not do, or did wrongly, is found, in cold and in warm runs. */
static void lies(void)
{
	static const struct lie {
		enum workload workload;
		const char *fault, *reason;
		uint32_t ok;
	} cases[] = {
		{WORKLOAD_MATMUL, "cudaMemcpy:1:lose", "wrong result", 0},
		{WORKLOAD_MATMUL, "cudaMemcpy:4:lose", "wrong result", 1},
		{WORKLOAD_MATMUL, "cudaMemcpy:5:lose", "wrong result", 1},
		{WORKLOAD_MATMUL, "cublasSgemm_v2:2:lose", "wrong result", 1},
		{WORKLOAD_MATMUL, "cudaMemcpy:6:lose", "wrong result", 1},
		{WORKLOAD_MATMUL, "cudaMemcpy:6:flip", "wrong result", 1},
		{WORKLOAD_STENCIL, "cuLaunchKernel:2:lose", "wrong result", 0},
		{WORKLOAD_STENCIL, "cuLaunchKernel:6:lose", "wrong result", 1},
		{WORKLOAD_TRANSFER, "cudaMemcpy:3:lose", "wrong bytes", 0},
		{WORKLOAD_TRANSFER, "cudaMemcpy:8:lose", "wrong bytes", 0},
		{WORKLOAD_TRANSFER, "cudaMemcpy:8:flip", "wrong bytes", 0},
		{WORKLOAD_TRANSFER, "cudaMemcpy:11:flip", "wrong bytes", 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = measured(cases[i].workload, 32, cases[i].fault);

		if (ok || progress.ok != cases[i].ok)
			printf("# %s %s: %u ok\n", workload_name(cases[i].workload), cases[i].fault, progress.ok);
		CHECK(!ok && progress.ok == cases[i].ok);
		CHECK_HOLDS(samples, cases[i].reason);
	}
}

int main(void)
{
	return RUN(product) + RUN(stencil) + RUN(transfer) + RUN(failures) + RUN(lies) > 0;
}
