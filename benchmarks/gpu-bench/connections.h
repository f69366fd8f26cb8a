/* The proof of the way: what the kernel counted on each TCP connection of this process, which may have gone over to V4V. */
#ifndef GPU_BENCH_CONNECTIONS_H
#define GPU_BENCH_CONNECTIONS_H

#include "options.h"

/* Payload bytes of a connection by TCP, as `ss -ti` shows them. */
struct tcp_bytes {
	uint64_t sent; /* and acknowledged: what was sent twice is there once */
	uint64_t received;
};

/*
 * True if the line of `ss -HtniO` (cut in place) is the connection between these ends, `ADDRESS:PORT` each, and has the kernel's
 * counters.
 */
bool ss_line(char *line, const char *local, const char *remote, struct tcp_bytes *bytes);

/* A sample line for each TCP connection that this process has, to be written while they stand: at a size's end. */
bool connections_report(const struct options *options, uint64_t size, int fd, struct error *error);

#endif
