/*
 * How the two ends of a pair find each other among strangers. Data sockets can be reached by other domains, so a
 * connection opens with the pair's 16-byte random token, which only its two ends were told; the server answers with
 * a greeting. Anything else that connects is closed and cannot hold up the right one.
 */
#ifndef V4V_BENCH_RENDEZVOUS_H
#define V4V_BENCH_RENDEZVOUS_H

#include "error.h"
#include "transport.h"
#include "v4v_bench.h"

/* What a server answers to the right token. */
static const char rendezvous_greeting[4] = {'V', '4', 'V', 'B'};

/* Client: connects, shows the token and waits for the greeting, until the deadline. The socket, or -1. */
int rendezvous_connect(const struct endpoint *endpoint, const uint8_t token[BENCH_TOKEN_BYTES],
		       uint64_t deadline_ns, struct error *error);

/*
 * Server: accepts until a connection shows the token, greets it and closes all others. Up to 32 connections are
 * looked at side by side, the oldest giving way, so silent ones block nothing. The socket, or -1.
 */
int rendezvous_accept(int listener, enum transport transport, const uint8_t token[BENCH_TOKEN_BYTES],
		      uint64_t deadline_ns, struct error *error);

#endif
