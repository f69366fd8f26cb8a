/* Connections in the hands of several processes and descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "side.h"

static void forked(struct side *side)
{
	char got[8] = "";
	pid_t child;
	int status;

	if (!side->server) {
		say(side, "recv %s %.3s", result(recv(side->fd, got, 3, MSG_WAITALL)), got);
		send_all(side->fd, "def", 3);
		return;
	}
	child = fork();
	if (child == 0) {
		send_all(side->fd, "abc", 3);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say(side, "recv %s %.3s", result(recv(side->fd, got, 3, MSG_WAITALL)), got);
}

static void executed(struct side *side)
{
	char got[16] = "", command[64];
	pid_t child;
	int status;

	if (!side->server) {
		say(side, "recv %s %.6s", result(recv(side->fd, got, 6, MSG_WAITALL)), got);
		send_all(side->fd, "line\n", 5);
		say(side, "recv %s %.5s", result(recv(side->fd, got, 5, MSG_WAITALL)), got);
		return;
	}
	fcntl(side->fd, F_SETFD, 0);
	snprintf(command, sizeof(command), "echo hello >&%d; read x <&%d; echo $x >&%d", side->fd, side->fd, side->fd);
	child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(1);
	}
	waitpid(child, &status, 0);
	say(side, "status %d", WEXITSTATUS(status));
}

static void duplicated(struct side *side)
{
	char got[8] = "";
	int copy;

	if (!side->server) {
		say(side, "recv %s %.3s", result(recv(side->fd, got, 3, MSG_WAITALL)), got);
		say(side, "recv %s", result(recv(side->fd, got, 3, 0)));
		return;
	}
	copy = dup(side->fd);
	close(side->fd);
	side->fd = copy;
	send_all(copy, "abc", 3);
	/* The last descriptor ends it, not the first. */
	copy = dup2(side->fd, 700);
	close(side->fd);
	side->fd = copy;
}

static void high_descriptor(struct side *side)
{
	struct rlimit limit;
	char byte = 'x';
	int copy;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 5000 ? limit.rlim_max : 5000;
	setrlimit(RLIMIT_NOFILE, &limit);
	copy = fcntl(side->fd, F_DUPFD, 2000);
	say(side, "descriptor over 1023: %d", copy >= 2000);
	if (copy < 0)
		return;
	close(side->fd);
	side->fd = copy;
	say(side, "send %s", result(send(copy, &byte, 1, 0)));
	say(side, "recv %s", result(recv(copy, &byte, 1, 0)));
}

static void pass(int through, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 'f';
	struct iovec part = {&byte, 1};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	*header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(through, &msg, 0) != 1)
		give_up("passing a descriptor");
}

static int take(int from)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte;
	struct iovec part = {&byte, 1};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(from, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static void passed_on(struct side *side)
{
	char got[8] = "";
	int pair[2], status;
	pid_t child;

	if (!side->server) {
		say(side, "recv %s %.3s", result(recv(side->fd, got, 3, MSG_WAITALL)), got);
		say(side, "recv %s", result(recv(side->fd, got, 3, 0)));
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		give_up("socketpair");
	child = fork();
	if (child == 0) {
		int fd;

		close(side->fd);
		fd = take(pair[1]);
		send_all(fd, "abc", 3);
		_exit(0);
	}
	pass(pair[0], side->fd);
	close(side->fd);
	side->fd = -1;
	waitpid(child, &status, 0);
	close(pair[0]);
	close(pair[1]);
}

static void two_readers(struct side *side)
{
	enum { N = 40 };
	int status, count = 0;
	pid_t children[2];
	char byte;

	if (!side->server) {
		char bytes[N] = "";

		send_all(side->fd, bytes, sizeof(bytes));
		shutdown(side->fd, SHUT_WR);
		meet(side);
		return;
	}
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			while (recv(side->fd, &byte, 1, 0) == 1)
				count++;
			_exit(count);
		}
	}
	for (int i = 0; i < 2; i++) {
		waitpid(children[i], &status, 0);
		count += WEXITSTATUS(status);
	}
	say(side, "together %d", count);
	meet(side);
}

/*
 * A descriptor of one connection becomes another's, which ends the first; a number that was closed is a new
 * connection's: each carries its own bytes.
 */
static void numbers_used_again(struct side *side)
{
	char got[8] = "";
	int first, second;

	if (side->server) {
		first = answer(side);
		second = answer(side);
		say(side, "recv of the second %s", result(recv(second, got, 3, 0)));
		say(side, "recv of the first %s %.3s", result(recv(first, got, 3, MSG_WAITALL)), got);
		close(first);
		close(second);
		first = answer(side);
		say(side, "recv of the third %s %.3s", result(recv(first, got, 3, MSG_WAITALL)), got);
		close(first);
		return;
	}
	first = dial(side);
	second = dial(side);
	say(side, "dup3 gives the number %d", dup3(first, second, O_CLOEXEC) == second);
	close(first);
	send_all(second, "abc", 3);
	close(second);
	side->fd = dial(side);
	say(side, "the number is used again %d", side->fd == first);
	send_all(side->fd, "def", 3);
}

const struct behaviour process_behaviours[] = {
	{"fork", forked, false},
	{"exec", executed, false},
	{"dup", duplicated, false},
	{"a descriptor over 1023", high_descriptor, false},
	{"SCM_RIGHTS", passed_on, false},
	{"two processes read", two_readers, false},
	{"numbers of descriptors are used again", numbers_used_again, true},
	{0},
};
