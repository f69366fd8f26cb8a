/*
 * vchan, Xen's own byte stream between two domains: two rings in the server's memory, granted to the client, and an event
 * channel. The server leaves their numbers in XenStore, where the client alone may read them:
 * /local/domain/SERVER/data/vchan/CLIENT/PORT. That is below the server's own `data`, so dom0 has nothing to prepare.
 */
#ifndef V4V_BENCH_VCHAN_H
#define V4V_BENCH_VCHAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* Bytes of each ring: libxenvchan's largest, as the grants of two such fill its shared page. */
#define VCHAN_RING_BYTES (1u << 20)

struct vchan;

struct vchan_address {
	uint32_t server, client; /* domain ids */
	uint32_t port;
};

/* Server: the channel, to which no client has come yet. NULL with a reason. */
struct vchan *vchan_serve(const struct vchan_address *address, struct error *error);

/* Server: waits for the client. */
bool vchan_await_client(struct vchan *vchan, uint64_t deadline_ns, struct error *error);

/* Client: tries once, and again until `retry_until_ns` while the server has not made it yet. NULL with a reason. */
struct vchan *vchan_connect(const struct vchan_address *address, uint64_t retry_until_ns, struct error *error);

/* All bytes, blocking. False with errno; EPIPE when the other end has ended. */
bool vchan_send(struct vchan *vchan, const void *bytes, size_t length);

/* What is there, up to `length`, blocking while nothing is. 0 when the other end, which drains first, has ended; -1 with errno. */
ssize_t vchan_receive(struct vchan *vchan, void *bytes, size_t length);

/* True if `length` bytes came by the deadline. */
bool vchan_receive_by(struct vchan *vchan, void *bytes, size_t length, uint64_t deadline_ns);

/* A vchan has no half-close: waits until the other end has taken everything that was sent. False when it ended before. */
bool vchan_drain(struct vchan *vchan);

/* Bytes of the rings that this end writes and reads. */
void vchan_buffers(const struct vchan *vchan, uint32_t *write, uint32_t *read);

/* The end for the other end, too. */
void vchan_close(struct vchan *vchan);

#endif
