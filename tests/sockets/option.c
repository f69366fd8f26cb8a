/* Options, urgent bytes, and what TCP holds back. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "side.h"

static int get(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	getsockopt(fd, level, option, &value, &length);
	return value;
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static void of_tcp(struct side *side)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);
	char byte = 'x';

	say(side, "TCP_NODELAY %s", result(set(side->fd, IPPROTO_TCP, TCP_NODELAY, 1)));
	say(side, "TCP_NODELAY is %d", get(side->fd, IPPROTO_TCP, TCP_NODELAY));
	say(side, "TCP_KEEPIDLE %s", result(set(side->fd, IPPROTO_TCP, TCP_KEEPIDLE, 77)));
	say(side, "TCP_KEEPIDLE is %d", get(side->fd, IPPROTO_TCP, TCP_KEEPIDLE));
	say(side, "SO_KEEPALIVE %s", result(set(side->fd, SOL_SOCKET, SO_KEEPALIVE, 1)));
	say(side, "TCP_USER_TIMEOUT %s", result(set(side->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000)));
	say(side, "TCP_QUICKACK %s", result(set(side->fd, IPPROTO_TCP, TCP_QUICKACK, 1)));
	say(side, "TCP_DEFER_ACCEPT %s", result(set(side->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1)));
	say(side, "no such option %s", result(set(side->fd, IPPROTO_TCP, 9999, 1)));
	say(side, "TCP_INFO %s", result(getsockopt(side->fd, IPPROTO_TCP, TCP_INFO, &info, &length)));
	say(side, "state %d", info.tcpi_state);
	meet(side);
	send_all(side->fd, &byte, 1);
	receive_all(side->fd, &byte, 1);
	meet(side);
}

static void of_sockets(struct side *side)
{
	say(side, "SO_TYPE %d, SO_PROTOCOL %d, SO_DOMAIN %d", get(side->fd, SOL_SOCKET, SO_TYPE),
	    get(side->fd, SOL_SOCKET, SO_PROTOCOL), get(side->fd, SOL_SOCKET, SO_DOMAIN));
	say(side, "SO_ACCEPTCONN %d, SO_ERROR %d", get(side->fd, SOL_SOCKET, SO_ACCEPTCONN), get(side->fd, SOL_SOCKET, SO_ERROR));
	set(side->fd, SOL_SOCKET, SO_RCVBUF, 40000);
	set(side->fd, SOL_SOCKET, SO_SNDBUF, 50000);
	say(side, "SO_RCVBUF %d, SO_SNDBUF %d", get(side->fd, SOL_SOCKET, SO_RCVBUF), get(side->fd, SOL_SOCKET, SO_SNDBUF));
	if (side->server)
		say(side, "listener: SO_ACCEPTCONN %d", get(side->listener, SOL_SOCKET, SO_ACCEPTCONN));
}

static void corked(struct side *side)
{
	char got[8] = "";

	if (side->server) {
		say(side, "recv %s %.6s", result(recv(side->fd, got, 6, MSG_WAITALL)), got);
		return;
	}
	set(side->fd, IPPROTO_TCP, TCP_CORK, 1);
	send_all(side->fd, "ab", 2);
	send_all(side->fd, "cd", 2);
	set(side->fd, IPPROTO_TCP, TCP_CORK, 0);
	send_all(side->fd, "ef", 2);
}

static void more_to_come(struct side *side)
{
	char got[8] = "";

	if (side->server) {
		say(side, "recv %s %.6s", result(recv(side->fd, got, 6, MSG_WAITALL)), got);
		return;
	}
	say(side, "send %s", result(send(side->fd, "abc", 3, MSG_MORE)));
	say(side, "send %s", result(send(side->fd, "def", 3, 0)));
}

static volatile sig_atomic_t urgent;

static void note(int number)
{
	(void)number;
	urgent++;
}

static void an_urgent_byte(struct side *side)
{
	char got[8] = "";
	int mark = -1;

	if (!side->server) {
		send_all(side->fd, "ab", 2);
		say(side, "send %s", result(send(side->fd, "!", 1, MSG_OOB)));
		send_all(side->fd, "cd", 2);
		meet(side);
		return;
	}
	signal(SIGURG, note);
	fcntl(side->fd, F_SETOWN, getpid());
	say(side, "poll: PRI %d", !!(wait_poll(side->fd, POLLPRI) & POLLPRI));
	for (int i = 0; i < 5000 && wait_unread(side->fd, 2) < 2; i++)
		usleep(1000);
	ioctl(side->fd, SIOCATMARK, &mark);
	say(side, "at the mark %d", mark);
	say(side, "recv to the mark %s %.2s", result(recv(side->fd, got, 8, 0)), got);
	ioctl(side->fd, SIOCATMARK, &mark);
	say(side, "at the mark %d", mark);
	say(side, "urgent byte %s %.1s", result(recv(side->fd, got, 1, MSG_OOB)), got);
	say(side, "again %s", result(recv(side->fd, got, 1, MSG_OOB)));
	say(side, "recv %s %.2s", result(recv(side->fd, got, 2, MSG_WAITALL)), got);
	meet(side);
}

static void an_urgent_byte_inline(struct side *side)
{
	char got[8] = "";

	if (!side->server) {
		meet(side);
		send_all(side->fd, "ab", 2);
		send(side->fd, "!", 1, MSG_OOB);
		send_all(side->fd, "cd", 2);
		meet(side);
		return;
	}
	set(side->fd, SOL_SOCKET, SO_OOBINLINE, 1);
	meet(side);
	wait_poll(side->fd, POLLPRI);
	wait_unread(side->fd, 2);
	say(side, "recv to the mark %s %.2s", result(recv(side->fd, got, 8, 0)), got);
	say(side, "recv with the byte %s %.3s", result(recv(side->fd, got, 3, MSG_WAITALL)), got);
	meet(side);
}

static void a_signal_for_bytes(struct side *side)
{
	char byte;

	if (!side->server) {
		meet(side);
		send_all(side->fd, "x", 1);
		meet(side);
		return;
	}
	urgent = 0;
	signal(SIGIO, note);
	fcntl(side->fd, F_SETOWN, getpid());
	fcntl(side->fd, F_SETFL, O_ASYNC);
	meet(side);
	wait_poll(side->fd, POLLIN);
	for (int i = 0; i < 5000 && !urgent; i++)
		usleep(1000);
	say(side, "SIGIO came: %d", urgent > 0);
	say(side, "recv %s", result(recv(side->fd, &byte, 1, 0)));
	fcntl(side->fd, F_SETFL, 0);
	meet(side);
}

const struct behaviour option_behaviours[] = {
	{"options of TCP", of_tcp, false},
	{"options of sockets", of_sockets, false},
	{"TCP_CORK", corked, false},
	{"MSG_MORE", more_to_come, false},
	{"an urgent byte", an_urgent_byte, false},
	{"an urgent byte, inline", an_urgent_byte_inline, false},
	{"SIGIO", a_signal_for_bytes, false},
	{0},
};
