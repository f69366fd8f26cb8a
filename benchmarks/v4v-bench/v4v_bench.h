/*
 * v4v-bench: round trips, one-way streams and connection set-up over TCP, V4V (AF_VSOCK, or TCP under v4vrun), vchan and
 * AF_UNIX, with one program and one loop for every transport; and memcpy() inside one process, the ceiling of all of them.
 *
 * Units, everywhere in this program unless a name says otherwise:
 *   *_ns   nanoseconds of CLOCK_MONOTONIC (readings of two machines cannot be compared)
 *   *_ms   milliseconds
 *   *_us   microseconds
 *   size   payload bytes of one message
 *   bytes  payload bytes
 * The file formats (plan, samples) are told in plan.h and samples.h, the control lines in protocol.h.
 */
#ifndef V4V_BENCH_H
#define V4V_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#ifndef V4V_BENCH_VERSION
#define V4V_BENCH_VERSION "0.1.0"
#endif

#define BENCH_MAX_DOMAINS 128u           /* one that is reached at two addresses counts twice */
#define BENCH_MAX_STEPS 100000u
#define BENCH_MAX_PAIRS 128u             /* pairs that run at the same time in one step */
#define BENCH_MAX_NAME 32u               /* bytes of a domain's or experiment's name */
#define BENCH_MAX_SIZE (16u << 20)       /* bytes of one message */
#define BENCH_MAX_COUNT 1000000u         /* round trips or messages of one step */
#define BENCH_MAX_BUDGET_MS 3600000u     /* one hour */
#define BENCH_TOKEN_BYTES 16u            /* what a data connection must open with */
#define BENCH_SOCKET_BUFFER (4u << 20)   /* bytes asked for on tuned sockets, each way */
#define BENCH_DEFAULT_STEP_TIMEOUT_S 60u /* the longest that a step may take */
#define BENCH_STEP_ALLOWANCE_MS 30000u   /* a step's time beside its budget: connect, warm up, verify */

/* Exit codes of the program. */
enum { EXIT_OK = 0, EXIT_STOPPED = 1, EXIT_BAD_PLAN = 2 };

enum kind {
	KIND_PINGPONG,
	KIND_STREAM,
	KIND_CONNECT, /* connections, one after the other, with a byte each way */
	KIND_IPERF3,    /* unmodified programs, see program.h */
	KIND_REDIS_GET,
	KIND_MEMCPY, /* copies from buffer to buffer: goes with TRANSPORT_NATIVE and with nothing else */
};

enum transport {
	TRANSPORT_TCP,         /* TCP_NODELAY and explicit socket buffers */
	TRANSPORT_TCP_STOCK,   /* TCP as the kernel hands it out: no option set */
	TRANSPORT_V4V,         /* AF_VSOCK stream */
	TRANSPORT_V4V_SOCKETS, /* TRANSPORT_TCP in a process under v4vrun, at both ends; its way is checked, see way.h */
	TRANSPORT_TCP_V4VRUN,  /* the same to an address that is no peer's, where it stays TCP, which is checked; pingpong */
	TRANSPORT_VCHAN,       /* libxenvchan: rings in granted memory, no socket; pingpong and stream */
	TRANSPORT_UNIX,        /* AF_UNIX stream: both ends in one domain */
	TRANSPORT_NATIVE,      /* no socket: the client alone, in one domain */
};

/* Names as the plan and the samples spell them. */
const char *kind_name(enum kind kind);
const char *transport_name(enum transport transport);

/* Its processes run under v4vrun. */
bool transport_uses_v4vrun(enum transport transport);

/* It carries that kind of step. Programs know for themselves what they run over, see program.h. */
bool transport_carries(enum transport transport, enum kind kind);

/* What a kind counts is timed one by one: round trips, connections. */
bool kind_times_each(enum kind kind);

/* The figure is an unmodified program's own. */
bool kind_is_program(enum kind kind);

/* The other way; false when the text names none. */
bool kind_parse(const char *text, enum kind *kind);
bool transport_parse(const char *text, enum transport *transport);

#endif
