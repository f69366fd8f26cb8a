/*
 * The CUDA back end. No machine that this project is developed on has such a device: it was run against a double that
 * checks how the libraries are called, never on hardware.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_api.h"
#include "kernels.h"
#include "library.h"

struct cuda {
	struct cudart_api runtime;
	struct cublas_api cublas;
	struct nvrtc_api nvrtc;
	struct cuda_driver_api driver;
	int ordinal;
	cublasHandle_t handle;
	CUmodule module;
	CUfunction stencil;
	float *buffers[BUFFERS];
};

#define CUDA_SYMBOL(table, name) {#name, offsetof(struct table, name)},
#define CUDART_SYMBOL(result, name, arguments) CUDA_SYMBOL(cudart_api, name)
#define CUBLAS_SYMBOL(result, name, arguments) CUDA_SYMBOL(cublas_api, name)
#define NVRTC_SYMBOL(result, name, arguments) CUDA_SYMBOL(nvrtc_api, name)
#define DRIVER_SYMBOL(result, name, arguments) CUDA_SYMBOL(cuda_driver_api, name)

static const struct library_symbol cudart_symbols[] = {CUDART_FUNCTIONS(CUDART_SYMBOL)};
static const struct library_symbol cublas_symbols[] = {CUBLAS_FUNCTIONS(CUBLAS_SYMBOL)};
static const struct library_symbol nvrtc_symbols[] = {NVRTC_FUNCTIONS(NVRTC_SYMBOL)};
static const struct library_symbol driver_symbols[] = {CUDA_DRIVER_FUNCTIONS(DRIVER_SYMBOL)};

/* A release's number is part of the name; the plain one comes with development packages and with rCUDA. */
static const char *const cudart_names[] = {"libcudart.so", "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", NULL};
static const char *const cublas_names[] = {"libcublas.so", "libcublas.so.13", "libcublas.so.12", "libcublas.so.11", NULL};
static const char *const nvrtc_names[] = {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", NULL};
static const char *const driver_names[] = {"libcuda.so.1", "libcuda.so", NULL};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool fine(const struct cudart_api *runtime, int code, const char *function, struct error *error)
{
	return code == 0 || error_set(error, "%s: error %d, %s", function, code, runtime->cudaGetErrorString(code));
}

static bool blas_fine(int code, const char *function, struct error *error)
{
	return code == 0 || error_set(error, "%s: cuBLAS status %d", function, code);
}

static bool driver_fine(int code, const char *function, struct error *error)
{
	return code == 0 || error_set(error, "%s: CUDA driver error %d", function, code);
}

static bool load_runtime(struct cudart_api *runtime, const char *library, struct error *error)
{
	void *handle = library_open(library, cudart_names, "install the CUDA run time (Debian: libcudart12), or name the "
				    "folder of the one to use in LD_LIBRARY_PATH", error);

	return handle && library_functions(handle, cudart_symbols, COUNT(cudart_symbols), runtime, error);
}

static bool count_devices(const struct cudart_api *runtime, int *count, struct error *error)
{
	*count = 0;
	return fine(runtime, runtime->cudaGetDeviceCount(count), "cudaGetDeviceCount", error) &&
	       (*count > 0 || error_set(error, "no CUDA device: see that its driver is loaded, or, for a remote one, that "
					"the client's environment names its server"));
}

static bool describe(const struct cudart_api *runtime, int ordinal, struct device_info *info, struct error *error)
{
	char *properties = calloc(1, CUDA_PROPERTIES_ROOM);
	int driver = 0, version = 0;
	bool ok;

	if (!properties)
		out_of_memory();
	*info = (struct device_info){.platform = "CUDA", .type = DEVICE_GPU};
	ok = fine(runtime, runtime->cudaGetDeviceProperties(properties, ordinal), "cudaGetDeviceProperties", error) &&
	     fine(runtime, runtime->cudaDriverGetVersion(&driver), "cudaDriverGetVersion", error) &&
	     fine(runtime, runtime->cudaRuntimeGetVersion(&version), "cudaRuntimeGetVersion", error);
	properties[CUDA_NAME_BYTES - 1] = '\0';
	memcpy(info->name, properties, sizeof(info->name));
	snprintf(info->driver, sizeof(info->driver), "driver %d.%d, run time %d.%d", driver / 1000, driver % 1000 / 10,
		 version / 1000, version % 1000 / 10);
	free(properties);
	return ok;
}

static bool cuda_list(const char *library, void (*each)(const struct device_info *info), struct error *error)
{
	struct cudart_api runtime;
	int count;

	if (!load_runtime(&runtime, library, error) || !count_devices(&runtime, &count, error))
		return false;
	for (int i = 0; i < count; i++) {
		struct device_info info;

		if (!describe(&runtime, i, &info, error))
			return false;
		each(&info);
	}
	return true;
}

static bool cuda_connect(struct device *device, const struct device_choice *choice, struct error *error)
{
	struct cuda *cuda = calloc(1, sizeof(*cuda));
	size_t free_bytes = 0, all_bytes = 0;
	int count;

	if (!cuda)
		out_of_memory();
	device->state = cuda;
	if (!load_runtime(&cuda->runtime, choice->library, error) || !count_devices(&cuda->runtime, &count, error))
		return false;
	for (cuda->ordinal = 0; cuda->ordinal < count; cuda->ordinal++) {
		if (!describe(&cuda->runtime, cuda->ordinal, &device->info, error))
			return false;
		if (device_fits(choice, &device->info))
			break;
	}
	if (cuda->ordinal == count)
		return error_set(error, "no device is called \"%.80s\": `gpu-bench devices --backend cuda` lists those there are",
				 choice->part);
	/* Freeing nothing opens the device, which would otherwise wait for the first copy. */
	if (!fine(&cuda->runtime, cuda->runtime.cudaSetDevice(cuda->ordinal), "cudaSetDevice", error) ||
	    !fine(&cuda->runtime, cuda->runtime.cudaFree(NULL), "cudaFree", error) ||
	    !fine(&cuda->runtime, cuda->runtime.cudaMemGetInfo(&free_bytes, &all_bytes), "cudaMemGetInfo", error))
		return false;
	device->info.memory_bytes = free_bytes;
	return fine(&cuda->runtime, cuda->runtime.cudaDeviceSynchronize(), "cudaDeviceSynchronize", error);
}

/* NVRTC's PTX of the stencil for this device; the caller frees it. */
static char *stencil_ptx(struct cuda *cuda, struct error *error)
{
	const struct nvrtc_api *nvrtc = &cuda->nvrtc;
	nvrtcProgram program = NULL;
	int major = 0, minor = 0, code;
	char architecture[48], *text = NULL;
	const char *const options[] = {architecture};
	size_t bytes = 0;

	if (!fine(&cuda->runtime, cuda->runtime.cudaDeviceGetAttribute(&major, CUDA_ATTRIBUTE_CAPABILITY_MAJOR, cuda->ordinal),
		  "cudaDeviceGetAttribute", error) ||
	    !fine(&cuda->runtime, cuda->runtime.cudaDeviceGetAttribute(&minor, CUDA_ATTRIBUTE_CAPABILITY_MINOR, cuda->ordinal),
		  "cudaDeviceGetAttribute", error))
		return NULL;
	snprintf(architecture, sizeof(architecture), "--gpu-architecture=compute_%d%d", major, minor);
	code = nvrtc->nvrtcCreateProgram(&program, cuda_stencil_source, "stencil.cu", 0, NULL, NULL);
	if (code != 0) {
		error_set(error, "nvrtcCreateProgram: %s", nvrtc->nvrtcGetErrorString(code));
		return NULL;
	}
	code = nvrtc->nvrtcCompileProgram(program, 1, options);
	if (code != 0) {
		error_set(error, "nvrtcCompileProgram: %s", nvrtc->nvrtcGetErrorString(code));
		if (nvrtc->nvrtcGetProgramLogSize(program, &bytes) == 0 && bytes > 1 && (text = calloc(1, bytes + 1)) &&
		    nvrtc->nvrtcGetProgramLog(program, text) == 0)
			error_set(error, "nvrtcCompileProgram: %s: %.250s", nvrtc->nvrtcGetErrorString(code), text);
		free(text);
		text = NULL;
	} else {
		code = nvrtc->nvrtcGetPTXSize(program, &bytes);
		if (code == 0 && !(text = calloc(1, bytes + 1)))
			out_of_memory();
		if (code == 0)
			code = nvrtc->nvrtcGetPTX(program, text);
		if (code != 0) {
			error_set(error, "nvrtcGetPTX: %s", nvrtc->nvrtcGetErrorString(code));
			free(text);
			text = NULL;
		}
	}
	nvrtc->nvrtcDestroyProgram(&program);
	return text;
}

static bool compile_stencil(struct cuda *cuda, struct error *error)
{
	static const char advice[] = "the stencil's kernel is compiled at run time: install NVRTC (Debian: libnvrtc12) "
				     "and the driver's libcuda";
	void *nvrtc = library_open(NULL, nvrtc_names, advice, error);
	void *driver = nvrtc ? library_open(NULL, driver_names, advice, error) : NULL;
	char *ptx;
	bool ok;

	if (!driver || !library_functions(nvrtc, nvrtc_symbols, COUNT(nvrtc_symbols), &cuda->nvrtc, error) ||
	    !library_functions(driver, driver_symbols, COUNT(driver_symbols), &cuda->driver, error))
		return false;
	ptx = stencil_ptx(cuda, error);
	if (!ptx)
		return false;
	ok = driver_fine(cuda->driver.cuModuleLoadData(&cuda->module, ptx), "cuModuleLoadData", error) &&
	     driver_fine(cuda->driver.cuModuleGetFunction(&cuda->stencil, cuda->module, "stencil"), "cuModuleGetFunction",
			 error);
	free(ptx);
	return ok;
}

static bool cuda_finish(struct device *device, struct error *error)
{
	struct cuda *cuda = device->state;

	return fine(&cuda->runtime, cuda->runtime.cudaDeviceSynchronize(), "cudaDeviceSynchronize", error);
}

static bool cuda_compile(struct device *device, enum workload workload, struct error *error)
{
	struct cuda *cuda = device->state;
	void *library;

	if (workload == WORKLOAD_STENCIL)
		return compile_stencil(cuda, error) && cuda_finish(device, error);
	library = library_open(NULL, cublas_names, "the product is cuBLAS's: install it (Debian: libcublas12)", error);
	return library && library_functions(library, cublas_symbols, COUNT(cublas_symbols), &cuda->cublas, error) &&
	       blas_fine(cuda->cublas.cublasCreate_v2(&cuda->handle), "cublasCreate", error) && cuda_finish(device, error);
}

static bool cuda_clear(struct device *device, enum buffer which, size_t size, struct error *error)
{
	struct cuda *cuda = device->state;

	return fine(&cuda->runtime, cuda->runtime.cudaMemset(cuda->buffers[which], 0, size), "cudaMemset", error) &&
	       cuda_finish(device, error);
}

static bool cuda_allocate(struct device *device, size_t bytes, unsigned buffers, struct error *error)
{
	struct cuda *cuda = device->state;

	for (unsigned i = 0; i < buffers; i++) {
		void *memory = NULL;

		if (!fine(&cuda->runtime, cuda->runtime.cudaMalloc(&memory, bytes), "cudaMalloc", error))
			return false;
		cuda->buffers[i] = memory;
		if (!cuda_clear(device, (enum buffer)i, bytes, error))
			return false;
	}
	return true;
}

static bool cuda_write(struct device *device, enum buffer to, const void *bytes, size_t size, struct error *error)
{
	struct cuda *cuda = device->state;
	int code = cuda->runtime.cudaMemcpy(cuda->buffers[to], bytes, size, CUDA_MEMCPY_HOST_TO_DEVICE);

	/* From pageable memory the call may return when the bytes are staged. */
	return fine(&cuda->runtime, code, "cudaMemcpy", error) && cuda_finish(device, error);
}

static bool cuda_read(struct device *device, enum buffer from, void *bytes, size_t size, struct error *error)
{
	struct cuda *cuda = device->state;
	int code = cuda->runtime.cudaMemcpy(bytes, cuda->buffers[from], size, CUDA_MEMCPY_DEVICE_TO_HOST);

	return fine(&cuda->runtime, code, "cudaMemcpy", error) && cuda_finish(device, error);
}

static bool cuda_matmul(struct device *device, uint32_t n, struct error *error)
{
	struct cuda *cuda = device->state;
	const float one = 1.0f, zero = 0.0f;
	const int side = (int)n;
	/* cuBLAS counts by columns, where our rows read as transposed: C' = B' A'. */
	int code = cuda->cublas.cublasSgemm_v2(cuda->handle, CUBLAS_OP_AS_IT_IS, CUBLAS_OP_AS_IT_IS, side, side, side, &one,
					       cuda->buffers[BUFFER_B], side, cuda->buffers[BUFFER_A], side, &zero,
					       cuda->buffers[BUFFER_C], side);

	return blas_fine(code, "cublasSgemm", error) && cuda_finish(device, error);
}

static bool cuda_sweep(struct device *device, enum buffer from, enum buffer to, uint32_t n, struct error *error)
{
	struct cuda *cuda = device->state;
	const unsigned groups = (n + GROUP_SIDE - 1) / GROUP_SIDE;
	void *arguments[] = {&cuda->buffers[from], &cuda->buffers[BUFFER_B], &cuda->buffers[to], &n};

	return driver_fine(cuda->driver.cuLaunchKernel(cuda->stencil, groups, groups, 1, GROUP_SIDE, GROUP_SIDE, 1, 0, NULL,
						       arguments, NULL), "cuLaunchKernel", error);
}

static void cuda_close(struct device *device)
{
	struct cuda *cuda = device->state;

	if (!cuda)
		return;
	for (unsigned i = 0; i < BUFFERS; i++) {
		if (cuda->buffers[i])
			cuda->runtime.cudaFree(cuda->buffers[i]);
	}
	if (cuda->handle)
		cuda->cublas.cublasDestroy_v2(cuda->handle);
	if (cuda->module)
		cuda->driver.cuModuleUnload(cuda->module);
	free(cuda);
	device->state = NULL;
}

const struct backend cuda_backend = {
	.name = "cuda",
	.list = cuda_list,
	.connect = cuda_connect,
	.compile = cuda_compile,
	.allocate = cuda_allocate,
	.clear = cuda_clear,
	.write = cuda_write,
	.read = cuda_read,
	.matmul = cuda_matmul,
	.sweep = cuda_sweep,
	.finish = cuda_finish,
	.close = cuda_close,
};
