/* Connections that are being made: edges, errors, time-outs, and what comes right behind. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "side.h"

static void edges(struct side *side)
{
	struct sockaddr_in to = place(side, 1);
	int epoll;
	char byte;

	if (side->server) {
		side->fd = answer(side);
		meet(side);
		send_all(side->fd, "x", 1);
		meet(side);
		return;
	}
	side->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	epoll = epoll_of(side->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	say(side, "before connect%s", epoll_now(epoll));
	say(side, "connect %s", result(connect(side->fd, (struct sockaddr *)&to, sizeof(to))));
	say(side, "connected%s", epoll_next(epoll));
	say(side, "SO_ERROR %d", error_of(side->fd));
	epoll_now(epoll);
	meet(side);
	say(side, "a byte%s", epoll_next(epoll));
	say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
	close(epoll);
	meet(side);
}

static void refused_by_edges(struct side *side)
{
	struct sockaddr_in to = place(side, 7);
	int epoll, fd;

	if (side->server)
		return;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	epoll = epoll_of(fd, EPOLLIN | EPOLLOUT | EPOLLET);
	epoll_now(epoll);
	connect(fd, (struct sockaddr *)&to, sizeof(to));
	wait_poll(fd, POLLOUT);
	say(side, "refused%s", epoll_next(epoll));
	say(side, "SO_ERROR %s", strerrorname_np(error_of(fd)));
	say(side, "SO_ERROR again %d", error_of(fd));
	close(epoll);
	close(fd);
}

/* To a listener that drops the request, as its backlog is full. */
static void times_out(struct side *side)
{
	struct timeval soon = {.tv_usec = 200000};
	struct sockaddr_in to = place(side, 9);
	int first, fd;

	if (side->server) {
		int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(listener, (struct sockaddr *)&to, sizeof(to)) != 0 || listen(listener, 0) != 0)
			give_up("a listener");
		meet(side);
		meet(side);
		close(listener);
		return;
	}
	meet(side);
	first = socket(AF_INET, SOCK_STREAM, 0);
	say(side, "connect %s", result(connect(first, (struct sockaddr *)&to, sizeof(to))));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	say(side, "with SO_SNDTIMEO %s", result(connect(fd, (struct sockaddr *)&to, sizeof(to))));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &(int){1}, sizeof(int));
	say(side, "with TCP_SYNCNT %s", result(connect(fd, (struct sockaddr *)&to, sizeof(to))));
	close(fd);
	close(first);
	meet(side);
}

static void connected_already(struct side *side)
{
	struct sockaddr_in to = place(side, 1);

	if (!side->server) {
		say(side, "connect %s", result(connect(side->fd, (struct sockaddr *)&to, sizeof(to))));
		say(side, "listen %s", result(listen(side->fd, 5)));
	}
	say(side, "bind %s", result(bind(side->fd, (struct sockaddr *)&to, sizeof(to))));
	meet(side);
}

static void own_port(struct side *side)
{
	struct sockaddr_in to = place(side, 1), own = {.sin_family = AF_INET}, far;
	socklen_t length = sizeof(far);
	int on = 1;

	if (side->server) {
		in_port_t port;

		side->fd = accept(side->listener, (struct sockaddr *)&far, &length);
		receive_all(side->fd, &port, sizeof(port));
		say(side, "the port is the one that was bound: %d", port == far.sin_port);
		return;
	}
	side->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(side->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	say(side, "bind %s", result(bind(side->fd, (struct sockaddr *)&own, sizeof(own))));
	getsockname(side->fd, (struct sockaddr *)&own, &length);
	say(side, "connect %s", result(connect(side->fd, (struct sockaddr *)&to, sizeof(to))));
	send_all(side->fd, &own.sin_port, sizeof(own.sin_port));
}

/* All is sent before the server accepts, as far as it fits, while the connection may be about to move. */
static void bytes_right_behind(struct side *side)
{
	enum { ALL = 300000 };
	unsigned char *bytes = malloc(ALL);

	if (side->server) {
		usleep(200000);
		side->fd = answer(side);
		receive_all(side->fd, bytes, ALL);
		say(side, "in order %d", is_pattern(bytes, 0, ALL));
	} else {
		pattern(bytes, 0, ALL);
		side->fd = dial(side);
		for (size_t at = 0; at < ALL; at += 1000)
			send_all(side->fd, bytes + at, 1000);
		say(side, "sent");
	}
	free(bytes);
}

/* Bytes go both ways from the first moment, in small parts: the way changes under them. */
static void both_from_the_start(struct side *side)
{
	enum { ROUNDS = 400, PART = 37 };
	unsigned char bytes[PART];
	bool right = true;

	side->fd = side->server ? answer(side) : dial(side);
	for (size_t i = 0; i < ROUNDS; i++) {
		pattern(bytes, i * PART, PART);
		send_all(side->fd, bytes, PART);
		receive_all(side->fd, bytes, PART);
		right &= is_pattern(bytes, i * PART, PART);
	}
	say(side, "in order %d", right);
}

static void short_lived(struct side *side)
{
	enum { N = 60 };
	int whole = 0;

	for (int i = 0; i < N; i++) {
		int fd = side->server ? answer(side) : dial(side);
		char got[16];

		/* Closed while an offer may be on its way. */
		if (side->server) {
			send_all(fd, "0123456789", 10);
			shutdown(fd, SHUT_WR);
			whole += recv(fd, got, sizeof(got), 0) == 0;
		} else {
			whole += recv(fd, got, 10, MSG_WAITALL) == 10 && recv(fd, got, 1, 0) == 0;
		}
		close(fd);
	}
	say(side, "whole %d of %d", whole, N);
}

const struct behaviour begin_behaviours[] = {
	{"epoll, edge-triggered, while connecting", edges, true},
	{"epoll, edge-triggered, when refused", refused_by_edges, true},
	{"connect times out", times_out, true},
	{"connected already", connected_already, false},
	{"a port of one's own", own_port, true},
	{"bytes before accept", bytes_right_behind, true},
	{"both ways from the start", both_from_the_start, true},
	{"sixty short connections", short_lived, true},
	{0},
};
