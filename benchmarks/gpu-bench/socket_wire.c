#include "socket_wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "words.h"

bool socket_address(const char *text, struct sockaddr_in *address, struct error *error)
{
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN] = "";
	uint64_t port;

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	if (colon && (size_t)(colon - text) < sizeof(host))
		memcpy(host, text, (size_t)(colon - text));
	if (!colon || inet_pton(AF_INET, host, &address->sin_addr) != 1 || !number_parse(colon + 1, 1, 65535, &port))
		return error_set(error, "\"%.60s\" is no address and port, as in 10.83.0.10:11020", text);
	address->sin_port = htons((uint16_t)port);
	return true;
}

int socket_new(struct error *error)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int bytes = SOCKET_BUFFER, on = 1;

	if (fd < 0) {
		error_errno(error, "socket");
		return -1;
	}
	/* The kernel grants what its limits allow. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
		error_errno(error, "setsockopt TCP_NODELAY");
		close(fd);
		return -1;
	}
	return fd;
}
