/*
 * The part of OpenCL 1.2 that gpu-bench calls, as libOpenCL.so.1 exports it: no headers are needed to build. A test
 * compares it with the Khronos headers.
 */
#ifndef GPU_BENCH_OPENCL_API_H
#define GPU_BENCH_OPENCL_API_H

#include <stddef.h>
#include <stdint.h>

typedef struct _cl_platform_id *cl_platform_id;
typedef struct _cl_device_id *cl_device_id;
typedef struct _cl_context *cl_context;
typedef struct _cl_command_queue *cl_command_queue;
typedef struct _cl_program *cl_program;
typedef struct _cl_kernel *cl_kernel;
typedef struct _cl_mem *cl_mem;
typedef struct _cl_event *cl_event;

typedef void (*opencl_context_notice)(const char *text, const void *info, size_t bytes, void *data);
typedef void (*opencl_build_notice)(cl_program program, void *data);

/* F(result, name, arguments) for each function. */
#define OPENCL_FUNCTIONS(F)                                                                                           \
	F(int32_t, clGetPlatformIDs, (uint32_t, cl_platform_id *, uint32_t *))                                        \
	F(int32_t, clGetPlatformInfo, (cl_platform_id, uint32_t, size_t, void *, size_t *))                           \
	F(int32_t, clGetDeviceIDs, (cl_platform_id, uint64_t, uint32_t, cl_device_id *, uint32_t *))                  \
	F(int32_t, clGetDeviceInfo, (cl_device_id, uint32_t, size_t, void *, size_t *))                               \
	F(cl_context, clCreateContext, (const intptr_t *, uint32_t, const cl_device_id *, opencl_context_notice, void *, int32_t *)) \
	F(cl_command_queue, clCreateCommandQueue, (cl_context, cl_device_id, uint64_t, int32_t *))                    \
	F(cl_program, clCreateProgramWithSource, (cl_context, uint32_t, const char **, const size_t *, int32_t *))    \
	F(int32_t, clBuildProgram, (cl_program, uint32_t, const cl_device_id *, const char *, opencl_build_notice, void *)) \
	F(int32_t, clGetProgramBuildInfo, (cl_program, cl_device_id, uint32_t, size_t, void *, size_t *))             \
	F(cl_kernel, clCreateKernel, (cl_program, const char *, int32_t *))                                           \
	F(int32_t, clSetKernelArg, (cl_kernel, uint32_t, size_t, const void *))                                       \
	F(cl_mem, clCreateBuffer, (cl_context, uint64_t, size_t, void *, int32_t *))                                  \
	F(int32_t, clEnqueueWriteBuffer, (cl_command_queue, cl_mem, uint32_t, size_t, size_t, const void *, uint32_t, const cl_event *, cl_event *)) \
	F(int32_t, clEnqueueReadBuffer, (cl_command_queue, cl_mem, uint32_t, size_t, size_t, void *, uint32_t, const cl_event *, cl_event *)) \
	F(int32_t, clEnqueueFillBuffer, (cl_command_queue, cl_mem, const void *, size_t, size_t, size_t, uint32_t, const cl_event *, cl_event *)) \
	F(int32_t, clEnqueueNDRangeKernel, (cl_command_queue, cl_kernel, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t, const cl_event *, cl_event *)) \
	F(int32_t, clFinish, (cl_command_queue))

struct opencl_api {
#define OPENCL_MEMBER(result, name, arguments) result (*name) arguments;
	OPENCL_FUNCTIONS(OPENCL_MEMBER)
#undef OPENCL_MEMBER
};

/* CL_X of the standard is OPENCL_X here, so that both can be seen at once. */
enum {
	OPENCL_SUCCESS = 0,
	OPENCL_DEVICE_NOT_FOUND = -1,
	OPENCL_BUILD_PROGRAM_FAILURE = -11,
	OPENCL_PLATFORM_NOT_FOUND_KHR = -1001,

	OPENCL_PLATFORM_NAME = 0x0902,

	OPENCL_DEVICE_TYPE_CPU = 1 << 1,
	OPENCL_DEVICE_TYPE_GPU = 1 << 2,
	OPENCL_DEVICE_TYPE_ACCELERATOR = 1 << 3,

	OPENCL_DEVICE_TYPE = 0x1000,
	OPENCL_DEVICE_MAX_MEM_ALLOC_SIZE = 0x1010,
	OPENCL_DEVICE_GLOBAL_MEM_SIZE = 0x101f,
	OPENCL_DEVICE_NAME = 0x102b,
	OPENCL_DRIVER_VERSION = 0x102d,

	OPENCL_MEM_READ_WRITE = 1 << 0,
	OPENCL_PROGRAM_BUILD_LOG = 0x1183,
};

#define OPENCL_DEVICE_TYPE_ALL 0xffffffffu

#endif
