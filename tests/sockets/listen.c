/* Listeners: who is told, who accepts, and how they end. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "side.h"

static int get(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	getsockopt(fd, level, option, &value, &length);
	return value;
}

/* A listener of the behaviour's own. */
static int listener_at(const struct side *side, int port_offset, int backlog)
{
	struct sockaddr_in own = place(side, port_offset);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 || listen(fd, backlog) != 0)
		give_up("a listener");
	return fd;
}

static int dial_at(const struct side *side, int port_offset)
{
	struct side there = *side;

	there.port = (uint16_t)(side->port + port_offset - 1);
	return dial(&there);
}

/* The far end of what some process of the server accepted and echoes. */
static void expect_echo(struct side *side, int fd)
{
	char byte = 'x';

	send_all(fd, &byte, 1);
	say(side, "echo %s", result(recv(fd, &byte, 1, 0)));
	close(fd);
}

static void echo(int fd)
{
	char byte;

	if (recv(fd, &byte, 1, 0) == 1)
		send(fd, &byte, 1, MSG_NOSIGNAL);
	close(fd);
}

static void edges(struct side *side)
{
	int epoll;

	if (!side->server) {
		for (int i = 0; i < 2; i++) {
			meet(side);
			close(dial(side));
		}
		meet(side);
		return;
	}
	epoll = epoll_of(side->listener, EPOLLIN | EPOLLET);
	say(side, "idle%s", epoll_now(epoll));
	meet(side);
	say(side, "a connection%s", epoll_next(epoll));
	say(side, "without accept%s", epoll_now(epoll));
	meet(side);
	say(side, "one more%s", epoll_next(epoll));
	close(answer(side));
	close(answer(side));
	say(side, "after both%s", epoll_now(epoll));
	close(epoll);
	meet(side);
}

/* A prefork server: two children of one listener serve until they are killed. */
static void served_by_two(struct side *side, void (*serve)(int listener))
{
	enum { CONNECTIONS = 6 };
	pid_t children[2];

	if (!side->server) {
		meet(side);
		for (int i = 0; i < CONNECTIONS; i++)
			expect_echo(side, dial(side));
		meet(side);
		return;
	}
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		while (children[i] == 0)
			serve(side->listener);
	}
	meet(side);
	meet(side);
	for (int i = 0; i < 2; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
}

static void serve_next(int listener)
{
	echo(accept(listener, NULL, NULL));
}

/* Both wait in accept(). */
static void one_of_two_is_woken(struct side *side)
{
	served_by_two(side, serve_next);
}

/* Does not return: the child has an epoll descriptor of its own that is told of the connection exclusively. */
static void serve_exclusively(int listener)
{
	int epoll = epoll_of(listener, EPOLLIN | EPOLLEXCLUSIVE), fd;

	for (;;) {
		epoll_next(epoll);
		fd = accept(listener, NULL, NULL);
		if (fd >= 0)
			echo(fd);
	}
}

static void exclusive_epoll(struct side *side)
{
	if (side->server)
		fcntl(side->listener, F_SETFL, O_NONBLOCK);
	served_by_two(side, serve_exclusively);
	if (side->server)
		fcntl(side->listener, F_SETFL, 0);
}

static void accepted_after_exec(struct side *side)
{
	pid_t child;

	if (!side->server) {
		char got[8] = "";
		int fd;

		meet(side);
		fd = dial_at(side, 8);
		say(side, "recv %s %.5s", result(recv(fd, got, 5, MSG_WAITALL)), got);
		close(fd);
		meet(side);
		return;
	}
	/* As inetd does: the connection is another program's standard output. */
	child = fork();
	if (child == 0) {
		int listener = listener_at(side, 8, 5), fd;

		meet(side);
		fd = accept(listener, NULL, NULL);
		dup2(fd, 1);
		execl("/bin/sh", "sh", "-c", "echo word", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
	meet(side);
}

static void options_are_inherited(struct side *side)
{
	int listener, fd, on = 1, room = 30000;
	char byte = 'x';

	if (!side->server) {
		meet(side);
		fd = dial_at(side, 8);
		recv(fd, &byte, 1, 0);
		close(fd);
		return;
	}
	listener = listener_at(side, 8, 5);
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	meet(side);
	fd = accept(listener, NULL, NULL);
	say(side, "TCP_NODELAY %d, SO_KEEPALIVE %d, SO_RCVBUF %d", get(fd, IPPROTO_TCP, TCP_NODELAY),
	    get(fd, SOL_SOCKET, SO_KEEPALIVE), get(fd, SOL_SOCKET, SO_RCVBUF));
	send_all(fd, &byte, 1);
	close(fd);
	close(listener);
}

static void closed_with_one_waiting(struct side *side)
{
	char byte;

	if (side->server) {
		int listener = listener_at(side, 8, 5);

		meet(side);
		wait_poll(listener, POLLIN);
		meet(side);
		close(listener);
		meet(side);
	} else {
		int fd;

		meet(side);
		fd = dial_at(side, 8);
		meet(side);
		meet(side);
		wait_poll(fd, POLLHUP);
		say(side, "recv %s", result(recv(fd, &byte, 1, 0)));
		say(side, "recv %s", result(recv(fd, &byte, 1, 0)));
		close(fd);
	}
}

static void shut_down(struct side *side)
{
	int listener, status;
	pid_t child;

	if (!side->server)
		return;
	listener = listener_at(side, 8, 5);
	child = fork();
	if (child == 0) {
		usleep(300000);
		shutdown(listener, SHUT_RD);
		_exit(0);
	}
	say(side, "accept %s", result(accept(listener, NULL, NULL)));
	waitpid(child, &status, 0);
	say(side, "listen again %s", result(listen(listener, 5)));
	close(listener);
}

static void started_again(struct side *side)
{
	if (side->server) {
		for (int i = 0; i < 2; i++) {
			int listener = listener_at(side, 8, 5), fd;

			meet(side);
			fd = accept(listener, NULL, NULL);
			say(side, "accept %s", outcome(fd));
			send_all(fd, "x", 1);
			/* The server ends first and starts anew on a port that has a connection in TIME-WAIT. */
			close(fd);
			close(listener);
			meet(side);
		}
		return;
	}
	for (int i = 0; i < 2; i++) {
		char byte;
		int fd;

		meet(side);
		fd = dial_at(side, 8);
		say(side, "recv %s", result(recv(fd, &byte, 1, 0)));
		say(side, "recv %s", result(recv(fd, &byte, 1, 0)));
		close(fd);
		meet(side);
	}
}

static void accept_times_out(struct side *side)
{
	struct timeval soon = {.tv_usec = 100000}, never = {0};

	if (!side->server)
		return;
	setsockopt(side->listener, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	say(side, "accept %s", result(accept(side->listener, NULL, NULL)));
	setsockopt(side->listener, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof(never));
}

static void without_bind(struct side *side)
{
	struct sockaddr_in own;
	socklen_t length = sizeof(own);
	int fd;

	if (side->server) {
		int listener = socket(AF_INET, SOCK_STREAM, 0);

		say(side, "listen %s", result(listen(listener, 5)));
		getsockname(listener, (struct sockaddr *)&own, &length);
		say(side, "a port was chosen: %d", own.sin_port != 0);
		send_all(side->control, &own.sin_port, sizeof(own.sin_port));
		fd = accept(listener, NULL, NULL);
		echo(fd);
		close(listener);
		return;
	}
	own = place(side, 0);
	receive_all(side->control, &own.sin_port, sizeof(own.sin_port));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	say(side, "connect %s", result(connect(fd, (struct sockaddr *)&own, sizeof(own))));
	expect_echo(side, fd);
}

/* A listener whose backlog holds one; the next waits until there is room. */
static void waits_for_room(struct side *side)
{
	struct sockaddr_in to = place(side, 8);
	int epoll, first, second;

	if (side->server) {
		int listener = listener_at(side, 8, 0);

		meet(side);
		meet(side);
		echo(accept(listener, NULL, NULL));
		echo(accept(listener, NULL, NULL));
		close(listener);
		return;
	}
	meet(side);
	first = dial_at(side, 8);
	second = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	epoll = epoll_of(second, EPOLLIN | EPOLLOUT | EPOLLET);
	/* What an unconnected socket says is no news any more. */
	epoll_now(epoll);
	say(side, "connect %s", result(connect(second, (struct sockaddr *)&to, sizeof(to))));
	say(side, "again %s", result(connect(second, (struct sockaddr *)&to, sizeof(to))));
	say(side, "poll%s", epoll_now(epoll));
	say(side, "send %s", result(send(second, "x", 1, MSG_NOSIGNAL)));
	meet(side);
	expect_echo(side, first);
	say(side, "then%s", epoll_next(epoll));
	say(side, "SO_ERROR %d", error_of(second));
	close(epoll);
	fcntl(second, F_SETFL, 0);
	expect_echo(side, second);
}

const struct behaviour listen_behaviours[] = {
	{"epoll, edge-triggered, on a listener", edges, true},
	{"prefork with one listener", one_of_two_is_woken, true},
	{"prefork with EPOLLEXCLUSIVE", exclusive_epoll, true},
	{"accepted for another program", accepted_after_exec, true},
	{"options are inherited", options_are_inherited, true},
	{"a listener closes with a connection waiting", closed_with_one_waiting, true},
	{"shutdown of a listener", shut_down, true},
	{"a server starts again", started_again, true},
	{"accept times out", accept_times_out, true},
	{"listen without bind", without_bind, true},
	{"a connection waits for room, edge-triggered", waits_for_room, true},
	{0},
};
