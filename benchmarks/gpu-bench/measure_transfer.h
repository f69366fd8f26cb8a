/* Transfers of one size to the device and back, each timed, all bytes compared. */
#ifndef GPU_BENCH_MEASURE_TRANSFER_H
#define GPU_BENCH_MEASURE_TRANSFER_H

#include "samples.h"

/* As measure(), but a failure is not yet among the samples. */
bool measure_transfer(const struct options *options, uint64_t size, int fd, struct progress *progress,
		      struct error *error);

#endif
