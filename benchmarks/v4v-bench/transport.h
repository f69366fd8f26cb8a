/* Sockets of every transport behind one face: listen, connect, options. */
#ifndef V4V_BENCH_TRANSPORT_H
#define V4V_BENCH_TRANSPORT_H

#include <netinet/in.h>

#include "error.h"
#include "v4v_bench.h"

/* Where a server listens. */
struct endpoint {
	enum transport transport;
	char addr[INET_ADDRSTRLEN]; /* TCP: IPv4 address */
	uint32_t cid;               /* V4V: the server's context id */
	uint32_t port;              /* TCP and V4V port; AF_UNIX: the number that autobind chose, see unix(7); vchan: see vchan.h */
	uint32_t domid, client_domid; /* vchan: the two domains */
};

/*
 * A listening socket on a port that the kernel picks: TCP on endpoint->addr, V4V on any own context id, AF_UNIX on
 * an abstract name. Sets endpoint->port. -1 with a reason.
 */
int transport_listen(struct endpoint *endpoint, struct error *error);

/* A connected socket, its options set, within timeout_ms. -1 with a reason. */
int transport_connect(const struct endpoint *endpoint, uint32_t timeout_ms, struct error *error);

/* Whether the error (errno) of an accept() concerns one dead connection and not the listener. */
bool transport_accept_passes(void);

/* What an accepted socket needs: the options of its transport, and bounded sends and receives. */
bool transport_adopt(int fd, enum transport transport, uint32_t timeout_ms, struct error *error);

/*
 * Bytes of socket buffer that the kernel granted. `tcp`: in the unit of setsockopt (getsockopt on Linux answers
 * twice what was granted, for its own book-keeping), so 4194304 means that the request was met; so for
 * `tcp-v4vrun`, and for `v4v-sockets`, whose rings are of the module's size. `v4v`: the
 * connection's SO_VM_SOCKETS_BUFFER_SIZE, for both. `tcp-stock` and `unix`: as getsockopt answers; TCP's kernel goes
 * on tuning it.
 */
void transport_buffers(int fd, enum transport transport, uint32_t *sndbuf, uint32_t *rcvbuf);

#endif
