/*
 * The back end without a device: memory of `gpu-bench serve` at the other end of a plain TCP connection. It computes nothing;
 * its transfers are what a socket gives, the ceiling of every remote device that is reached by one.
 */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io.h"
#include "socket_wire.h"

static const char computes_nothing[] = "the back end socket is memory behind a socket and computes nothing: only transfer has it";

static int descriptor(const struct device *device)
{
	return *(const int *)device->state;
}

static bool socket_list(const char *library, void (*each)(const struct device_info *info), struct error *error)
{
	(void)library;
	(void)each;
	return error_set(error, "the back end socket has no devices: it is the memory of a `gpu-bench serve`");
}

static bool socket_connect(struct device *device, const struct device_choice *choice, struct error *error)
{
	struct sockaddr_in address;
	int *fd;

	if (!socket_address(choice->server, &address, error))
		return false;
	fd = malloc(sizeof(*fd));
	if (!fd)
		out_of_memory();
	*fd = socket_new(error);
	if (*fd < 0) {
		free(fd);
		return false;
	}
	device->state = fd;
	if (connect(*fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		char what[80];

		snprintf(what, sizeof(what), "connect to %.40s", choice->server);
		return error_errno(error, what);
	}
	device->info = (struct device_info){.platform = "socket", .name = "memory behind a plain socket", .driver = "none"};
	return true;
}

static bool socket_compile(struct device *device, enum workload workload, struct error *error)
{
	(void)device;
	(void)workload;
	return error_set(error, "%s", computes_nothing);
}

static bool lost(ssize_t got, struct error *error)
{
	if (got < 0)
		return error_errno(error, "the server");
	return error_set(error, "the server ended the connection");
}

/* The request and what follows it in one call of the kernel, if it takes that at once: in one packet where they fit. */
static bool ask(int fd, const struct socket_request *request, const void *bytes, size_t size, struct error *error)
{
	struct iovec parts[] = {
		{.iov_base = (void *)request, .iov_len = sizeof(*request)},
		{.iov_base = (void *)bytes, .iov_len = size},
	};
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = size ? 2 : 1};
	ssize_t sent;

	do {
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	for (size_t i = 0; sent >= 0 && i < message.msg_iovlen; i++) {
		const size_t done = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;

		sent -= (ssize_t)done;
		if (!send_all(fd, (const uint8_t *)parts[i].iov_base + done, parts[i].iov_len - done))
			sent = -1;
	}
	return sent >= 0 || error_errno(error, "the server");
}

/* Waits for the byte that says whether it was done. */
static bool answered(int fd, struct error *error)
{
	uint8_t status;
	const ssize_t got = receive_all(fd, &status, 1);

	if (got != 1)
		return lost(got, error);
	return status == 0 || error_set(error, "the server: %s", strerror(status));
}

static bool demand(const struct device *device, uint32_t what, enum buffer buffer, const void *bytes, size_t size,
		   size_t sent, struct error *error)
{
	const struct socket_request request = {.what = what, .buffer = buffer, .size = size};

	return ask(descriptor(device), &request, bytes, sent, error) && answered(descriptor(device), error);
}

static bool socket_allocate(struct device *device, size_t bytes, unsigned buffers, struct error *error)
{
	for (unsigned i = 0; i < buffers; i++) {
		if (!demand(device, SOCKET_ALLOCATE, (enum buffer)i, NULL, bytes, 0, error))
			return false;
	}
	return true;
}

static bool socket_clear(struct device *device, enum buffer which, size_t size, struct error *error)
{
	return demand(device, SOCKET_CLEAR, which, NULL, size, 0, error);
}

static bool socket_write(struct device *device, enum buffer to, const void *bytes, size_t size, struct error *error)
{
	return demand(device, SOCKET_WRITE, to, bytes, size, size, error);
}

static bool socket_read(struct device *device, enum buffer from, void *bytes, size_t size, struct error *error)
{
	const struct socket_request request = {.what = SOCKET_READ, .buffer = from, .size = size};
	ssize_t got;

	if (!ask(descriptor(device), &request, NULL, 0, error))
		return false;
	got = receive_all(descriptor(device), bytes, size);
	return got == (ssize_t)size || lost(got, error);
}

static bool socket_matmul(struct device *device, uint32_t n, struct error *error)
{
	(void)n;
	return socket_compile(device, WORKLOAD_MATMUL, error);
}

static bool socket_sweep(struct device *device, enum buffer from, enum buffer to, uint32_t n, struct error *error)
{
	(void)from;
	(void)to;
	(void)n;
	return socket_compile(device, WORKLOAD_STENCIL, error);
}

/* Every call has waited for its own answer. */
static bool socket_finish(struct device *device, struct error *error)
{
	(void)device;
	(void)error;
	return true;
}

static void socket_close(struct device *device)
{
	if (!device->state)
		return;
	close(descriptor(device));
	free(device->state);
	device->state = NULL;
}

const struct backend socket_backend = {
	.name = "socket",
	.list = socket_list,
	.connect = socket_connect,
	.compile = socket_compile,
	.allocate = socket_allocate,
	.clear = socket_clear,
	.write = socket_write,
	.read = socket_read,
	.matmul = socket_matmul,
	.sweep = socket_sweep,
	.finish = socket_finish,
	.close = socket_close,
};
