/* The hypervisor's heap: every block counted, none of its bytes zero by luck. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

bool allocation_fails(void)
{
	return machine.failing_allocation && !--machine.failing_allocation;
}

void *machine_alloc(size_t size, size_t count, bool zero)
{
	void *block;

	if (allocation_fails() || __builtin_mul_overflow(size, count, &size))
		return NULL;
	block = malloc(size);
	memset(block, zero ? 0 : 0xa7, size);
	machine.heap_blocks++;
	return block;
}

void *machine_alloc_aligned(size_t alignment, size_t size)
{
	void *block = NULL;

	if (allocation_fails() || posix_memalign(&block, alignment, size))
		return NULL;
	memset(block, 0, size);
	machine.heap_blocks++;
	return block;
}

void machine_free(void *block)
{
	if (!block)
		return;
	machine.heap_blocks--;
	free(block);
}
