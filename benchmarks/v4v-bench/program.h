/*
 * Unmodified programs as one end of a pair: Debian's iperf3, and redis-server with redis-benchmark. They are started as
 * a user would start them, under v4vrun for `v4v-sockets`, and their own figure is what is measured. A connection that the
 * roles make beforehand tells the client where the server listens, and the server when it is over.
 *
 *   iperf3     `iperf3 -l SIZE -t SECONDS`, one stream, SECONDS the budget rounded up; MB/s as the receiver counts
 *   redis-get  `redis-benchmark -t get -c 16 -n COUNT -d SIZE`, the value set beforehand; requests a second
 */
#ifndef V4V_BENCH_PROGRAM_H
#define V4V_BENCH_PROGRAM_H

#include "role.h"

/* True if the kind is a program's, and the transport one that it can use. */
bool program_takes(enum kind kind, enum transport transport);

/* The program of a kind and the unit of its figure, for the samples. */
const char *program_name(enum kind kind);
const char *program_unit(enum kind kind);

/* The server runs the program before it reports `listening`. Both run until their role is done. False with a reason. */
bool program_server(struct role *role, struct error *error);
bool program_client(const struct role *role, struct error *error);

/*
 * Reads a program's own output: its figure in thousandths of its unit, and the payload bytes that it stands for at least.
 * Requests are worth their value of `size` bytes. False with the program's own words.
 */
bool program_figure(enum kind kind, const char *output, uint32_t count, uint32_t size, uint64_t *figure_milli,
		    uint64_t *payload, struct error *error);

#endif
