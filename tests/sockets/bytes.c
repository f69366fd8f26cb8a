/* Bytes from one end to the other: how they are sent, how they are read, and what stays unread. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "side.h"

#define MIB (1u << 20)

static void one_byte(struct side *side)
{
	char byte = 'x';

	if (side->server) {
		say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
		say(side, "send %s", result(send(side->fd, &byte, 1, 0)));
	} else {
		say(side, "send %s", result(send(side->fd, &byte, 1, 0)));
		say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
		say(side, "byte %c", byte);
	}
}

static void receive_a_mebibyte(struct side *side, unsigned char *bytes)
{
	receive_all(side->fd, bytes, MIB);
	say(side, "all in order: %d", is_pattern(bytes, 0, MIB));
}

static void a_mebibyte(struct side *side)
{
	unsigned char *bytes = malloc(MIB);

	if (side->server) {
		receive_a_mebibyte(side, bytes);
		send_all(side->fd, bytes, MIB);
	} else {
		pattern(bytes, 0, MIB);
		send_all(side->fd, bytes, MIB);
		memset(bytes, 0, MIB);
		receive_a_mebibyte(side, bytes);
	}
	free(bytes);
}

static void one_call_for_a_mebibyte(struct side *side)
{
	unsigned char *bytes = malloc(MIB);

	if (side->server) {
		receive_a_mebibyte(side, bytes);
	} else {
		pattern(bytes, 0, MIB);
		say(side, "send %s", result(send(side->fd, bytes, MIB, 0)));
	}
	free(bytes);
}

static void many_segments(struct side *side)
{
	enum { N = 500, PART = 37 };
	unsigned char bytes[N * PART];
	struct iovec parts[N];
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = N};

	for (int i = 0; i < N; i++)
		parts[i] = (struct iovec){bytes + i * PART, PART};
	if (side->server) {
		say(side, "recvmsg %s", result(recvmsg(side->fd, &msg, MSG_WAITALL)));
		say(side, "all in order: %d", is_pattern(bytes, 0, sizeof(bytes)));
	} else {
		pattern(bytes, 0, sizeof(bytes));
		say(side, "sendmsg %s", result(sendmsg(side->fd, &msg, 0)));
	}
}

static void vectors(struct side *side)
{
	char a[3] = "abc", b[4] = "defg";
	struct iovec parts[2] = {{a, sizeof(a)}, {b, sizeof(b)}};

	if (side->server) {
		wait_unread(side->fd, 7);
		say(side, "readv %s", result(readv(side->fd, parts, 2)));
		say(side, "%.3s %.4s", a, b);
	} else {
		say(side, "writev %s", result(writev(side->fd, parts, 2)));
	}
}

static void peek(struct side *side)
{
	char got[8] = "";

	if (!side->server) {
		send_all(side->fd, "peeked", 6);
		meet(side);
		return;
	}
	wait_unread(side->fd, 6);
	say(side, "peek of 3: %s", result(recv(side->fd, got, 3, MSG_PEEK)));
	say(side, "peek of 8: %s", result(recv(side->fd, got, 8, MSG_PEEK)));
	say(side, "recv: %s %.6s", result(recv(side->fd, got, 8, 0)), got);
	say(side, "peek of nothing: %s", result(recv(side->fd, got, 8, MSG_PEEK | MSG_DONTWAIT)));
	meet(side);
}

static void waitall(struct side *side)
{
	char got[8] = "";

	if (side->server) {
		meet(side);
		say(side, "recv %s %.8s", result(recv(side->fd, got, 8, MSG_WAITALL)), got);
	} else {
		send_all(side->fd, "abcd", 4);
		meet(side);
		usleep(20000);
		send_all(side->fd, "efgh", 4);
	}
}

static void waitall_is_cut_by_the_end(struct side *side)
{
	char got[8] = "";

	if (side->server) {
		say(side, "recv %s %.3s", result(recv(side->fd, got, 8, MSG_WAITALL)), got);
		say(side, "recv %s", result(recv(side->fd, got, 8, MSG_WAITALL)));
	} else {
		send_all(side->fd, "abc", 3);
		shutdown(side->fd, SHUT_WR);
	}
}

static void nothing_to_read(struct side *side)
{
	char got[8];

	say(side, "recv %s", result(recv(side->fd, got, 8, MSG_DONTWAIT)));
	fcntl(side->fd, F_SETFL, O_NONBLOCK);
	say(side, "read %s", result(read(side->fd, got, 8)));
	meet(side);
}

static void thrown_away(struct side *side)
{
	char got[8] = "";

	if (!side->server) {
		send_all(side->fd, "abcdef", 6);
		return;
	}
	wait_unread(side->fd, 6);
	say(side, "recv with MSG_TRUNC %s", result(recv(side->fd, NULL, 4, MSG_TRUNC)));
	say(side, "recv %s %.2s", result(recv(side->fd, got, 8, 0)), got);
}

static void unread(struct side *side)
{
	int n = -1;
	char byte;

	if (!side->server) {
		send_all(side->fd, "abcdef", 6);
		meet(side);
		/* What is acknowledged is a matter of time. */
		for (int i = 0; i < 10000 && n; i++, usleep(1000))
			ioctl(side->fd, SIOCOUTQ, &n);
		say(side, "SIOCOUTQ %d", n);
		meet(side);
		return;
	}
	say(side, "FIONREAD %d", wait_unread(side->fd, 6));
	recv(side->fd, &byte, 1, 0);
	say(side, "FIONREAD %d", wait_unread(side->fd, 5));
	meet(side);
	meet(side);
}

static void empty_calls(struct side *side)
{
	char got[1];

	if (side->server) {
		wait_unread(side->fd, 1);
		say(side, "recv of 0 %s", result(recv(side->fd, got, 0, 0)));
		say(side, "recv %s", result(recv(side->fd, got, 1, 0)));
	} else {
		say(side, "send of 0 %s", result(send(side->fd, "", 0, 0)));
		send_all(side->fd, "x", 1);
	}
}

static void empty_calls_in_vain(struct side *side)
{
	char got[1];

	if (side->server) {
		say(side, "recv of 0 %s", result(recv(side->fd, got, 0, MSG_DONTWAIT)));
		say(side, "peek of 0 %s", result(recv(side->fd, got, 0, MSG_DONTWAIT | MSG_PEEK)));
		meet(side);
		say(side, "recv %s", result(recv(side->fd, got, 1, 0)));
		say(side, "recv of 0 at the end %s", result(recv(side->fd, got, 0, 0)));
	} else {
		meet(side);
		send_all(side->fd, "x", 1);
		shutdown(side->fd, SHUT_WR);
		say(side, "send of 0 behind the end %s", result(send(side->fd, "", 0, MSG_NOSIGNAL)));
	}
}

static void bad_memory(struct side *side)
{
	char *nowhere = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), got[8] = "";

	if (side->server) {
		wait_unread(side->fd, 3);
		say(side, "recv %s", result(recv(side->fd, nowhere, 8, 0)));
		say(side, "recv %s %.3s", result(recv(side->fd, got, 8, 0)), got);
	} else {
		say(side, "send %s", result(send(side->fd, nowhere, 8, 0)));
		send_all(side->fd, "abc", 3);
	}
	meet(side);
	munmap(nowhere, 8192);
}

/* More than any buffer; the reader begins when the writer is stuck. */
static void filled_up(struct side *side)
{
	static unsigned char bytes[65536];
	size_t total = 0, got = 0;
	uint64_t all;
	ssize_t n;

	if (!side->server) {
		struct pollfd room = {.fd = side->fd, .events = POLLOUT};

		fcntl(side->fd, F_SETFL, O_NONBLOCK);
		do {
			pattern(bytes, total, sizeof(bytes));
			n = send(side->fd, bytes, sizeof(bytes), 0);
			total += n > 0 ? (size_t)n : 0;
			/* Room may come for a while: TCP's buffers grow. */
		} while (n > 0 || poll(&room, 1, 500) == 1);
		say(side, "send %s, as much as 64 KiB before: %d", result(n), total >= 65536);
		all = total;
		send_all(side->control, &all, sizeof(all));
		say(side, "then poll says room: %d", !!(wait_poll(side->fd, POLLOUT) & POLLOUT));
		shutdown(side->fd, SHUT_WR);
		return;
	}
	receive_all(side->control, &all, sizeof(all));
	while ((n = recv(side->fd, bytes, sizeof(bytes), 0)) > 0) {
		if (!is_pattern(bytes, got, (size_t)n))
			say(side, "bytes out of order behind %zu", got);
		got += (size_t)n;
	}
	say(side, "all received: %d", got == all);
}

static void both_write_first(struct side *side)
{
	static unsigned char bytes[65536];

	pattern(bytes, 0, sizeof(bytes));
	send_all(side->fd, bytes, sizeof(bytes));
	memset(bytes, 0, sizeof(bytes));
	receive_all(side->fd, bytes, sizeof(bytes));
	say(side, "all in order: %d", is_pattern(bytes, 0, sizeof(bytes)));
}

static void *writer(void *data)
{
	struct side *side = data;
	unsigned char bytes[4096];

	for (size_t at = 0; at < 4 * MIB; at += sizeof(bytes)) {
		pattern(bytes, at, sizeof(bytes));
		send_all(side->fd, bytes, sizeof(bytes));
	}
	return NULL;
}

static void both_ways_at_once(struct side *side)
{
	unsigned char bytes[10000];
	bool right = true;
	pthread_t thread;

	pthread_create(&thread, NULL, writer, side);
	for (size_t at = 0; at < 4 * MIB;) {
		ssize_t n = recv(side->fd, bytes, sizeof(bytes), 0);

		if (n <= 0)
			give_up("receiving");
		right &= is_pattern(bytes, at, (size_t)n);
		at += (size_t)n;
	}
	pthread_join(thread, NULL);
	say(side, "all in order: %d", right);
}

static void from_a_file(struct side *side)
{
	unsigned char *bytes = malloc(MIB);

	if (side->server) {
		receive_a_mebibyte(side, bytes);
	} else {
		int file = memfd_create("behave", MFD_CLOEXEC);
		size_t at = 0;

		pattern(bytes, 0, MIB);
		if (file < 0 || write(file, bytes, MIB) != MIB)
			give_up("a file");
		lseek(file, 0, SEEK_SET);
		while (at < MIB) {
			ssize_t n = sendfile(side->fd, file, NULL, MIB - at);

			if (n <= 0)
				give_up("sendfile");
			at += (size_t)n;
		}
		say(side, "sendfile all");
		close(file);
	}
	free(bytes);
}

/* The server's kernel moves the bytes from the socket to a pipe and back to the socket. */
static void spliced(struct side *side)
{
	enum { ALL = 200000 };
	unsigned char *bytes = malloc(ALL);
	int pipes[2];

	if (side->server) {
		size_t at = 0;

		if (pipe(pipes) != 0)
			give_up("pipe");
		while (at < ALL) {
			ssize_t n = splice(side->fd, NULL, pipes[1], NULL, 16384, 0), m = 0;

			if (n <= 0) {
				say(side, "splice %s", result(n));
				break;
			}
			while (m < n) {
				ssize_t k = splice(pipes[0], NULL, side->fd, NULL, (size_t)(n - m), 0);

				if (k <= 0)
					give_up("splice to the socket");
				m += k;
			}
			at += (size_t)n;
		}
		say(side, "all spliced: %d", at == ALL);
		close(pipes[0]);
		close(pipes[1]);
	} else {
		pattern(bytes, 0, ALL);
		/* In parts that fit every buffer on the way. */
		for (size_t at = 0; at < ALL; at += 20000) {
			send_all(side->fd, bytes + at, 20000);
			memset(bytes + at, 0, 20000);
			receive_all(side->fd, bytes + at, 20000);
		}
		say(side, "all in order: %d", is_pattern(bytes, 0, ALL));
	}
	free(bytes);
}

static void spliced_without_bytes(struct side *side)
{
	int pipes[2];

	if (side->server) {
		if (pipe(pipes) != 0)
			give_up("pipe");
		fcntl(side->fd, F_SETFL, O_NONBLOCK);
		say(side, "splice %s", result(splice(side->fd, NULL, pipes[1], NULL, 4096, SPLICE_F_NONBLOCK)));
		meet(side);
		wait_poll(side->fd, POLLIN | POLLRDHUP);
		say(side, "splice %s", result(splice(side->fd, NULL, pipes[1], NULL, 4096, SPLICE_F_NONBLOCK)));
		close(pipes[0]);
		close(pipes[1]);
	} else {
		meet(side);
		shutdown(side->fd, SHUT_WR);
		meet(side);
		return;
	}
	meet(side);
}

const struct behaviour bytes_behaviours[] = {
	{"one byte to and fro", one_byte, false},
	{"a mebibyte to and fro", a_mebibyte, false},
	{"a mebibyte in one call", one_call_for_a_mebibyte, false},
	{"many segments in one message", many_segments, false},
	{"readv and writev", vectors, false},
	{"MSG_PEEK", peek, false},
	{"MSG_WAITALL", waitall, false},
	{"MSG_WAITALL is cut by the end", waitall_is_cut_by_the_end, false},
	{"nothing to read", nothing_to_read, false},
	{"MSG_TRUNC throws away", thrown_away, false},
	{"FIONREAD and SIOCOUTQ", unread, false},
	{"calls for no bytes", empty_calls, false},
	{"calls for no bytes, in vain", empty_calls_in_vain, false},
	{"memory that cannot be accessed", bad_memory, false},
	{"a writer without a reader", filled_up, false},
	{"both write before they read", both_write_first, false},
	{"both ways at once", both_ways_at_once, false},
	{"sendfile", from_a_file, false},
	{"splice", spliced, false},
	{"splice without bytes", spliced_without_bytes, false},
	{0},
};
