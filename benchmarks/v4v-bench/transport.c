#include "transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define BACKLOG 64
#define AUTOBIND_DIGITS 5

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_vm vm;
	struct sockaddr_un un;
};

/* The library of v4vrun asks for V4V; the program itself does what it does for TCP. */
static bool is_tuned_tcp(enum transport transport)
{
	return transport == TRANSPORT_TCP || transport_uses_v4vrun(transport);
}

static int family(enum transport transport)
{
	switch (transport) {
	case TRANSPORT_V4V:
		return AF_VSOCK;
	case TRANSPORT_UNIX:
		return AF_UNIX;
	case TRANSPORT_TCP:
	case TRANSPORT_TCP_STOCK:
	case TRANSPORT_V4V_SOCKETS:
	case TRANSPORT_TCP_V4VRUN:
	case TRANSPORT_VCHAN: /* these never get here: they have no socket */
	case TRANSPORT_NATIVE:
		break;
	}
	return AF_INET;
}

/* The address of an endpoint; of a listener still without a port when `listening`. Returns its length. */
static socklen_t make_address(const struct endpoint *endpoint, bool listening, union address *address)
{
	memset(address, 0, sizeof(*address));
	address->any.sa_family = (sa_family_t)family(endpoint->transport);
	switch (endpoint->transport) {
	case TRANSPORT_V4V:
		address->vm.svm_cid = listening ? VMADDR_CID_ANY : endpoint->cid;
		address->vm.svm_port = listening ? VMADDR_PORT_ANY : endpoint->port;
		return sizeof(address->vm);
	case TRANSPORT_UNIX:
		if (listening)
			return sizeof(sa_family_t); /* autobind: an unused abstract name of five hex digits */
		snprintf(address->un.sun_path + 1, sizeof(address->un.sun_path) - 1, "%0*x", AUTOBIND_DIGITS,
			 (unsigned)endpoint->port);
		return offsetof(struct sockaddr_un, sun_path) + 1 + AUTOBIND_DIGITS;
	case TRANSPORT_TCP:
	case TRANSPORT_TCP_STOCK:
	case TRANSPORT_V4V_SOCKETS:
	case TRANSPORT_TCP_V4VRUN:
	case TRANSPORT_VCHAN:
	case TRANSPORT_NATIVE:
		break;
	}
	address->in.sin_port = listening ? 0 : htons((uint16_t)endpoint->port);
	inet_pton(AF_INET, endpoint->addr, &address->in.sin_addr);
	return sizeof(address->in);
}

static bool read_port(int fd, struct endpoint *endpoint)
{
	union address address;
	socklen_t length = sizeof(address);
	unsigned number;

	memset(&address, 0, sizeof(address));
	if (getsockname(fd, &address.any, &length) != 0)
		return false;
	switch (endpoint->transport) {
	case TRANSPORT_V4V:
		endpoint->port = address.vm.svm_port;
		return true;
	case TRANSPORT_UNIX:
		errno = EPROTO;
		if (sscanf(address.un.sun_path + 1, "%5x", &number) != 1)
			return false;
		endpoint->port = number;
		return true;
	case TRANSPORT_TCP:
	case TRANSPORT_TCP_STOCK:
	case TRANSPORT_V4V_SOCKETS:
	case TRANSPORT_TCP_V4VRUN:
	case TRANSPORT_VCHAN:
	case TRANSPORT_NATIVE:
		break;
	}
	endpoint->port = ntohs(address.in.sin_port);
	return true;
}

/*
 * Set before listen() and connect(): TCP settles its window scale in the handshake, and accepted sockets inherit
 * from their listener. Buffers are best effort, the kernel grants what its limits allow.
 */
static bool set_options(int fd, enum transport transport, struct error *error)
{
	int bytes = BENCH_SOCKET_BUFFER;
	int on = 1;

	/* V4V's rings are the module's to size: its parameter ring_kib is a setting of the testbed. */
	if (is_tuned_tcp(transport)) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
		if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
			return error_errno(error, "setsockopt TCP_NODELAY");
	}
	return true;
}

/* No call on the socket blocks for longer than that, connect() included. */
static bool set_timeouts(int fd, enum transport transport, uint32_t timeout_ms, struct error *error)
{
	struct timeval timeout = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = timeout_ms % 1000 * 1000,
	};

	if (timeout_ms == 0)
		timeout.tv_usec = 1; /* zero would mean for ever */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0)
		return error_errno(error, "setsockopt SO_RCVTIMEO");
	if (transport == TRANSPORT_V4V &&
	    setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &timeout, sizeof(timeout)) != 0)
		return error_errno(error, "setsockopt SO_VM_SOCKETS_CONNECT_TIMEOUT");
	return true;
}

int transport_listen(struct endpoint *endpoint, struct error *error)
{
	union address address;
	socklen_t length = make_address(endpoint, true, &address);
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		error_errno(error, "socket");
		return -1;
	}
	if (!set_options(fd, endpoint->transport, error))
		goto fail;
	if (bind(fd, &address.any, length) != 0) {
		error_errno(error, "bind");
		goto fail;
	}
	if (listen(fd, BACKLOG) != 0) {
		error_errno(error, "listen");
		goto fail;
	}
	if (!read_port(fd, endpoint)) {
		error_errno(error, "getsockname");
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

/* A connect() that a signal interrupted goes on by itself: wait for it. */
static bool finish_connect(int fd, uint32_t timeout_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int result = 0;
	socklen_t length = sizeof(result);

	if (poll(&ready, 1, (int)timeout_ms) != 1) {
		errno = EINPROGRESS;
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &length) != 0)
		return false;
	errno = result;
	return result == 0;
}

int transport_connect(const struct endpoint *endpoint, uint32_t timeout_ms, struct error *error)
{
	union address address;
	socklen_t length = make_address(endpoint, false, &address);
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		error_errno(error, "socket");
		return -1;
	}
	if (!set_options(fd, endpoint->transport, error) ||
	    !set_timeouts(fd, endpoint->transport, timeout_ms, error))
		goto fail;
	if (connect(fd, &address.any, length) != 0 && (errno != EINTR || !finish_connect(fd, timeout_ms))) {
		error_errno(error, "connect");
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

bool transport_accept_passes(void)
{
	return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == ECONNRESET ||
	       errno == EPROTO || errno == ETIMEDOUT;
}

bool transport_adopt(int fd, enum transport transport, uint32_t timeout_ms, struct error *error)
{
	return set_options(fd, transport, error) && set_timeouts(fd, transport, timeout_ms, error);
}

static uint32_t socket_buffer(int fd, int option)
{
	int bytes = 0;
	socklen_t length = sizeof(bytes);

	getsockopt(fd, SOL_SOCKET, option, &bytes, &length);
	return (uint32_t)bytes;
}

void transport_buffers(int fd, enum transport transport, uint32_t *sndbuf, uint32_t *rcvbuf)
{
	unsigned long long wide = 0;
	socklen_t length = sizeof(wide);

	if (transport == TRANSPORT_V4V) {
		getsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &wide, &length);
		*sndbuf = *rcvbuf = (uint32_t)wide;
		return;
	}
	*sndbuf = socket_buffer(fd, SO_SNDBUF);
	*rcvbuf = socket_buffer(fd, SO_RCVBUF);
	if (is_tuned_tcp(transport)) {
		*sndbuf /= 2;
		*rcvbuf /= 2;
	}
}
