/*
 * The installed libOpenCL with a fault, for tests: everything is its own but what FAULTY_OPENCL names.
 *   read     one bit of what the 2nd and later reads bring is wrong
 *   kernel   from the 2nd one on, kernels are said to have run and have not
 *   write    the same of writes
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int hit(const char *fault)
{
	static int calls;
	const char *wanted = getenv("FAULTY_OPENCL");

	return wanted && strcmp(wanted, fault) == 0 && ++calls > 1;
}

int32_t clEnqueueReadBuffer(void *queue, void *buffer, uint32_t blocking, size_t offset, size_t size, void *to,
			    uint32_t events, const void *wait_for, void *event)
{
	int32_t (*real)(void *, void *, uint32_t, size_t, size_t, void *, uint32_t, const void *, void *);
	void *symbol = dlsym(RTLD_NEXT, "clEnqueueReadBuffer");
	int32_t code;

	memcpy(&real, &symbol, sizeof(real));
	code = real(queue, buffer, blocking, offset, size, to, events, wait_for, event);
	if (hit("read"))
		((uint8_t *)to)[size / 2 | 3] ^= 0x80;
	return code;
}

int32_t clEnqueueWriteBuffer(void *queue, void *buffer, uint32_t blocking, size_t offset, size_t size, const void *from,
			     uint32_t events, const void *wait_for, void *event)
{
	int32_t (*real)(void *, void *, uint32_t, size_t, size_t, const void *, uint32_t, const void *, void *);
	void *symbol = dlsym(RTLD_NEXT, "clEnqueueWriteBuffer");

	memcpy(&real, &symbol, sizeof(real));
	return hit("write") ? 0 : real(queue, buffer, blocking, offset, size, from, events, wait_for, event);
}

int32_t clEnqueueNDRangeKernel(void *queue, void *kernel, uint32_t dimensions, const size_t *offset, const size_t *all,
			       const size_t *group, uint32_t events, const void *wait_for, void *event)
{
	int32_t (*real)(void *, void *, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t, const void *,
			void *);
	void *symbol = dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel");

	memcpy(&real, &symbol, sizeof(real));
	return hit("kernel") ? 0 : real(queue, kernel, dimensions, offset, all, group, events, wait_for, event);
}
