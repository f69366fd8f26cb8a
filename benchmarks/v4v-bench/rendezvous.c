#include "rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"

#define CANDIDATES 32u

/* A connection that has not shown the whole token yet. */
struct candidate {
	int fd;
	size_t received;
	uint8_t bytes[BENCH_TOKEN_BYTES];
};

struct waiting {
	struct candidate candidates[CANDIDATES]; /* oldest first */
	size_t count;
};

static void drop(struct waiting *waiting, size_t index)
{
	close(waiting->candidates[index].fd);
	waiting->count--;
	memmove(waiting->candidates + index, waiting->candidates + index + 1,
		(waiting->count - index) * sizeof(waiting->candidates[0]));
}

static void drop_all(struct waiting *waiting)
{
	while (waiting->count)
		drop(waiting, waiting->count - 1);
}

static bool take_one(int listener, struct waiting *waiting, struct error *error)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return transport_accept_passes() || error_errno(error, "accept");
	if (waiting->count == CANDIDATES)
		drop(waiting, 0);
	waiting->candidates[waiting->count++] = (struct candidate){.fd = fd};
	return true;
}

enum verdict { VERDICT_WAIT, VERDICT_RIGHT, VERDICT_WRONG };

static enum verdict examine(struct candidate *candidate, const uint8_t token[BENCH_TOKEN_BYTES])
{
	ssize_t bytes = recv(candidate->fd, candidate->bytes + candidate->received,
			     BENCH_TOKEN_BYTES - candidate->received, 0);

	if (bytes < 0)
		return errno == EAGAIN || errno == EINTR ? VERDICT_WAIT : VERDICT_WRONG;
	if (bytes == 0)
		return VERDICT_WRONG;
	candidate->received += (size_t)bytes;
	if (candidate->received < BENCH_TOKEN_BYTES)
		return VERDICT_WAIT;
	return memcmp(candidate->bytes, token, BENCH_TOKEN_BYTES) == 0 ? VERDICT_RIGHT : VERDICT_WRONG;
}

/* Takes the right one out of the waiting, or -1. */
static int examine_all(struct waiting *waiting, const uint8_t token[BENCH_TOKEN_BYTES])
{
	for (size_t i = 0; i < waiting->count;) {
		int fd = waiting->candidates[i].fd;

		switch (examine(&waiting->candidates[i], token)) {
		case VERDICT_WAIT:
			i++;
			break;
		case VERDICT_WRONG:
			drop(waiting, i);
			break;
		case VERDICT_RIGHT:
			waiting->candidates[i] = waiting->candidates[--waiting->count];
			return fd;
		}
	}
	return -1;
}

static bool welcome(int fd, enum transport transport, uint64_t deadline_ns, struct error *error)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
		return error_errno(error, "fcntl");
	if (!transport_adopt(fd, transport, (uint32_t)ms_until(deadline_ns), error))
		return false;
	return send_all(fd, rendezvous_greeting, sizeof(rendezvous_greeting)) || error_errno(error, "send greeting");
}

/* Sleeps until a connection or a byte comes. False when the deadline is past. */
static bool wait_for_any(int listener, const struct waiting *waiting, uint64_t deadline_ns)
{
	struct pollfd polled[1 + CANDIDATES];

	polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (size_t i = 0; i < waiting->count; i++)
		polled[1 + i] = (struct pollfd){.fd = waiting->candidates[i].fd, .events = POLLIN};
	poll(polled, 1 + waiting->count, ms_until(deadline_ns));
	return now_ns() < deadline_ns;
}

int rendezvous_accept(int listener, enum transport transport, const uint8_t token[BENCH_TOKEN_BYTES],
		      uint64_t deadline_ns, struct error *error)
{
	struct waiting waiting = {.count = 0};
	int fd = -1;

	while (fd < 0) {
		if (!wait_for_any(listener, &waiting, deadline_ns)) {
			error_set(error, "accept: the client did not connect until the deadline");
			break;
		}
		/* Looked at before the next is taken: a full house never turns away one whose token is here. */
		fd = examine_all(&waiting, token);
		if (fd < 0 && !take_one(listener, &waiting, error))
			break;
	}
	drop_all(&waiting);
	if (fd >= 0 && !welcome(fd, transport, deadline_ns, error)) {
		close(fd);
		return -1;
	}
	return fd;
}

int rendezvous_connect(const struct endpoint *endpoint, const uint8_t token[BENCH_TOKEN_BYTES],
		       uint64_t deadline_ns, struct error *error)
{
	int fd = transport_connect(endpoint, (uint32_t)ms_until(deadline_ns), error);
	char answer[sizeof(rendezvous_greeting)];
	ssize_t received;

	if (fd < 0)
		return -1;
	if (!send_all(fd, token, BENCH_TOKEN_BYTES)) {
		error_errno(error, "send token");
		goto fail;
	}
	received = receive_all(fd, answer, sizeof(answer));
	if (received < 0) {
		error_errno(error, "receive greeting");
		goto fail;
	}
	if ((size_t)received != sizeof(answer) || memcmp(answer, rendezvous_greeting, sizeof(answer)) != 0) {
		error_set(error, "receive greeting: the server closed the connection or is not v4v-bench");
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}
