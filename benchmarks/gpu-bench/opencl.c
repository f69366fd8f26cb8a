#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "library.h"
#include "opencl_api.h"

#define MAX_PLATFORMS 16u
#define MAX_DEVICES 64u

#define BLOCKING 1u

struct opencl {
	struct opencl_api api;
	cl_device_id device;
	cl_context context;
	cl_command_queue queue;
	cl_program program;
	cl_kernel kernel;
	cl_mem buffers[BUFFERS];
};

static const char *const libraries[] = {"libOpenCL.so.1", "libOpenCL.so", NULL};

static const struct library_symbol symbols[] = {
#define OPENCL_SYMBOL(result, name, arguments) {#name, offsetof(struct opencl_api, name)},
	OPENCL_FUNCTIONS(OPENCL_SYMBOL)
#undef OPENCL_SYMBOL
};

/* The codes that a user can do something about, or will meet. */
static const char *code_text(int32_t code)
{
	switch (code) {
	case OPENCL_DEVICE_NOT_FOUND:
		return "no device found";
	case -2:
		return "the device is not available";
	case -3:
		return "no compiler available";
	case -4:
		return "the device's memory does not suffice";
	case -5:
		return "the device's resources do not suffice";
	case -6:
		return "the host's memory does not suffice";
	case OPENCL_BUILD_PROGRAM_FAILURE:
		return "the kernel does not compile";
	case -14:
		return "an earlier command failed";
	case -33:
		return "the device is not to be had: for a remote one, see that its server runs and can be reached";
	case -54:
		return "the device does not run groups of 16 x 16 work-items";
	case -61:
		return "the device holds no buffer of that size";
	case OPENCL_PLATFORM_NOT_FOUND_KHR:
		return "no OpenCL implementation is installed";
	default:
		return "see the OpenCL standard's error codes";
	}
}

static bool fine(int32_t code, const char *function, struct error *error)
{
	return code == OPENCL_SUCCESS || error_set(error, "%s: error %d, %s", function, (int)code, code_text(code));
}

static bool load(struct opencl_api *api, const char *library, struct error *error)
{
	void *handle = library_open(library, libraries, "install an OpenCL loader (Debian: ocl-icd-libopencl1) and a "
				    "device's driver (for the CPU: pocl-opencl-icd)", error);

	return handle && library_functions(handle, symbols, sizeof(symbols) / sizeof(symbols[0]), api, error);
}

/* Text of unknown length: empty when it cannot be had, cut when it is longer. */
static void device_text(const struct opencl_api *api, cl_device_id device, uint32_t what, char *text, size_t room)
{
	char whole[4096] = "";

	if (api->clGetDeviceInfo(device, what, sizeof(whole) - 1, whole, NULL) != OPENCL_SUCCESS)
		whole[0] = '\0';
	whole[room - 1] = '\0';
	memcpy(text, whole, room);
}

static uint64_t device_number(const struct opencl_api *api, cl_device_id device, uint32_t what)
{
	uint64_t number = 0;

	if (api->clGetDeviceInfo(device, what, sizeof(number), &number, NULL) != OPENCL_SUCCESS)
		return 0;
	return number;
}

static void describe(const struct opencl_api *api, cl_platform_id platform, cl_device_id device,
		     struct device_info *info)
{
	const uint64_t type = device_number(api, device, OPENCL_DEVICE_TYPE);
	char name[4096] = "";

	*info = (struct device_info){.type = DEVICE_OTHER};
	if (api->clGetPlatformInfo(platform, OPENCL_PLATFORM_NAME, sizeof(name) - 1, name, NULL) == OPENCL_SUCCESS)
		memcpy(info->platform, name, sizeof(info->platform) - 1);
	device_text(api, device, OPENCL_DEVICE_NAME, info->name, sizeof(info->name));
	device_text(api, device, OPENCL_DRIVER_VERSION, info->driver, sizeof(info->driver));
	if (type & OPENCL_DEVICE_TYPE_GPU)
		info->type = DEVICE_GPU;
	else if (type & OPENCL_DEVICE_TYPE_ACCELERATOR)
		info->type = DEVICE_ACCELERATOR;
	else if (type & OPENCL_DEVICE_TYPE_CPU)
		info->type = DEVICE_CPU;
	info->memory_bytes = device_number(api, device, OPENCL_DEVICE_GLOBAL_MEM_SIZE);
	info->allocation_bytes = device_number(api, device, OPENCL_DEVICE_MAX_MEM_ALLOC_SIZE);
}

/* Every device with its platform. False when there is none. */
static bool enumerate(const struct opencl_api *api, cl_platform_id platform_of[MAX_DEVICES],
		      cl_device_id devices[MAX_DEVICES], uint32_t *count, struct error *error)
{
	static const char advice[] = "install the device's OpenCL driver (for the CPU: pocl-opencl-icd); "
				     "OCL_ICD_VENDORS, if set, must name its .icd file";
	cl_platform_id platforms[MAX_PLATFORMS];
	uint32_t platform_count = 0;
	int32_t code = api->clGetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count);

	*count = 0;
	if (code != OPENCL_SUCCESS && code != OPENCL_PLATFORM_NOT_FOUND_KHR)
		return fine(code, "clGetPlatformIDs", error);
	if (code != OPENCL_SUCCESS || platform_count == 0)
		return error_set(error, "no OpenCL implementation is installed: %s", advice);
	if (platform_count > MAX_PLATFORMS)
		platform_count = MAX_PLATFORMS;
	for (uint32_t i = 0; i < platform_count && *count < MAX_DEVICES; i++) {
		uint32_t found = 0, room = MAX_DEVICES - *count;

		code = api->clGetDeviceIDs(platforms[i], OPENCL_DEVICE_TYPE_ALL, room, devices + *count, &found);
		if (code == OPENCL_DEVICE_NOT_FOUND)
			continue;
		if (!fine(code, "clGetDeviceIDs", error))
			return false;
		if (found > room)
			found = room;
		while (found--)
			platform_of[(*count)++] = platforms[i];
	}
	return *count || error_set(error, "no OpenCL device: %s", advice);
}

static bool opencl_list(const char *library, void (*each)(const struct device_info *info), struct error *error)
{
	cl_platform_id platform_of[MAX_DEVICES];
	cl_device_id devices[MAX_DEVICES];
	struct opencl_api api;
	uint32_t count;

	if (!load(&api, library, error) || !enumerate(&api, platform_of, devices, &count, error))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct device_info info;

		describe(&api, platform_of[i], devices[i], &info);
		each(&info);
	}
	return true;
}

/* The first of the devices that the user prefers. */
static bool choose(struct opencl *opencl, struct device_info *chosen, const struct device_choice *choice,
		   struct error *error)
{
	cl_platform_id platform_of[MAX_DEVICES];
	cl_device_id devices[MAX_DEVICES];
	uint32_t count;

	if (!enumerate(&opencl->api, platform_of, devices, &count, error))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct device_info info;

		describe(&opencl->api, platform_of[i], devices[i], &info);
		if (!device_fits(choice, &info))
			continue;
		if (opencl->device && device_preference(info.type) <= device_preference(chosen->type))
			continue;
		opencl->device = devices[i];
		*chosen = info;
	}
	return opencl->device || error_set(error, "no device is called \"%.80s\": `gpu-bench devices` lists those there are",
					   choice->part);
}

static bool opencl_connect(struct device *device, const struct device_choice *choice, struct error *error)
{
	struct opencl *opencl = calloc(1, sizeof(*opencl));
	int32_t code;

	if (!opencl)
		out_of_memory();
	device->state = opencl;
	if (!load(&opencl->api, choice->library, error) || !choose(opencl, &device->info, choice, error))
		return false;
	opencl->context = opencl->api.clCreateContext(NULL, 1, &opencl->device, NULL, NULL, &code);
	if (!fine(code, "clCreateContext", error))
		return false;
	opencl->queue = opencl->api.clCreateCommandQueue(opencl->context, opencl->device, 0, &code);
	return fine(code, "clCreateCommandQueue", error) &&
	       fine(opencl->api.clFinish(opencl->queue), "clFinish", error);
}

/* The compiler's first complaint beside the code. */
static bool build_failed(struct opencl *opencl, int32_t code, struct error *error)
{
	static char log[1 << 16];

	if (opencl->api.clGetProgramBuildInfo(opencl->program, opencl->device, OPENCL_PROGRAM_BUILD_LOG, sizeof(log) - 1,
					      log, NULL) != OPENCL_SUCCESS || !log[0])
		return fine(code, "clBuildProgram", error);
	return error_set(error, "clBuildProgram: error %d, %s: %.250s", (int)code, code_text(code), log);
}

static bool opencl_compile(struct device *device, enum workload workload, struct error *error)
{
	struct opencl *opencl = device->state;
	const char *source = workload == WORKLOAD_MATMUL ? opencl_matmul_source : opencl_stencil_source;
	int32_t code;

	opencl->program = opencl->api.clCreateProgramWithSource(opencl->context, 1, &source, NULL, &code);
	if (!fine(code, "clCreateProgramWithSource", error))
		return false;
	code = opencl->api.clBuildProgram(opencl->program, 1, &opencl->device, "", NULL, NULL);
	if (code != OPENCL_SUCCESS)
		return build_failed(opencl, code, error);
	opencl->kernel = opencl->api.clCreateKernel(opencl->program, workload_name(workload), &code);
	return fine(code, "clCreateKernel", error);
}

static bool opencl_finish(struct device *device, struct error *error)
{
	struct opencl *opencl = device->state;

	return fine(opencl->api.clFinish(opencl->queue), "clFinish", error);
}

static bool opencl_clear(struct device *device, enum buffer which, size_t size, struct error *error)
{
	struct opencl *opencl = device->state;
	const uint8_t zero = 0;
	int32_t code = opencl->api.clEnqueueFillBuffer(opencl->queue, opencl->buffers[which], &zero, sizeof(zero), 0, size, 0,
						       NULL, NULL);

	return fine(code, "clEnqueueFillBuffer", error) && opencl_finish(device, error);
}

static bool opencl_allocate(struct device *device, size_t bytes, unsigned buffers, struct error *error)
{
	struct opencl *opencl = device->state;

	for (unsigned i = 0; i < buffers; i++) {
		int32_t code;

		opencl->buffers[i] = opencl->api.clCreateBuffer(opencl->context, OPENCL_MEM_READ_WRITE, bytes, NULL, &code);
		/* Written once: implementations take the memory with the first use, which would then be timed as a copy. */
		if (!fine(code, "clCreateBuffer", error) || !opencl_clear(device, (enum buffer)i, bytes, error))
			return false;
	}
	return true;
}

static bool opencl_write(struct device *device, enum buffer to, const void *bytes, size_t size, struct error *error)
{
	struct opencl *opencl = device->state;
	int32_t code = opencl->api.clEnqueueWriteBuffer(opencl->queue, opencl->buffers[to], BLOCKING, 0, size, bytes, 0,
							NULL, NULL);

	/* A blocking write has only taken the bytes from here. */
	return fine(code, "clEnqueueWriteBuffer", error) && opencl_finish(device, error);
}

static bool opencl_read(struct device *device, enum buffer from, void *bytes, size_t size, struct error *error)
{
	struct opencl *opencl = device->state;
	int32_t code = opencl->api.clEnqueueReadBuffer(opencl->queue, opencl->buffers[from], BLOCKING, 0, size, bytes, 0,
						       NULL, NULL);

	return fine(code, "clEnqueueReadBuffer", error) && opencl_finish(device, error);
}

/* Runs the kernel, whose arguments are three buffers and n, over n x n elements in whole groups. */
static bool launch(struct opencl *opencl, const enum buffer arguments[3], uint32_t n, struct error *error)
{
	const size_t side = ((size_t)n + GROUP_SIDE - 1) / GROUP_SIDE * GROUP_SIDE;
	const size_t all[] = {side, side}, group[] = {GROUP_SIDE, GROUP_SIDE};

	for (uint32_t i = 0; i < 3; i++) {
		cl_mem *buffer = &opencl->buffers[arguments[i]];

		if (!fine(opencl->api.clSetKernelArg(opencl->kernel, i, sizeof(*buffer), buffer), "clSetKernelArg", error))
			return false;
	}
	if (!fine(opencl->api.clSetKernelArg(opencl->kernel, 3, sizeof(n), &n), "clSetKernelArg", error))
		return false;
	return fine(opencl->api.clEnqueueNDRangeKernel(opencl->queue, opencl->kernel, 2, NULL, all, group, 0, NULL, NULL),
		    "clEnqueueNDRangeKernel", error);
}

static bool opencl_matmul(struct device *device, uint32_t n, struct error *error)
{
	static const enum buffer arguments[] = {BUFFER_A, BUFFER_B, BUFFER_C};

	return launch(device->state, arguments, n, error) && opencl_finish(device, error);
}

static bool opencl_sweep(struct device *device, enum buffer from, enum buffer to, uint32_t n, struct error *error)
{
	const enum buffer arguments[] = {from, BUFFER_B, to};

	return launch(device->state, arguments, n, error);
}

/*
 * Nothing is released: the process that measures a size ends now, and PoCL's remote driver, asked to release what it has, ends
 * it by a signal now and then.
 */
static void opencl_close(struct device *device)
{
	free(device->state);
	device->state = NULL;
}

const struct backend opencl_backend = {
	.name = "opencl",
	.list = opencl_list,
	.connect = opencl_connect,
	.compile = opencl_compile,
	.allocate = opencl_allocate,
	.clear = opencl_clear,
	.write = opencl_write,
	.read = opencl_read,
	.matmul = opencl_matmul,
	.sweep = opencl_sweep,
	.finish = opencl_finish,
	.close = opencl_close,
};
