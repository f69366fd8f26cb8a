#include "vchan.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "library.h"
#include "vchan_api.h"

#define RETRY_EVERY_MS 5u
#define PATH_BYTES 64 /* libxenvchan's own room, names of its nodes included */

static struct vchan_api api;

static bool load(struct error *error)
{
	static const char *const names[] = {"libxenvchan.so.4.20", "libxenvchan.so", NULL};
	static const struct library_symbol symbols[] = {
		{"libxenvchan_server_init", offsetof(struct vchan_api, server_init)},
		{"libxenvchan_client_init", offsetof(struct vchan_api, client_init)},
		{"libxenvchan_close", offsetof(struct vchan_api, close)},
		{"libxenvchan_read", offsetof(struct vchan_api, read)},
		{"libxenvchan_write", offsetof(struct vchan_api, write)},
		{"libxenvchan_wait", offsetof(struct vchan_api, wait)},
		{"libxenvchan_fd_for_select", offsetof(struct vchan_api, fd_for_select)},
		{"libxenvchan_is_open", offsetof(struct vchan_api, is_open)},
		{"libxenvchan_buffer_space", offsetof(struct vchan_api, buffer_space)},
	};
	struct error reason;
	void *library;

	if (api.close)
		return true;
	library = library_open(NULL, names, "Debian has it in libxenmisc4.20", &reason);
	if (library && library_functions(library, symbols, sizeof(symbols) / sizeof(symbols[0]), &api, &reason))
		return true;
	return error_set(error, "vchan: %.300s", reason.text);
}

/* Looked at first: libxenvchan_server_init() of 4.20 frees a pointer that it never set if it cannot open one of these. */
static bool has_devices(const char *grants, struct error *error)
{
	const char *const devices[] = {grants, "/dev/xen/evtchn"};

	for (size_t i = 0; i < 2; i++) {
		if (access(devices[i], R_OK | W_OK) != 0)
			return error_set(error, "vchan: %s: %s", devices[i], strerror(errno));
	}
	return true;
}

static void print_path(const struct vchan_address *address, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "/local/domain/%u/data/vchan/%u/%u", (unsigned)address->server,
		 (unsigned)address->client, (unsigned)address->port);
}

struct vchan *vchan_serve(const struct vchan_address *address, struct error *error)
{
	char path[PATH_BYTES];
	struct vchan *vchan;

	if (!load(error) || !has_devices("/dev/xen/gntalloc", error))
		return NULL;
	print_path(address, path);
	errno = 0;
	vchan = api.server_init(NULL, (int)address->client, path, VCHAN_RING_BYTES, VCHAN_RING_BYTES);
	if (vchan)
		vchan->blocking = 0;
	else
		error_set(error, "vchan: libxenvchan_server_init %s: %s", path,
			  errno ? strerror(errno) : "no reason given");
	return vchan;
}

/* Sleeps until something happens to the channel. False when the deadline is past. */
static bool wait_by(struct vchan *vchan, uint64_t deadline_ns)
{
	struct pollfd polled = {.fd = api.fd_for_select(vchan), .events = POLLIN};

	if (now_ns() >= deadline_ns)
		return false;
	return poll(&polled, 1, ms_until(deadline_ns)) != 1 || api.wait(vchan) == 0;
}

bool vchan_await_client(struct vchan *vchan, uint64_t deadline_ns, struct error *error)
{
	while (api.is_open(vchan) == VCHAN_NO_CLIENT_YET) {
		if (!wait_by(vchan, deadline_ns))
			return error_set(error, "vchan: the client did not connect until the deadline");
	}
	return true;
}

struct vchan *vchan_connect(const struct vchan_address *address, uint64_t retry_until_ns, struct error *error)
{
	char path[PATH_BYTES];
	struct vchan *vchan;

	if (!load(error) || !has_devices("/dev/xen/gntdev", error))
		return NULL;
	print_path(address, path);
	for (;;) {
		errno = 0;
		vchan = api.client_init(NULL, (int)address->server, path);
		if (vchan || now_ns() >= retry_until_ns)
			break;
		sleep_until(deadline_in_ms(RETRY_EVERY_MS));
	}
	if (vchan)
		vchan->blocking = 0;
	else
		error_set(error, "vchan: libxenvchan_client_init %s: %s", path,
			  errno ? strerror(errno) : "no reason given");
	return vchan;
}

bool vchan_send(struct vchan *vchan, const void *bytes, size_t length)
{
	vchan->blocking = 1;
	/* Blocking, it writes all or fails. */
	if (api.write(vchan, bytes, length) == (int)length)
		return true;
	errno = api.is_open(vchan) == VCHAN_OPEN ? EIO : EPIPE;
	return false;
}

ssize_t vchan_receive(struct vchan *vchan, void *bytes, size_t length)
{
	int received;

	vchan->blocking = 1;
	received = api.read(vchan, bytes, length);
	if (received >= 0)
		return received;
	if (api.is_open(vchan) != VCHAN_OPEN)
		return 0;
	errno = EIO;
	return -1;
}

bool vchan_receive_by(struct vchan *vchan, void *bytes, size_t length, uint64_t deadline_ns)
{
	uint8_t *next = bytes;

	vchan->blocking = 0;
	while (length) {
		int received = api.read(vchan, next, length);

		if (received < 0 || (received == 0 && !wait_by(vchan, deadline_ns)))
			return false;
		next += received;
		length -= (size_t)received;
	}
	return true;
}

bool vchan_drain(struct vchan *vchan)
{
	while (api.buffer_space(vchan) < 1 << vchan->write.order) {
		if (api.is_open(vchan) != VCHAN_OPEN || api.wait(vchan) != 0)
			return false;
	}
	return true;
}

void vchan_buffers(const struct vchan *vchan, uint32_t *write, uint32_t *read)
{
	*write = 1u << vchan->write.order;
	*read = 1u << vchan->read.order;
}

void vchan_close(struct vchan *vchan)
{
	api.close(vchan);
}
