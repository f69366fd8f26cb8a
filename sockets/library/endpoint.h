/* IPv4 ends of connections, of IPv4 and IPv6 sockets. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
	uint32_t address; /* host order; 0 of a listener: all */
	uint16_t port;
};

/* False if it is no IPv4 address; `any`: the IPv6 address of all is IPv4's, too, as listeners have it. */
bool endpoint_of(const struct sockaddr *address, socklen_t length, bool any, struct endpoint *end);

#endif
