/*
 * What the back end `socket` and `gpu-bench serve` say to each other over one TCP connection: the least that moves bytes to
 * the other end's memory and back, so that nothing but the socket takes time. Both ends are this program on one kind of machine.
 *
 *   client: struct socket_request, and behind SOCKET_WRITE `size` bytes
 *   server: one byte, 0 when it is done and an errno when it cannot be; SOCKET_READ that is done answers `size` bytes instead,
 *           and one that cannot be ends the connection
 */
#ifndef GPU_BENCH_SOCKET_WIRE_H
#define GPU_BENCH_SOCKET_WIRE_H

#include <netinet/in.h>
#include <stdint.h>

#include "error.h"

enum { SOCKET_ALLOCATE, SOCKET_CLEAR, SOCKET_WRITE, SOCKET_READ };

struct socket_request {
	uint32_t what;
	uint32_t buffer; /* enum buffer */
	uint64_t size;
};

/* Asked for each way, as v4v-bench does for its tuned TCP. */
#define SOCKET_BUFFER (4u << 20)

/* ADDRESS:PORT in numbers. */
bool socket_address(const char *text, struct sockaddr_in *address, struct error *error);

/* A TCP socket with Nagle's algorithm off and SOCKET_BUFFER, before listen() or connect(); -1 with the reason. */
int socket_new(struct error *error);

#endif
