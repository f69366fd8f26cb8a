/* Calls that send and receive: their flags, several messages, large ones, and the descriptor's other uses. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "side.h"

#ifndef TCP_INQ
#define TCP_INQ 36
#endif

static void several_messages(struct side *side)
{
	char parts[4][4] = {"abc", "def", "ghi", "jkl"};
	struct iovec vectors[4];
	struct mmsghdr messages[4] = {0};
	char got[16] = "";

	for (int i = 0; i < 4; i++) {
		vectors[i] = (struct iovec){parts[i], 3};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	if (!side->server) {
		say(side, "sendmmsg %s", result(sendmmsg(side->fd, messages, 4, 0)));
		meet(side);
		receive_all(side->fd, got, 12);
		say(side, "back %.12s", got);
		return;
	}
	wait_unread(side->fd, 12);
	say(side, "recvmmsg %s", result(recvmmsg(side->fd, messages, 4, 0, NULL)));
	say(side, "of %u and %u bytes, %.3s to %.3s", messages[0].msg_len, messages[3].msg_len, parts[0], parts[3]);
	meet(side);
	for (int i = 0; i < 4; i++)
		send_all(side->fd, parts[i], 3);
}

static void without_waiting(struct side *side)
{
	char got[8];

	if (!side->server) {
		meet(side);
		send_all(side->fd, "abc", 3);
		meet(side);
		return;
	}
	say(side, "recv %s", result(recv(side->fd, got, 8, MSG_DONTWAIT)));
	say(side, "of all %s", result(recv(side->fd, got, 8, MSG_DONTWAIT | MSG_WAITALL)));
	meet(side);
	wait_unread(side->fd, 3);
	say(side, "of more than there is %s", result(recv(side->fd, got, 8, MSG_DONTWAIT | MSG_WAITALL)));
	say(side, "send %s", result(send(side->fd, "x", 1, MSG_DONTWAIT)));
	meet(side);
}

static void fionbio(struct side *side)
{
	int on = 1;
	char byte;

	say(side, "FIONBIO %s", result(ioctl(side->fd, FIONBIO, &on)));
	say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
	say(side, "O_NONBLOCK %d", !!(fcntl(side->fd, F_GETFL) & O_NONBLOCK));
	meet(side);
}

static void peek_for_all(struct side *side)
{
	char got[8] = "";

	if (!side->server) {
		send_all(side->fd, "ab", 2);
		meet(side);
		send_all(side->fd, "cdef", 4);
		meet(side);
		return;
	}
	meet(side);
	wait_unread(side->fd, 6);
	say(side, "peek %s %.6s", result(recv(side->fd, got, 6, MSG_PEEK | MSG_WAITALL)), got);
	say(side, "peek of two %s %.2s", result(recv(side->fd, got, 2, MSG_PEEK)), got);
	say(side, "recv %s %.6s", result(recv(side->fd, got, 6, 0)), got);
	meet(side);
}

static void as_a_file(struct side *side)
{
	char got[8] = "";

	if (!side->server) {
		say(side, "write %s", result(write(side->fd, "abc", 3)));
		say(side, "pwrite %s", result(pwrite(side->fd, "abc", 3, 0)));
		say(side, "lseek %s", result(lseek(side->fd, 0, SEEK_SET)));
		say(side, "read %s", result(read(side->fd, got, 8)));
		say(side, "fsync %s", result(fsync(side->fd)));
		return;
	}
	say(side, "read %s %.3s", result(read(side->fd, got, 3)), got);
	say(side, "read of nothing %s", result(read(side->fd, got, 0)));
	say(side, "write %s", result(write(side->fd, "x", 1)));
	say(side, "mmap %s", outcome(mmap(NULL, 4096, PROT_READ, MAP_SHARED, side->fd, 0) == MAP_FAILED ? -1 : 0));
}

static void sixteen_mebibytes(struct side *side)
{
	enum { ALL = 16 << 20 };
	unsigned char *bytes = malloc(ALL);
	struct iovec part = {bytes, ALL};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};

	if (side->server) {
		ssize_t n = recvmsg(side->fd, &msg, MSG_WAITALL);

		say(side, "recvmsg %s, in order %d", result(n), n == ALL && is_pattern(bytes, 0, ALL));
		send_all(side->fd, "x", 1);
	} else {
		char byte;

		pattern(bytes, 0, ALL);
		say(side, "sendmsg %s", result(sendmsg(side->fd, &msg, 0)));
		receive_all(side->fd, &byte, 1);
	}
	free(bytes);
}

/* How many bytes are left, told with what was read. */
static void told_what_is_left(struct side *side)
{
	char control[CMSG_SPACE(sizeof(int))], got[4];
	struct iovec part = {got, 4};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header;
	int on = 1, left = -1;

	if (!side->server) {
		send_all(side->fd, "0123456789", 10);
		meet(side);
		return;
	}
	say(side, "TCP_INQ %s", result(setsockopt(side->fd, IPPROTO_TCP, TCP_INQ, &on, sizeof(on))));
	wait_unread(side->fd, 10);
	say(side, "recvmsg %s", result(recvmsg(side->fd, &msg, 0)));
	header = CMSG_FIRSTHDR(&msg);
	if (header && header->cmsg_level == SOL_TCP && header->cmsg_type == TCP_INQ)
		memcpy(&left, CMSG_DATA(header), sizeof(left));
	say(side, "left %d", left);
	meet(side);
}

static void of_ip(struct side *side)
{
	int value = IPTOS_LOWDELAY, got = -1;
	socklen_t length = sizeof(got);
	char name[16] = "";

	say(side, "IP_TOS %s", result(setsockopt(side->fd, IPPROTO_IP, IP_TOS, &value, sizeof(value))));
	getsockopt(side->fd, IPPROTO_IP, IP_TOS, &got, &length);
	say(side, "IP_TOS is %d", got);
	value = 7;
	say(side, "IP_TTL %s", result(setsockopt(side->fd, IPPROTO_IP, IP_TTL, &value, sizeof(value))));
	say(side, "SO_PRIORITY %s", result(setsockopt(side->fd, SOL_SOCKET, SO_PRIORITY, &(int){3}, sizeof(int))));
	length = sizeof(name);
	say(side, "TCP_CONGESTION %s",
	    result(getsockopt(side->fd, IPPROTO_TCP, TCP_CONGESTION, name, &length)));
	say(side, "the same again %s", result(setsockopt(side->fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name))));
	say(side, "TCP_NOTSENT_LOWAT %s", result(setsockopt(side->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){65536}, sizeof(int))));
	meet(side);
	send_all(side->fd, "x", 1);
	receive_all(side->fd, name, 1);
	meet(side);
}

static void one_of_two_holders_closes(struct side *side)
{
	char got[4] = "";
	pid_t child;

	if (!side->server) {
		say(side, "recv %s", result(recv(side->fd, got, 3, MSG_WAITALL)));
		say(side, "recv %s", result(recv(side->fd, got, 3, 0)));
		return;
	}
	child = fork();
	if (child == 0) {
		close(side->fd);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	/* Not its end: this process has it, too. */
	send_all(side->fd, "abc", 3);
}

static void two_descriptors_are_watched(struct side *side)
{
	struct epoll_event events[2], event = {.events = EPOLLIN};
	int copy, epoll;

	if (!side->server) {
		meet(side);
		send_all(side->fd, "x", 1);
		meet(side);
		return;
	}
	copy = dup(side->fd);
	epoll = epoll_of(side->fd, EPOLLIN);
	epoll_ctl(epoll, EPOLL_CTL_ADD, copy, &event);
	meet(side);
	wait_poll(side->fd, POLLIN);
	say(side, "events %s", result(epoll_wait(epoll, events, 2, 1000)));
	close(copy);
	close(epoll);
	meet(side);
}

static void unread_behind_the_end(struct side *side)
{
	char got[4];

	if (!side->server) {
		send_all(side->fd, "abc", 3);
		shutdown(side->fd, SHUT_WR);
		meet(side);
		return;
	}
	wait_poll(side->fd, POLLRDHUP);
	say(side, "unread %d", wait_unread(side->fd, 3));
	say(side, "recv %s", result(recv(side->fd, got, 3, 0)));
	say(side, "unread %d", wait_unread(side->fd, 0));
	say(side, "peek %s", result(recv(side->fd, got, 3, MSG_PEEK)));
	meet(side);
}

/* Sent by sendfile() in parts, with a header before it that is held back: as web servers do. */
static void header_and_file(struct side *side)
{
	enum { HEAD = 200, ALL = 400000 };
	unsigned char *bytes = malloc(ALL);

	if (side->server) {
		receive_all(side->fd, bytes, ALL);
		say(side, "in order %d", is_pattern(bytes, 0, ALL));
	} else {
		int file = memfd_create("behave", MFD_CLOEXEC);
		off_t at = HEAD;

		pattern(bytes, 0, ALL);
		if (file < 0 || write(file, bytes, ALL) != ALL)
			give_up("a file");
		say(side, "send %s", result(send(side->fd, bytes, HEAD, MSG_MORE)));
		while (at < ALL)
			if (sendfile(side->fd, file, &at, 100000) <= 0)
				give_up("sendfile");
		close(file);
	}
	meet(side);
	free(bytes);
}

const struct behaviour message_behaviours[] = {
	{"sendmmsg and recvmmsg", several_messages, false},
	{"MSG_DONTWAIT", without_waiting, false},
	{"FIONBIO", fionbio, false},
	{"MSG_PEEK with MSG_WAITALL", peek_for_all, false},
	{"read and write", as_a_file, false},
	{"sixteen mebibytes in one message", sixteen_mebibytes, false},
	{"TCP_INQ", told_what_is_left, false},
	{"options of IP", of_ip, false},
	{"one of two holders closes", one_of_two_holders_closes, false},
	{"two descriptors of one socket are watched", two_descriptors_are_watched, false},
	{"FIONREAD behind the end", unread_behind_the_end, false},
	{"a header held back and a file", header_and_file, false},
	{0},
};
