/* How connections begin. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "side.h"

static void without_blocking(struct side *side)
{
	char byte;

	if (side->server) {
		side->fd = answer(side);
		send_all(side->fd, "x", 1);
		return;
	}
	side->fd = new_socket(side, SOCK_NONBLOCK);
	say(side, "connect %s", result(connect_to(side, side->fd, 1)));
	say(side, "poll: OUT %d", !!(wait_poll(side->fd, POLLOUT) & POLLOUT));
	say(side, "SO_ERROR %d", error_of(side->fd));
	wait_poll(side->fd, POLLIN);
	say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
}

static void connected_by_then(struct side *side)
{
	if (side->server) {
		side->fd = answer(side);
		meet(side);
		return;
	}
	side->fd = new_socket(side, SOCK_NONBLOCK);
	connect_to(side, side->fd, 1);
	wait_poll(side->fd, POLLOUT);
	say(side, "connect again %s", outcome(connect_to(side, side->fd, 1)));
	say(side, "and again %s", result(connect_to(side, side->fd, 1)));
	meet(side);
}

static void refused(struct side *side)
{
	struct sockaddr_in to = place(side, 7);
	int fd;

	if (side->server)
		return;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	say(side, "connect %s", result(connect(fd, (struct sockaddr *)&to, sizeof(to))));
	to = place(side, 1);
	/* Linux lets the same socket try again. */
	say(side, "elsewhere %s", result(connect(fd, (struct sockaddr *)&to, sizeof(to))));
	close(fd);
	to = place(side, 7);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	say(side, "without blocking %s", result(connect(fd, (struct sockaddr *)&to, sizeof(to))));
	wait_poll(fd, POLLOUT);
	say(side, "SO_ERROR %s", strerrorname_np(error_of(fd)));
	close(fd);
}

/* The second connection of `refused` waits in the backlog. */
static void backlog(struct side *side)
{
	char byte;

	if (side->server) {
		int fd = answer(side);

		say(side, "recv from one that is gone %s", result(recv(fd, &byte, 1, 0)));
		close(fd);
		meet(side);
		fd = answer(side);
		say(side, "recv of what came before accept %s", result(recv(fd, &byte, 1, 0)));
		say(side, "recv %s", result(recv(fd, &byte, 1, 0)));
		close(fd);
		fcntl(side->listener, F_SETFL, O_NONBLOCK);
		say(side, "accept of nobody %s", result(accept(side->listener, NULL, NULL)));
		fcntl(side->listener, F_SETFL, 0);
		meet(side);
	} else {
		int fd;

		meet(side);
		fd = dial(side);
		send_all(fd, "x", 1);
		close(fd);
		meet(side);
	}
}

static void a_listener_is_polled(struct side *side)
{
	if (side->server) {
		struct pollfd one = {.fd = side->listener, .events = POLLIN | POLLOUT};

		poll(&one, 1, 0);
		say(side, "idle %d", one.revents);
		meet(side);
		say(side, "with a connection: IN %d", !!(wait_poll(side->listener, POLLIN) & POLLIN));
		close(answer(side));
		meet(side);
	} else {
		meet(side);
		close(dial(side));
		meet(side);
	}
}

static void accept_flags(struct side *side)
{
	if (!side->server) {
		close(dial(side));
		close(dial(side));
		meet(side);
		return;
	}
	for (int i = 0; i < 2; i++) {
		int fd = accept4(side->listener, NULL, NULL, i ? SOCK_CLOEXEC | SOCK_NONBLOCK : 0);

		say(side, "CLOEXEC %d, NONBLOCK %d", !!(fcntl(fd, F_GETFD) & FD_CLOEXEC), !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
		close(fd);
	}
	meet(side);
}

static void names(struct side *side)
{
	struct sockaddr_in own, far, theirs[2];
	socklen_t length = sizeof(own);

	say(side, "getsockname %s", result(getsockname(side->fd, (struct sockaddr *)&own, &length)));
	length = sizeof(far);
	say(side, "getpeername %s", result(getpeername(side->fd, (struct sockaddr *)&far, &length)));
	send_all(side->control, &own, sizeof(own));
	send_all(side->control, &far, sizeof(far));
	receive_all(side->control, theirs, sizeof(theirs));
	say(side, "both agree: %d",
	    own.sin_port == theirs[1].sin_port && own.sin_addr.s_addr == theirs[1].sin_addr.s_addr &&
		    far.sin_port == theirs[0].sin_port && far.sin_addr.s_addr == theirs[0].sin_addr.s_addr);
}

static void mapped(struct side *side)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)(side->port + 1))}, far;
	uint32_t address = htonl(side->address);
	socklen_t length = sizeof(far);
	char byte = 'x';

	if (side->server) {
		side->fd = answer(side);
		say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
		send_all(side->fd, &byte, 1);
		return;
	}
	to.sin6_addr.s6_addr[10] = to.sin6_addr.s6_addr[11] = 0xff;
	memcpy(to.sin6_addr.s6_addr + 12, &address, 4);
	side->fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (side->fd < 0) {
		say(side, "no IPv6 here");
		side->fd = dial(side);
	} else {
		say(side, "connect %s", result(connect(side->fd, (struct sockaddr *)&to, sizeof(to))));
		getpeername(side->fd, (struct sockaddr *)&far, &length);
		say(side, "peer is mapped: %d", IN6_IS_ADDR_V4MAPPED(&far.sin6_addr));
	}
	send_all(side->fd, &byte, 1);
	say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
}

static void dual_stack(struct side *side)
{
	struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)(side->port + 2))}, far;
	struct sockaddr_in to = place(side, 2);
	socklen_t length = sizeof(far);
	int listener = -1, fd, on = 1;
	char byte = 'x';

	if (side->server) {
		listener = socket(AF_INET6, SOCK_STREAM, 0);
		if (listener >= 0) {
			setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
			say(side, "bind %s", result(bind(listener, (struct sockaddr *)&own, sizeof(own))));
		}
		say(side, "listen %s", result(listen(listener, 5)));
		meet(side);
		fd = accept(listener, (struct sockaddr *)&far, &length);
		say(side, "accept %s, mapped %d", outcome(fd), IN6_IS_ADDR_V4MAPPED(&far.sin6_addr));
		say(side, "recv %s", result(recv(fd, &byte, 1, 0)));
		send_all(fd, &byte, 1);
		close(fd);
		close(listener);
		return;
	}
	meet(side);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	say(side, "connect %s", result(connect(fd, (struct sockaddr *)&to, sizeof(to))));
	send_all(fd, &byte, 1);
	say(side, "recv %s", result(recv(fd, &byte, 1, 0)));
	close(fd);
}

/* Two listeners of one port in two processes; who gets which connection is chance, that each is served is not. */
static void prefork(struct side *side)
{
	struct sockaddr_in own = place(side, 3);
	enum { CONNECTIONS = 12 };
	int on = 1;

	if (side->server) {
		pid_t children[2];

		for (int i = 0; i < 2; i++) {
			int listener = socket(AF_INET, SOCK_STREAM, 0);

			setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
			setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
			if (bind(listener, (struct sockaddr *)&own, sizeof(own)) != 0 || listen(listener, 16) != 0)
				give_up("a second listener");
			children[i] = fork();
			while (children[i] == 0) {
				int fd = accept(listener, NULL, NULL);
				char byte;

				if (recv(fd, &byte, 1, 0) == 1)
					send(fd, &byte, 1, MSG_NOSIGNAL);
				close(fd);
			}
			close(listener);
		}
		meet(side);
		meet(side);
		for (int i = 0; i < 2; i++) {
			kill(children[i], 9);
			waitpid(children[i], NULL, 0);
		}
		return;
	}
	meet(side);
	for (int i = on = 0; i < CONNECTIONS; i++) {
		struct side there = *side;
		char byte = 'x';
		int fd;

		there.port += 2;
		fd = dial(&there);
		send_all(fd, &byte, 1);
		on += recv(fd, &byte, 1, 0) == 1;
		close(fd);
	}
	say(side, "served %d of %d", on, CONNECTIONS);
	meet(side);
}

static void many(struct side *side)
{
	enum { N = 20 };
	int fds[N], right = 0;

	for (int i = 0; i < N; i++)
		fds[i] = side->server ? answer(side) : dial(side);
	for (int i = 0; i < N; i++) {
		unsigned char bytes[3000];

		if (side->server) {
			receive_all(fds[i], bytes, sizeof(bytes));
			send_all(fds[i], bytes, sizeof(bytes));
		} else {
			pattern(bytes, (size_t)i * 100000, sizeof(bytes));
			send_all(fds[i], bytes, sizeof(bytes));
		}
	}
	for (int i = 0; i < N && !side->server; i++) {
		unsigned char bytes[3000];

		receive_all(fds[i], bytes, sizeof(bytes));
		right += is_pattern(bytes, (size_t)i * 100000, sizeof(bytes));
	}
	if (!side->server)
		say(side, "right %d of %d", right, N);
	meet(side);
	for (int i = 0; i < N; i++)
		close(fds[i]);
}

static void dissolved(struct side *side)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct sockaddr_in to = place(side, 1);
	char byte = 'x';

	if (side->server) {
		meet(side);
		say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
		close(side->fd);
		side->fd = answer(side);
		say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
		meet(side);
		return;
	}
	say(side, "connect to nobody %s", result(connect(side->fd, &none, sizeof(none))));
	say(side, "send %s", result(send(side->fd, &byte, 1, MSG_NOSIGNAL)));
	meet(side);
	say(side, "connect again %s", result(connect(side->fd, (struct sockaddr *)&to, sizeof(to))));
	say(side, "send %s", result(send(side->fd, &byte, 1, MSG_NOSIGNAL)));
	meet(side);
}

static void not_connected(struct side *side)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	say(side, "recv %s", result(recv(fd, &byte, 1, 0)));
	say(side, "send %s", result(send(fd, "x", 1, MSG_NOSIGNAL)));
	say(side, "shutdown %s", result(shutdown(fd, SHUT_RDWR)));
	close(fd);
}

const struct behaviour connect_behaviours[] = {
	{"connect without blocking", without_blocking, true},
	{"a second connect without blocking", connected_by_then, true},
	{"connect is refused", refused, true},
	{"the backlog", backlog, true},
	{"a listener is polled", a_listener_is_polled, true},
	{"accept4", accept_flags, true},
	{"getsockname and getpeername", names, false},
	{"an IPv4-mapped address", mapped, true},
	{"a listener of both families", dual_stack, true},
	{"prefork with SO_REUSEPORT", prefork, true},
	{"twenty connections", many, true},
	{"a connection is dissolved", dissolved, false},
	{"not connected", not_connected, true},
	{0},
};
