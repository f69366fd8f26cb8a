/* A process for each size: one that dies or hangs in a library costs its own samples, and a line says so. */
#ifndef GPU_BENCH_SUPERVISE_H
#define GPU_BENCH_SUPERVISE_H

#include "options.h"

/* Measures every size, appends to `fd`. Returns the program's exit code; what failed was said on stderr. */
int supervise(const struct options *options, int fd);

#endif
