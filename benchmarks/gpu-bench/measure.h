/* One size, in the process that calls: it loads the back end's libraries and runs the workload. */
#ifndef GPU_BENCH_MEASURE_H
#define GPU_BENCH_MEASURE_H

#include "samples.h"

/* Appends the samples, also one for a failure, after which nothing more is tried. False says why. */
bool measure(const struct options *options, uint64_t size, int fd, struct progress *progress, struct error *error);

#endif
