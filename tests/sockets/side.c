#include "side.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Longer than anything here takes, even emulated and under load: it only keeps a run from hanging. */
#define PATIENCE_MS 60000

const char *playing;

void give_up(const char *what)
{
	fprintf(stderr, "behave: %s%s%s: %s\n", playing ? playing : "", playing ? ": " : "", what, strerror(errno));
	exit(3);
}

void say(struct side *side, const char *format, ...)
{
	char line[256];
	va_list arguments;
	int n;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	side->transcript = realloc(side->transcript, side->length + sizeof(line) + 16);
	n = sprintf(side->transcript + side->length, "  %s: %s\n", side->server ? "server" : "client", line);
	side->length += (size_t)n;
}

void meet(struct side *side)
{
	char byte = 'm';

	send_all(side->control, &byte, 1);
	receive_all(side->control, &byte, 1);
	if (byte != 'm') {
		errno = EPROTO;
		give_up("the ends have lost each other");
	}
}

const char *result(long value)
{
	static char words[4][32];
	static unsigned int next;
	char *word = words[next++ % 4];

	if (value < 0)
		return strerrorname_np(errno);
	snprintf(word, sizeof(words[0]), "%ld", value);
	return word;
}

const char *outcome(long value)
{
	return value < 0 ? strerrorname_np(errno) : "ok";
}

const char *events_of(unsigned int events)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s", events & POLLIN ? " IN" : "", events & POLLOUT ? " OUT" : "",
		 events & POLLPRI ? " PRI" : "", events & POLLRDHUP ? " RDHUP" : "", events & POLLHUP ? " HUP" : "",
		 events & POLLERR ? " ERR" : "");
	return text;
}

int epoll_of(int fd, unsigned int events)
{
	struct epoll_event event = {.events = events};
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		give_up("epoll");
	return epoll;
}

/* Events within 300 ms, which is long enough for one that is there. */
const char *epoll_now(int epoll)
{
	struct epoll_event event = {0};

	if (epoll_wait(epoll, &event, 1, 300) == 0)
		return " nothing";
	return events_of(event.events);
}

/* The first event that comes, however late. */
const char *epoll_next(int epoll)
{
	struct epoll_event event = {0};

	epoll_wait(epoll, &event, 1, 60000);
	return events_of(event.events);
}

struct sockaddr_in place(const struct side *side, int port_offset)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)(side->port + port_offset)),
				    .sin_addr = {htonl(side->address)}};
}

int error_of(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

int new_socket(const struct side *side, int flags)
{
	return socket(side->cid ? AF_VSOCK : AF_INET, SOCK_STREAM | flags, 0);
}

int connect_to(const struct side *side, int fd, int port_offset)
{
	struct sockaddr_in to = place(side, port_offset);
	struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = side->cid,
				 .svm_port = (unsigned int)(side->port + port_offset)};

	return side->cid ? connect(fd, (struct sockaddr *)&vm, sizeof(vm)) : connect(fd, (struct sockaddr *)&to, sizeof(to));
}

int dial(const struct side *side)
{
	int fd = new_socket(side, SOCK_CLOEXEC);

	if (fd < 0 || connect_to(side, fd, 1) != 0)
		give_up("connecting to the server");
	return fd;
}

int answer(const struct side *side)
{
	int fd = accept4(side->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		give_up("accepting the client");
	return fd;
}

/* FIONREAD, or where a family has it not, as many as are asked for by a peek. */
static int unread_of(int fd, int count)
{
	static char bytes[65536];
	int unread;
	ssize_t n;

	if (ioctl(fd, FIONREAD, &unread) == 0)
		return unread;
	if ((errno != ENOTTY && errno != EOPNOTSUPP) || (size_t)count > sizeof(bytes))
		give_up("FIONREAD");
	n = recv(fd, bytes, (size_t)count, MSG_PEEK | MSG_DONTWAIT);
	return n > 0 ? (int)n : 0;
}

int wait_unread(int fd, int count)
{
	int unread = 0;

	for (int ms = 0; ms < PATIENCE_MS; ms += 2) {
		struct pollfd end = {.fd = fd, .events = POLLRDHUP};

		unread = unread_of(fd, count);
		if (unread >= count || (poll(&end, 1, 0) == 1 && ms > 1000))
			break;
		usleep(2000);
	}
	return unread;
}

int wait_poll(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};
	int n;

	/* What ends the wait may come with a signal (SIGIO, SIGURG) just after poll() has looked: EINTR, with TCP, too. */
	do
		n = poll(&one, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		give_up("poll");
	return one.revents;
}

void send_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t n = send(fd, at, length, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			give_up("sending");
		if (n > 0) {
			at += n;
			length -= (size_t)n;
		}
	}
}

void receive_all(int fd, void *bytes, size_t length)
{
	char *at = bytes;

	while (length) {
		ssize_t n = recv(fd, at, length, 0);

		if (n == 0)
			errno = ECONNABORTED;
		if (n == 0 || (n < 0 && errno != EINTR))
			give_up("receiving");
		if (n > 0) {
			at += n;
			length -= (size_t)n;
		}
	}
}

void pattern(unsigned char *bytes, size_t from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)((from + i) * 2654435761u >> 13 ^ (from + i));
}

bool is_pattern(const unsigned char *bytes, size_t from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != (unsigned char)((from + i) * 2654435761u >> 13 ^ (from + i)))
			return false;
	return true;
}
