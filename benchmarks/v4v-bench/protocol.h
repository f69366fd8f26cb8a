/*
 * Control lines between `drive` (dom0) and an agent (over the agent's stdin and stdout), at most 4095 bytes each,
 * in the words of words.h. A role is one end of a pair in the current step: pair p has server role 2p, client 2p + 1.
 *
 * agent:  agent 1 version=0.1.0 cpus=2 kernel=6.12.107 tcp=WORD   once, at its start
 * drive:  role ROLE end=server SPEC...                       listen; serve one pair
 * agent:  listening ROLE PORT
 * drive:  role ROLE end=client SPEC...                       connect, show the token, warm up
 * agent:  warm ROLE SNDBUF RCVBUF
 * drive:  go DELAY_US                                        all clients of this agent start that much later
 *           ... nothing is said by anybody while a step is being timed ...
 * agent:  timed ROLE                                         client: its timed window is over
 * drive:  finish                                             all clients: verify and report
 * agent:  way ROLE RING_TX RING_RX TCP_TX TCP_RX             client under v4vrun, bytes since the window's start
 * agent:  version ROLE TEXT                                 client of a program, before `warm`
 * agent:  command ROLE TEXT                                 likewise
 * agent:  net ROLE TX RX                                    likewise, after `way`: bytes of the domain's interfaces
 * agent:  rtt ROLE NS NS NS...                               client of a pingpong or connect, as many lines as it takes
 * agent:  done ROLE A B C                                    pingpong and connect client: START_NS WALL_NS COUNT
 *                                                            stream client:   START_NS WALL_NS MESSAGES CHECKSUM
 *                                                            stream server:   BYTES NS CHECKSUM
 *                                                            program client:  START_NS WALL_NS FIGURE_MILLI PAYLOAD
 *                                                            memcpy client:   START_NS WALL_NS MESSAGES
 *                                                            all other servers: nothing
 * agent:  failed ROLE TEXT                                   instead of any of the above; the role is over
 * drive:  abort                                              ends all roles
 * agent:  idle                                               they are gone; lines before this one are stale
 *
 * In a step of several pairs a client whose window ends early (by count) keeps silent until the budget is over: no
 * control byte disturbs the others. The drive asks all clients to start at one moment, which it puts far enough into
 * the future for the last `go` to arrive. An agent whose stdin ends kills its roles and exits.
 */
#ifndef V4V_BENCH_PROTOCOL_H
#define V4V_BENCH_PROTOCOL_H

#include <stddef.h>

#include "transport.h"

#define PROTOCOL_VERSION 1

/* Everything that one end of a pair must know. */
struct role_spec {
	unsigned role;
	bool is_client;
	enum kind kind;
	uint32_t size, warmup, count, budget_ms;
	uint32_t pairs;       /* how many run at the same time */
	uint32_t deadline_ms; /* from the arrival of the line: all must be over */
	uint64_t seed;        /* of the payload */
	uint8_t token[BENCH_TOKEN_BYTES];
	struct endpoint server; /* port 0 for the server itself, which a vchan takes for its role's number */
};

/* What an agent says of itself. */
struct hello {
	char version[33];
	char kernel[65]; /* uname -r */
	char tcp[129];   /* see kernel_tcp.h */
	uint32_t cpus;   /* online */
};

/* `role ...` without a newline; `size` of at least 512 is always enough. */
void role_spec_format(char *line, size_t size, const struct role_spec *spec);

/* `text` is what follows "role "; it is cut in place. */
bool role_spec_parse(char *text, struct role_spec *spec, struct error *error);

void hello_format(char *line, size_t size, const struct hello *hello);

/* False when the line is no hello of this protocol version. */
bool hello_parse(char *line, struct hello *hello, struct error *error);

/* Cuts "ROLE" off; false unless it is a number below 2 * BENCH_MAX_PAIRS. */
bool role_cut(char **cursor, unsigned *role);

#endif
