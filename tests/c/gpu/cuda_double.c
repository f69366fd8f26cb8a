/*
 * A double of the CUDA libraries (run time, cuBLAS, NVRTC, driver) for tests of gpu-bench: one shared library that is
 * found under all their names. It computes in the host's memory and is strict about how it is called. It says
 * what it is in the device's name; its times mean nothing.
 *
 * Device pointers are no addresses of this process, so that a mix-up ends the program. The stencil's CUDA source is
 * compiled as C by $CC and really run, thread by thread.
 *
 *   CUDA_DOUBLE_FAULT=FUNCTION:N:WHAT   the Nth call of FUNCTION (from 1) goes wrong: WHAT is the code it returns, `die`,
 *                                       `hang`, `lose` (says it succeeded, did nothing) or `flip` (cudaMemcpy: one bit)
 *   CUDA_DOUBLE_DEVICES=N               (default 1)
 *   CUDA_DOUBLE_MEMORY=BYTES            free on the device (default 1 GiB)
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAR (UINT64_C(1) << 62)
#define MAX_ALLOCATIONS 16
#define CAPABILITY_MAJOR 8
#define CAPABILITY_MINOR 6

enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101 };

static struct allocation {
	uint8_t *memory;
	size_t bytes;
} allocations[MAX_ALLOCATIONS];
static int current = -1;

static int wrong(const char *format, ...)
{
	va_list arguments;

	fputs("cuda double: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return INVALID_VALUE;
}

enum fault { NONE, CODE, LOSE, FLIP };

static enum fault fault(const char *function, int *code)
{
	static char last[128];
	static int calls;
	const char *text = getenv("CUDA_DOUBLE_FAULT");
	const size_t length = strlen(function);
	char *what;

	*code = 0;
	/* A new fault counts anew. */
	if (strcmp(last, text ? text : "") != 0) {
		snprintf(last, sizeof(last), "%s", text ? text : "");
		calls = 0;
	}
	if (!text || strncmp(text, function, length) != 0 || text[length] != ':')
		return NONE;
	if (++calls != (int)strtol(text + length + 1, &what, 10))
		return NONE;
	what++;
	if (strcmp(what, "die") == 0)
		abort();
	if (strcmp(what, "hang") == 0) {
		for (;;)
			pause();
	}
	if (strcmp(what, "lose") == 0)
		return LOSE;
	if (strcmp(what, "flip") == 0)
		return FLIP;
	*code = atoi(what);
	return CODE;
}

/* Ends the function here when the test wants it to. */
#define FAULTS(function)                                                                                              \
	int code_;                                                                                                    \
	enum fault fault_ = fault(function, &code_);                                                                  \
	if (fault_ == CODE || fault_ == LOSE)                                                                         \
		return code_

static int devices(void)
{
	const char *text = getenv("CUDA_DOUBLE_DEVICES");

	return text ? atoi(text) : 1;
}

static size_t memory(void)
{
	const char *text = getenv("CUDA_DOUBLE_MEMORY");

	return text ? strtoull(text, NULL, 10) : (size_t)1 << 30;
}

/* The memory behind a device pointer, NULL if `bytes` from it on are not one allocation's. */
static void *behind(const void *pointer, size_t bytes)
{
	for (int i = 0; i < MAX_ALLOCATIONS; i++) {
		const uint64_t first = (uint64_t)(uintptr_t)allocations[i].memory + FAR;
		const uint64_t at = (uint64_t)(uintptr_t)pointer;

		if (allocations[i].memory && at >= first && at - first <= allocations[i].bytes &&
		    bytes <= allocations[i].bytes - (at - first))
			return allocations[i].memory + (at - first);
	}
	return NULL;
}

int cudaGetDeviceCount(int *count)
{
	FAULTS("cudaGetDeviceCount");
	*count = devices();
	return *count ? 0 : NO_DEVICE;
}

int cudaSetDevice(int device)
{
	FAULTS("cudaSetDevice");
	if (device < 0 || device >= devices())
		return INVALID_DEVICE;
	current = device;
	return 0;
}

int cudaGetDeviceProperties(void *properties, int device)
{
	FAULTS("cudaGetDeviceProperties");
	if (device < 0 || device >= devices())
		return INVALID_DEVICE;
	/* As much as CUDA 12 writes. */
	memset(properties, 0x5a, 1032);
	snprintf(properties, 256, "test double %d (host memory, no CUDA)", device);
	return 0;
}

int cudaDeviceGetAttribute(int *value, int attribute, int device)
{
	FAULTS("cudaDeviceGetAttribute");
	if (device < 0 || device >= devices() || (attribute != 75 && attribute != 76))
		return wrong("attribute %d of device %d", attribute, device);
	*value = attribute == 75 ? CAPABILITY_MAJOR : CAPABILITY_MINOR;
	return 0;
}

int cudaDriverGetVersion(int *version)
{
	*version = 12040;
	return 0;
}

int cudaRuntimeGetVersion(int *version)
{
	*version = 12020;
	return 0;
}

int cudaMemGetInfo(size_t *free_bytes, size_t *all_bytes)
{
	*free_bytes = memory();
	*all_bytes = 2 * memory();
	return current >= 0 ? 0 : wrong("cudaMemGetInfo before cudaSetDevice");
}

int cudaMalloc(void **pointer, size_t bytes)
{
	FAULTS("cudaMalloc");
	if (current < 0)
		return wrong("cudaMalloc before cudaSetDevice");
	for (int i = 0; i < MAX_ALLOCATIONS; i++) {
		if (allocations[i].memory)
			continue;
		allocations[i].memory = malloc(bytes);
		allocations[i].bytes = bytes;
		memset(allocations[i].memory, 0xee, bytes);
		*pointer = (void *)(uintptr_t)((uint64_t)(uintptr_t)allocations[i].memory + FAR);
		return 0;
	}
	return OUT_OF_MEMORY;
}

int cudaFree(void *pointer)
{
	if (!pointer)
		return current >= 0 ? 0 : wrong("cudaFree before cudaSetDevice");
	for (int i = 0; i < MAX_ALLOCATIONS; i++) {
		if (allocations[i].memory && behind(pointer, allocations[i].bytes) == allocations[i].memory) {
			free(allocations[i].memory);
			allocations[i].memory = NULL;
			return 0;
		}
	}
	return wrong("cudaFree of what cudaMalloc did not give");
}

int cudaMemset(void *pointer, int value, size_t bytes)
{
	void *at = behind(pointer, bytes);
	FAULTS("cudaMemset");

	if (!at)
		return wrong("cudaMemset outside of an allocation");
	memset(at, value, bytes);
	return 0;
}

int cudaMemcpy(void *to, const void *from, size_t bytes, int kind)
{
	void *device = behind(kind == 1 ? to : from, bytes);
	FAULTS("cudaMemcpy");

	if ((kind != 1 && kind != 2) || !device || behind(kind == 1 ? from : to, 1))
		return wrong("cudaMemcpy of kind %d with pointers that do not fit", kind);
	if (kind == 1)
		memcpy(device, from, bytes);
	else
		memcpy(to, device, bytes);
	if (fault_ == FLIP)
		((uint8_t *)(kind == 1 ? device : to))[bytes / 2 | 3] ^= 0x80;
	return 0;
}

int cudaDeviceSynchronize(void)
{
	FAULTS("cudaDeviceSynchronize");
	return 0;
}

const char *cudaGetErrorString(int code)
{
	return code == OUT_OF_MEMORY ? "out of memory" : code == NO_DEVICE ? "no CUDA-capable device is detected" : "double's error";
}

static int blas_handle;

int cublasCreate_v2(int **handle)
{
	FAULTS("cublasCreate_v2");
	if (current < 0)
		return wrong("cublasCreate before cudaSetDevice");
	*handle = &blas_handle;
	return 0;
}

int cublasDestroy_v2(int *handle)
{
	return handle == &blas_handle ? 0 : wrong("cublasDestroy of no handle");
}

/* By columns, as BLAS defines it; untransposed square matrices are what gpu-bench needs. */
int cublasSgemm_v2(int *handle, int trans_a, int trans_b, int m, int n, int k, const float *alpha, const float *a, int lda,
		   const float *b, int ldb, const float *beta, float *c, int ldc)
{
	const size_t bytes = (size_t)m * (size_t)m * sizeof(float);
	const float *left = behind(a, bytes), *right = behind(b, bytes);
	float *out = behind(c, bytes);
	FAULTS("cublasSgemm_v2");

	if (handle != &blas_handle || trans_a || trans_b || m < 1 || n != m || k != m || lda != m || ldb != m || ldc != m ||
	    !left || !right || !out)
		return wrong("cublasSgemm with arguments that do not fit");
	for (int column = 0; column < n; column++) {
		for (int row = 0; row < m; row++) {
			float sum = 0;

			for (int i = 0; i < k; i++)
				sum += left[i * lda + row] * right[column * ldb + i];
			out[column * ldc + row] = *alpha * sum + (*beta == 0 ? 0 : *beta * out[column * ldc + row]);
		}
	}
	return 0;
}

struct program {
	char *source;
	char file[64]; /* the compiled library, which stands for the PTX */
	char log[4096];
};

int nvrtcCreateProgram(struct program **program, const char *source, const char *name, int headers,
		       const char *const *header_texts, const char *const *header_names)
{
	FAULTS("nvrtcCreateProgram");
	(void)header_texts;
	(void)header_names;
	if (!name || headers)
		return wrong("nvrtcCreateProgram with headers or without a name");
	*program = calloc(1, sizeof(**program));
	(*program)->source = strdup(source);
	return 0;
}

int nvrtcCompileProgram(struct program *program, int count, const char *const *options)
{
	static const char prelude[] = "#define __global__\nstruct { unsigned int x, y, z; } blockIdx, blockDim, threadIdx;\n";
	const char *compiler = getenv("CC");
	char source[sizeof(program->file) + 4], command[512], expected[64];
	FILE *file;
	int status;
	FAULTS("nvrtcCompileProgram");

	snprintf(expected, sizeof(expected), "--gpu-architecture=compute_%d%d", CAPABILITY_MAJOR, CAPABILITY_MINOR);
	if (count != 1 || strcmp(options[0], expected) != 0)
		return wrong("nvrtcCompileProgram for something else than the device: %s", count ? options[0] : "");
	strcpy(program->file, "/tmp/cuda-double-XXXXXX");
	close(mkstemp(program->file));
	snprintf(source, sizeof(source), "%s.c", program->file);
	file = fopen(source, "w");
	fprintf(file, "%s%s", prelude, program->source);
	fclose(file);
	snprintf(command, sizeof(command), "exec %s -w -O1 -shared -fPIC -o %s %s 2>%s.log", compiler ? compiler : "cc",
		 program->file, source, program->file);
	status = system(command);
	unlink(source);
	snprintf(source, sizeof(source), "%s.log", program->file);
	file = fopen(source, "r");
	program->log[fread(program->log, 1, sizeof(program->log) - 1, file)] = '\0';
	fclose(file);
	unlink(source);
	if (status)
		unlink(program->file);
	return status ? 6 : 0;
}

int nvrtcGetPTXSize(struct program *program, size_t *bytes)
{
	*bytes = strlen(program->file) + 1;
	return 0;
}

int nvrtcGetPTX(struct program *program, char *ptx)
{
	FAULTS("nvrtcGetPTX");
	strcpy(ptx, program->file);
	return 0;
}

int nvrtcGetProgramLogSize(struct program *program, size_t *bytes)
{
	*bytes = strlen(program->log) + 1;
	return 0;
}

int nvrtcGetProgramLog(struct program *program, char *log)
{
	strcpy(log, program->log);
	return 0;
}

int nvrtcDestroyProgram(struct program **program)
{
	free((*program)->source);
	free(*program);
	*program = NULL;
	return 0;
}

const char *nvrtcGetErrorString(int code)
{
	return code == 6 ? "NVRTC_ERROR_COMPILATION" : "double's NVRTC error";
}

struct module {
	void *library;
	struct index {
		unsigned int x, y, z;
	} *block, *block_size, *thread;
};

/* One module at a time is what gpu-bench needs. */
static struct module loaded;

int cuModuleLoadData(struct module **module, const void *ptx)
{
	FAULTS("cuModuleLoadData");
	loaded.library = dlopen(ptx, RTLD_NOW | RTLD_LOCAL);
	unlink(ptx);
	if (!loaded.library)
		return wrong("%s", dlerror());
	loaded.block = dlsym(loaded.library, "blockIdx");
	loaded.block_size = dlsym(loaded.library, "blockDim");
	loaded.thread = dlsym(loaded.library, "threadIdx");
	*module = &loaded;
	return 0;
}

int cuModuleUnload(struct module *module)
{
	if (module != &loaded || !loaded.library)
		return wrong("cuModuleUnload of no module");
	dlclose(loaded.library);
	loaded.library = NULL;
	return 0;
}

int cuModuleGetFunction(void **function, struct module *module, const char *name)
{
	FAULTS("cuModuleGetFunction");
	*function = module == &loaded ? dlsym(loaded.library, name) : NULL;
	return *function ? 0 : 500;
}

int cuLaunchKernel(void *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
		   unsigned block_z, unsigned shared_bytes, void *stream, void **arguments, void **extra)
{
	void (*kernel)(const float *, const float *, float *, unsigned);
	const unsigned n = *(unsigned *)arguments[3];
	const size_t bytes = (size_t)n * n * sizeof(float);
	float *pointers[3];
	FAULTS("cuLaunchKernel");

	if (!grid_x || !grid_y || grid_z != 1 || !block_x || !block_y || block_z != 1 || block_x * block_y > 1024 ||
	    shared_bytes || stream || extra)
		return wrong("cuLaunchKernel with a grid or blocks that do not fit");
	for (int i = 0; i < 3; i++) {
		pointers[i] = behind(*(void **)arguments[i], bytes);
		if (!pointers[i])
			return wrong("cuLaunchKernel: argument %d is no matrix on the device", i);
	}
	memcpy(&kernel, &function, sizeof(kernel));
	*loaded.block_size = (struct index){block_x, block_y, 1};
	for (unsigned block = 0; block < grid_x * grid_y; block++) {
		*loaded.block = (struct index){block % grid_x, block / grid_x, 0};
		for (unsigned thread = 0; thread < block_x * block_y; thread++) {
			*loaded.thread = (struct index){thread % block_x, thread / block_x, 0};
			kernel(pointers[0], pointers[1], pointers[2], n);
		}
	}
	return 0;
}
