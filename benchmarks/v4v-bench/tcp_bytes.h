/* What the kernel counts of a TCP connection. */
#ifndef V4V_BENCH_TCP_BYTES_H
#define V4V_BENCH_TCP_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Bytes so far: sent ones that the other end has acknowledged, and received ones. */
bool tcp_bytes(int fd, uint64_t *tx, uint64_t *rx, struct error *error);

#endif
