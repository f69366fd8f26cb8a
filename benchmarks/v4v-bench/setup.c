#include "setup.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"

/* A stranger that connects and says nothing holds the server up for so long. */
#define SILENCE_LIMIT_S 1

/* What the server makes of a byte: the client sees that it spoke with its own. */
static uint8_t answer_to(const struct role_spec *spec, uint8_t byte)
{
	return byte ^ spec->token[0];
}

/* From nothing to nothing. */
static bool one_connection(const struct role *role, uint8_t byte, struct error *error)
{
	const struct role_spec *spec = &role->spec;
	int fd = transport_connect(&spec->server, (uint32_t)ms_until(role->deadline_ns), error);
	uint8_t answer;
	ssize_t received;
	bool ok;

	if (fd < 0)
		return false;
	ok = send_all(fd, &byte, 1) || error_errno(error, "send");
	if (ok) {
		received = receive_all(fd, &answer, 1);
		if (received < 0)
			ok = error_errno(error, "receive");
		else if (received == 0)
			ok = error_set(error, "receive: the server ended the connection");
		else if (answer != answer_to(spec, byte))
			ok = error_set(error, "integrity: the server's answer differs");
	}
	if (close(fd) != 0 && ok)
		ok = error_errno(error, "close");
	return ok;
}

/* The timed loop: one clock reading a connection, its end is the next one's start. Returns those made, 0 on failure. */
static uint32_t timed_connections(const struct role *role, uint64_t *setup_ns, uint64_t *start_ns, uint64_t *wall_ns,
				  struct error *error)
{
	const uint64_t budget_ns = role->spec.budget_ms * NS_PER_MS;
	uint64_t start = now_ns();
	uint64_t before = start;
	uint32_t done = 0;

	do {
		uint64_t after;

		if (!one_connection(role, (uint8_t)done, error))
			return 0;
		after = now_ns();
		setup_ns[done++] = after - before;
		before = after;
	} while (done < role->spec.count && before - start < budget_ns);
	*start_ns = start;
	*wall_ns = before - start;
	return done;
}

bool setup_client(const struct role *role, const struct connection *connection, struct error *error)
{
	uint64_t *setup_ns = buffer_new(role->spec.count * sizeof(*setup_ns));
	uint64_t start_ns, wall_ns;
	uint32_t done;

	for (uint32_t i = 0; i < role->spec.warmup; i++) {
		if (!one_connection(role, (uint8_t)i, error))
			return false;
	}
	if (!role_barrier(role, connection, error))
		return false;
	done = timed_connections(role, setup_ns, &start_ns, &wall_ns, error);
	if (!done || !role_window_over(role, start_ns, error) ||
	    !role_report_times(role, setup_ns, done, error))
		return false;
	return role_report(role, error, "done %u %llu %llu %u", role->spec.role, (unsigned long long)start_ns,
			   (unsigned long long)wall_ns, (unsigned)done);
}

/* Answers one connection and waits for its end. What a stranger does to it is the stranger's loss. */
static bool serve_one(const struct role *role, int listener, struct error *error)
{
	struct timeval limit = {.tv_sec = SILENCE_LIMIT_S};
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	uint8_t byte;

	if (fd < 0)
		return transport_accept_passes() || error_errno(error, "accept");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (receive_all(fd, &byte, 1) == 1) {
		byte = answer_to(&role->spec, byte);
		if (send_all(fd, &byte, 1))
			receive_all(fd, &byte, 1);
	}
	close(fd);
	return true;
}

bool setup_server(const struct role *role, int listener, int fd, struct error *error)
{
	struct pollfd polled[] = {{.fd = listener, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	while (!polled[1].revents) {
		if (now_ns() >= role->deadline_ns)
			return error_set(error, "the client was not done until the deadline");
		if (poll(polled, 2, ms_until(role->deadline_ns)) < 0 && errno != EINTR)
			return error_errno(error, "poll");
		if (polled[0].revents && !serve_one(role, listener, error))
			return false;
	}
	return role_report(role, error, "done %u", role->spec.role);
}
