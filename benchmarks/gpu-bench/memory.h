/* How much memory there is on this side. */
#ifndef GPU_BENCH_MEMORY_H
#define GPU_BENCH_MEMORY_H

#include <stdint.h>

/* Bytes that this machine can give, as the kernel estimates it; UINT64_MAX when it does not say. */
uint64_t memory_available(void);

#endif
