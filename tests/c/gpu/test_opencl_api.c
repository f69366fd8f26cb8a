/* Our declarations of OpenCL against the Khronos headers: it compiles, or they differ. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "opencl_api.h"

/* The headers mark some functions as deprecated, which is no difference. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define SAME_FUNCTION(result, name, arguments)                                                                        \
	_Static_assert(__builtin_types_compatible_p(__typeof__(&name), __typeof__(((struct opencl_api *)0)->name)), #name);
OPENCL_FUNCTIONS(SAME_FUNCTION)

#define SAME(name) _Static_assert((long long)CL_##name == (long long)OPENCL_##name, #name)
SAME(SUCCESS);
SAME(DEVICE_NOT_FOUND);
SAME(BUILD_PROGRAM_FAILURE);
SAME(PLATFORM_NAME);
SAME(DEVICE_TYPE_CPU);
SAME(DEVICE_TYPE_GPU);
SAME(DEVICE_TYPE_ACCELERATOR);
SAME(DEVICE_TYPE_ALL);
SAME(DEVICE_TYPE);
SAME(DEVICE_MAX_MEM_ALLOC_SIZE);
SAME(DEVICE_GLOBAL_MEM_SIZE);
SAME(DEVICE_NAME);
SAME(DRIVER_VERSION);
SAME(MEM_READ_WRITE);
SAME(PROGRAM_BUILD_LOG);

/* What opencl.c takes its texts for codes from. */
_Static_assert(CL_DEVICE_NOT_AVAILABLE == -2 && CL_COMPILER_NOT_AVAILABLE == -3 && CL_MEM_OBJECT_ALLOCATION_FAILURE == -4 &&
	       CL_OUT_OF_RESOURCES == -5 && CL_OUT_OF_HOST_MEMORY == -6 &&
	       CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST == -14 && CL_INVALID_DEVICE == -33 &&
	       CL_INVALID_WORK_GROUP_SIZE == -54 &&
	       CL_INVALID_BUFFER_SIZE == -61, "codes");

int main(void)
{
	return 0;
}
