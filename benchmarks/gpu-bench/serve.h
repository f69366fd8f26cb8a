/* The other end of the back end `socket`. */
#ifndef GPU_BENCH_SERVE_H
#define GPU_BENCH_SERVE_H

#include "error.h"

/* Serves memory at ADDRESS:PORT, a process for each connection, until it is killed. Returns only what went wrong, as false. */
bool serve(const char *where, struct error *error);

#endif
