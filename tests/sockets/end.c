/* How connections end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "side.h"

static void no_more_from_one(struct side *side)
{
	char got[8] = "";

	if (side->server) {
		say(side, "recv %s", result(recv(side->fd, got, 8, MSG_WAITALL)));
		say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
		say(side, "send %s", result(send(side->fd, "still", 5, 0)));
	} else {
		send_all(side->fd, "abc", 3);
		say(side, "shutdown %s", result(shutdown(side->fd, SHUT_WR)));
		say(side, "recv %s", result(recv(side->fd, got, 5, MSG_WAITALL)));
		say(side, "send %s", result(send(side->fd, "x", 1, MSG_NOSIGNAL)));
		say(side, "shutdown again %s", result(shutdown(side->fd, SHUT_WR)));
	}
	meet(side);
}

static void half_closed_bulk(struct side *side)
{
	enum { ALL = 700000 };
	unsigned char *bytes = malloc(ALL);

	if (side->server) {
		size_t got = 0;
		bool right = true;
		ssize_t n;

		while ((n = recv(side->fd, bytes, ALL, 0)) > 0) {
			right &= is_pattern(bytes, got, (size_t)n);
			got += (size_t)n;
		}
		say(side, "received %zu, in order %d", got, right);
		pattern(bytes, 0, ALL);
		send_all(side->fd, bytes, ALL);
	} else {
		pattern(bytes, 0, ALL);
		send_all(side->fd, bytes, ALL);
		shutdown(side->fd, SHUT_WR);
		memset(bytes, 0, ALL);
		receive_all(side->fd, bytes, ALL);
		say(side, "in order %d", is_pattern(bytes, 0, ALL));
	}
	free(bytes);
}

static void no_more_for_one(struct side *side)
{
	char got[8] = "";

	if (side->server) {
		meet(side);
		send_all(side->fd, "late", 4);
		meet(side);
	} else {
		say(side, "shutdown %s", result(shutdown(side->fd, SHUT_RD)));
		say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
		meet(side);
		meet(side);
		wait_unread(side->fd, 4);
		say(side, "recv of what came later %s", result(recv(side->fd, got, 8, 0)));
	}
	meet(side);
}

static volatile sig_atomic_t broken;

static void note(int number)
{
	(void)number;
	broken++;
}

static void a_broken_pipe(struct side *side)
{
	if (!side->server) {
		signal(SIGPIPE, note);
		broken = 0;
		shutdown(side->fd, SHUT_WR);
		say(side, "send %s", result(send(side->fd, "x", 1, 0)));
		say(side, "SIGPIPE %d", (int)broken);
		say(side, "send %s", result(send(side->fd, "x", 1, MSG_NOSIGNAL)));
		say(side, "SIGPIPE %d", (int)broken);
	}
	meet(side);
}

static void the_other_end_closes(struct side *side)
{
	char got[8];
	long n = 0;

	if (side->server) {
		send_all(side->fd, "last", 4);
		close(side->fd);
		side->fd = -1;
		meet(side);
		return;
	}
	meet(side);
	wait_poll(side->fd, POLLRDHUP);
	say(side, "recv %s", result(recv(side->fd, got, 8, MSG_WAITALL)));
	say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
	say(side, "first send %s", result(send(side->fd, "x", 1, MSG_NOSIGNAL)));
	/* The answer to it is a reset, which comes when it comes. */
	wait_poll(side->fd, 0);
	for (int i = 0; i < 5000 && n >= 0; i++, usleep(1000))
		n = send(side->fd, "x", 1, MSG_NOSIGNAL);
	say(side, "later send %s", result(n));
	say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
}

static void unread_bytes_are_a_reset(struct side *side)
{
	char got[8];

	if (side->server) {
		wait_unread(side->fd, 3);
		close(side->fd);
		side->fd = -1;
		meet(side);
	} else {
		send_all(side->fd, "abc", 3);
		meet(side);
		wait_poll(side->fd, POLLHUP);
		say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
		say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
		say(side, "send %s", result(send(side->fd, "x", 1, MSG_NOSIGNAL)));
	}
}

static void no_linger(struct side *side)
{
	struct linger now = {.l_onoff = 1};
	int error = 0;
	socklen_t length = sizeof(error);
	char got[8];

	if (side->server) {
		say(side, "SO_LINGER %s", result(setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now))));
		close(side->fd);
		side->fd = -1;
		meet(side);
		return;
	}
	meet(side);
	wait_poll(side->fd, POLLHUP);
	getsockopt(side->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	say(side, "SO_ERROR %s", strerrorname_np(error));
	say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
}

static void bytes_before_a_reset(struct side *side)
{
	struct linger now = {.l_onoff = 1};
	char got[8] = "";

	if (side->server) {
		send_all(side->fd, "abc", 3);
		meet(side);
		meet(side);
		setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(side->fd);
		side->fd = -1;
		meet(side);
		return;
	}
	meet(side);
	wait_unread(side->fd, 3);
	meet(side);
	meet(side);
	wait_poll(side->fd, POLLHUP);
	say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
	say(side, "recv %s", result(recv(side->fd, got, 8, 0)));
}

static void linger(struct side *side)
{
	struct linger some = {.l_onoff = 1, .l_linger = 10};
	static unsigned char bytes[50000];

	if (side->server) {
		size_t got = 0;
		ssize_t n;

		while ((n = recv(side->fd, bytes, sizeof(bytes), 0)) > 0)
			got += (size_t)n;
		say(side, "received %zu, then %s", got, result(n));
		close(side->fd);
		side->fd = -1;
	} else {
		setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &some, sizeof(some));
		send_all(side->fd, bytes, sizeof(bytes));
		say(side, "close %s", result(close(side->fd)));
		side->fd = -1;
	}
}

static void both_shut_down(struct side *side)
{
	char got;

	say(side, "shutdown %s", result(shutdown(side->fd, SHUT_RDWR)));
	say(side, "recv %s", result(recv(side->fd, &got, 1, 0)));
	meet(side);
}

static void a_blocked_reader_hears_of_shutdown(struct side *side)
{
	char got;

	if (side->server) {
		pid_t child = fork();

		if (child == 0) {
			usleep(300000);
			shutdown(side->fd, SHUT_RD);
			_exit(0);
		}
		say(side, "recv %s", result(recv(side->fd, &got, 1, 0)));
		waitpid(child, NULL, 0);
	}
	meet(side);
}

static void *shut_down_later(void *data)
{
	struct side *side = data;

	usleep(300000);
	shutdown(side->fd, SHUT_RDWR);
	return NULL;
}

static void a_threads_shutdown(struct side *side)
{
	pthread_t thread;
	char got;

	if (!side->server) {
		if (pthread_create(&thread, NULL, shut_down_later, side) != 0)
			give_up("a thread");
		say(side, "recv %s", result(recv(side->fd, &got, 1, 0)));
		pthread_join(thread, NULL);
	} else {
		say(side, "recv %s", result(recv(side->fd, &got, 1, 0)));
	}
	meet(side);
}

/* More than all buffers on the way hold; it takes no memory before it is written to. */
#define TOO_MUCH (64ul << 20)

static void *too_much(void)
{
	void *bytes = mmap(NULL, TOO_MUCH, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (bytes == MAP_FAILED)
		give_up("memory");
	return bytes;
}

static void say_cut_short(struct side *side, ssize_t n)
{
	say(side, "send is cut short: %d", n > 0 && n < (ssize_t)TOO_MUCH);
}

/* By another process that has it: what was sent is told, what has happened by the next call. */
static void a_blocked_writer_hears_of_shutdown(struct side *side)
{
	if (!side->server) {
		void *bytes = too_much();
		pid_t child = fork();

		if (child == 0) {
			usleep(700000);
			shutdown(side->fd, SHUT_WR);
			_exit(0);
		}
		signal(SIGPIPE, note);
		broken = 0;
		say_cut_short(side, send(side->fd, bytes, TOO_MUCH, 0));
		say(side, "SIGPIPE %d", (int)broken);
		say(side, "send %s", result(send(side->fd, bytes, 1, 0)));
		say(side, "SIGPIPE %d", (int)broken);
		waitpid(child, NULL, 0);
		munmap(bytes, TOO_MUCH);
	}
	meet(side);
}

static void a_blocked_writer_hears_of_a_reset(struct side *side)
{
	if (side->server) {
		wait_unread(side->fd, 1);
		usleep(700000);
		close(side->fd);
		side->fd = -1;
	} else {
		void *bytes = too_much();

		say_cut_short(side, send(side->fd, bytes, TOO_MUCH, 0));
		say(side, "send %s", result(send(side->fd, bytes, 1, MSG_NOSIGNAL)));
		say(side, "send %s", result(send(side->fd, bytes, 1, MSG_NOSIGNAL)));
		munmap(bytes, TOO_MUCH);
	}
	meet(side);
}

const struct behaviour end_behaviours[] = {
	{"shutdown of writing", no_more_from_one, false},
	{"half-closed bulk", half_closed_bulk, false},
	{"shutdown of reading", no_more_for_one, false},
	{"SIGPIPE", a_broken_pipe, false},
	{"the other end closes", the_other_end_closes, false},
	{"a close with bytes unread", unread_bytes_are_a_reset, false},
	{"a close without lingering", no_linger, false},
	{"bytes before a reset", bytes_before_a_reset, false},
	{"a close that lingers", linger, false},
	{"shutdown by both", both_shut_down, false},
	{"a blocked reader hears of shutdown", a_blocked_reader_hears_of_shutdown, false},
	{"a blocked reader hears of another thread's shutdown", a_threads_shutdown, false},
	{"a blocked writer hears of shutdown", a_blocked_writer_hears_of_shutdown, false},
	{"a blocked writer hears of a reset", a_blocked_writer_hears_of_a_reset, false},
	{0},
};
