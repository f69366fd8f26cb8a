/*
 * A connection of a pair, whatever carries it: a socket or a vchan. The loops that are timed know it by this face alone;
 * what that costs is one comparison a call.
 */
#ifndef V4V_BENCH_CONNECTION_H
#define V4V_BENCH_CONNECTION_H

#include <sys/types.h>

#include "transport.h"
#include "vchan.h"

struct connection {
	int fd;              /* -1 with a vchan, and when it is closed */
	struct vchan *vchan; /* NULL with a socket */
};

/* Where a server waits for connections, one after the other. */
struct listener {
	struct endpoint endpoint;
	int fd;              /* -1 with a vchan */
	struct vchan *vchan; /* the next one, which nobody has come to yet */
};

/* Which connection of a step it is: each vchan has a port of its own. */
enum turn { TURN_FIRST, TURN_VERIFICATION };

/* Listens; a vchan at endpoint->port, a socket on one that it sets there. False with a reason. */
bool listener_open(struct listener *listener, const struct endpoint *endpoint, struct error *error);

/* The client that shows the token, see rendezvous.h. */
bool listener_accept(struct listener *listener, enum turn turn, const uint8_t token[BENCH_TOKEN_BYTES],
		     uint64_t deadline_ns, struct connection *connection, struct error *error);

/* Client. */
bool connection_open(struct connection *connection, const struct endpoint *endpoint, enum turn turn,
		     const uint8_t token[BENCH_TOKEN_BYTES], uint64_t deadline_ns, struct error *error);

/* As send_all(), recv() and receive_all() do for a socket. */
bool connection_send(const struct connection *connection, const void *bytes, size_t length);
ssize_t connection_receive_some(const struct connection *connection, void *bytes, size_t length);
ssize_t connection_receive(const struct connection *connection, void *bytes, size_t length);

/* Bytes of the buffers or rings of this end, see transport_buffers(); zero without a connection (NULL). */
void connection_buffers(const struct connection *connection, enum transport transport, uint32_t *sndbuf,
			uint32_t *rcvbuf);

/* Once or more. */
void connection_close(struct connection *connection);

#endif
