/* Waiting for a connection: poll, select, epoll, time-outs, signals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "side.h"

static const char *now(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};

	poll(&one, 1, 0);
	return events_of((unsigned int)one.revents);
}

static void poll_says(struct side *side)
{
	char byte;

	if (!side->server) {
		meet(side);
		send_all(side->fd, "x", 1);
		meet(side);
		shutdown(side->fd, SHUT_WR);
		meet(side);
		close(side->fd);
		side->fd = -1;
		meet(side);
		return;
	}
	say(side, "idle:%s", now(side->fd));
	meet(side);
	wait_poll(side->fd, POLLIN);
	say(side, "with a byte:%s", now(side->fd));
	recv(side->fd, &byte, 1, 0);
	say(side, "without:%s", now(side->fd));
	meet(side);
	wait_poll(side->fd, POLLRDHUP);
	say(side, "at the end:%s", now(side->fd));
	say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
	say(side, "behind the end:%s", now(side->fd));
	meet(side);
	meet(side);
	shutdown(side->fd, SHUT_WR);
	say(side, "when both have ended:%s", now(side->fd));
}

static void select_says(struct side *side)
{
	struct timeval none = {0};
	fd_set readable, writable;

	if (!side->server) {
		meet(side);
		send_all(side->fd, "x", 1);
		return;
	}
	for (int i = 0; i < 2; i++) {
		FD_ZERO(&readable);
		FD_ZERO(&writable);
		FD_SET(side->fd, &readable);
		FD_SET(side->fd, &writable);
		say(side, "select %s", result(select(side->fd + 1, &readable, &writable, NULL, &none)));
		say(side, "readable %d, writable %d", !!FD_ISSET(side->fd, &readable), !!FD_ISSET(side->fd, &writable));
		if (!i) {
			meet(side);
			wait_poll(side->fd, POLLIN);
		}
	}
}

static void epoll_level(struct side *side)
{
	char byte;
	int epoll;

	if (!side->server) {
		send_all(side->fd, "xy", 2);
		meet(side);
		return;
	}
	epoll = epoll_of(side->fd, EPOLLIN);
	wait_unread(side->fd, 2);
	say(side, "event%s", epoll_next(epoll));
	recv(side->fd, &byte, 1, 0);
	say(side, "again%s", epoll_now(epoll));
	recv(side->fd, &byte, 1, 0);
	say(side, "drained%s", epoll_now(epoll));
	close(epoll);
	meet(side);
}

static void epoll_edge(struct side *side)
{
	char bytes[8];
	int epoll;

	if (!side->server) {
		for (int i = 0; i < 3; i++) {
			meet(side);
			send_all(side->fd, "xy", 2);
		}
		meet(side);
		shutdown(side->fd, SHUT_WR);
		meet(side);
		return;
	}
	epoll = epoll_of(side->fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
	meet(side);
	say(side, "first%s", epoll_next(epoll));
	wait_unread(side->fd, 2);
	/* A second notice of the same bytes may still come, as with TCP when they come in parts. */
	epoll_now(epoll);
	say(side, "without a read%s", epoll_now(epoll));
	meet(side);
	say(side, "more bytes%s", epoll_next(epoll));
	wait_unread(side->fd, 4);
	/* A short read, after which such programs ask no more. */
	say(side, "recv %s", result(recv(side->fd, bytes, 8, 0)));
	epoll_now(epoll);
	meet(side);
	say(side, "after a short read%s", epoll_next(epoll));
	wait_unread(side->fd, 2);
	say(side, "recv %s", result(recv(side->fd, bytes, 8, 0)));
	epoll_now(epoll);
	meet(side);
	say(side, "the end%s", epoll_next(epoll));
	close(epoll);
	meet(side);
}

static void epoll_oneshot(struct side *side)
{
	struct epoll_event again = {.events = EPOLLIN | EPOLLONESHOT};
	int epoll;

	if (!side->server) {
		send_all(side->fd, "x", 1);
		meet(side);
		return;
	}
	epoll = epoll_of(side->fd, EPOLLIN | EPOLLONESHOT);
	say(side, "event%s", epoll_next(epoll));
	say(side, "again%s", epoll_now(epoll));
	epoll_ctl(epoll, EPOLL_CTL_MOD, side->fd, &again);
	say(side, "armed again%s", epoll_now(epoll));
	close(epoll);
	meet(side);
}

/* A writer that waits for room by edges: it hears of it when the reader has made some. */
static void epoll_edge_for_writers(struct side *side)
{
	static unsigned char bytes[65536];
	uint64_t all = 0;
	size_t got = 0;
	int epoll;

	if (side->server) {
		meet(side);
		receive_all(side->control, &all, sizeof(all));
		while (got < all) {
			ssize_t n = recv(side->fd, bytes, sizeof(bytes), 0);

			if (n <= 0)
				give_up("receiving");
			got += (size_t)n;
		}
		meet(side);
		return;
	}
	fcntl(side->fd, F_SETFL, O_NONBLOCK);
	epoll = epoll_of(side->fd, EPOLLOUT | EPOLLET);
	say(side, "at first%s", epoll_next(epoll));
	for (;;) {
		struct pollfd room = {.fd = side->fd, .events = POLLOUT};
		ssize_t n = send(side->fd, bytes, sizeof(bytes), 0);

		if (n > 0)
			all += (uint64_t)n;
		else if (poll(&room, 1, 500) == 0)
			break;
	}
	/* Notices of room that there was before. */
	while (strcmp(epoll_now(epoll), " nothing") != 0)
		;
	say(side, "full%s", epoll_now(epoll));
	meet(side);
	send_all(side->control, &all, sizeof(all));
	say(side, "when there is room%s", epoll_next(epoll));
	close(epoll);
	meet(side);
}

static void receive_timeout(struct side *side)
{
	struct timeval timeout = {.tv_usec = 100000}, got;
	socklen_t length = sizeof(got);
	char byte;

	setsockopt(side->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	getsockopt(side->fd, SOL_SOCKET, SO_RCVTIMEO, &got, &length);
	say(side, "SO_RCVTIMEO %ld us", (long)got.tv_usec);
	say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
	say(side, "recv of all %s", result(recv(side->fd, &byte, 1, MSG_WAITALL)));
	meet(side);
}

static void send_timeout(struct side *side)
{
	struct timeval timeout = {.tv_usec = 200000};
	static unsigned char bytes[65536];
	ssize_t n, last = 1;

	if (!side->server) {
		setsockopt(side->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
		while ((n = send(side->fd, bytes, sizeof(bytes), 0)) > 0)
			last = n;
		say(side, "send %s after something: %d", result(n), last > 0);
	}
	meet(side);
}

static void low_water(struct side *side)
{
	int least = 4, got;
	socklen_t length = sizeof(got);
	char bytes[8];

	if (!side->server) {
		send_all(side->fd, "ab", 2);
		meet(side);
		meet(side);
		send_all(side->fd, "cd", 2);
		meet(side);
		return;
	}
	setsockopt(side->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
	getsockopt(side->fd, SOL_SOCKET, SO_RCVLOWAT, &got, &length);
	say(side, "SO_RCVLOWAT %d", got);
	meet(side);
	wait_unread(side->fd, 2);
	say(side, "with 2 bytes:%s", now(side->fd));
	meet(side);
	say(side, "with 4 bytes: IN %d", !!(wait_poll(side->fd, POLLIN) & POLLIN));
	say(side, "recv %s", result(recv(side->fd, bytes, 8, 0)));
	meet(side);
}

static void nothing(int number)
{
	(void)number;
}

static void a_signal_interrupts(struct side *side)
{
	struct sigaction action = {.sa_handler = nothing};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec often = {.it_value = {.tv_nsec = 200000000}, .it_interval = {.tv_nsec = 200000000}};
	timer_t timer;
	char byte;

	if (!side->server) {
		meet(side);
		usleep(500000);
		send_all(side->fd, "x", 1);
		return;
	}
	sigaction(SIGUSR1, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &often, NULL) != 0)
		give_up("timer");
	say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	meet(side);
	say(side, "recv with SA_RESTART %s", result(recv(side->fd, &byte, 1, 0)));
	timer_delete(timer);
}

const struct behaviour wait_behaviours[] = {
	{"poll", poll_says, false},
	{"select", select_says, false},
	{"epoll, level-triggered", epoll_level, false},
	{"epoll, edge-triggered", epoll_edge, false},
	{"epoll, one shot", epoll_oneshot, false},
	{"epoll, edge-triggered, for writers", epoll_edge_for_writers, false},
	{"SO_RCVTIMEO", receive_timeout, false},
	{"SO_SNDTIMEO", send_timeout, false},
	{"SO_RCVLOWAT", low_water, false},
	{"signals", a_signal_interrupts, false},
	{0},
};
