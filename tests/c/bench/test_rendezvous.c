/*
 * Sockets: the right client gets through a crowd of strangers, strangers alone end at the deadline, and each kind of
 * TCP socket has the options that it should.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "io.h"
#include "rendezvous.h"

bool check_failed;

static const uint8_t token[BENCH_TOKEN_BYTES] = "0123456789abcdef";
static const uint8_t wrong[BENCH_TOKEN_BYTES] = "0123456789abcdeF";

static int listen_on(enum transport transport, struct endpoint *endpoint)
{
	struct error error;
	int listener;

	*endpoint = (struct endpoint){.transport = transport, .addr = "127.0.0.1"};
	listener = transport_listen(endpoint, &error);
	CHECK(listener >= 0);
	return listener;
}

static int knock(const struct endpoint *endpoint, const void *bytes, size_t length)
{
	struct error error;
	int fd = transport_connect(endpoint, 2000, &error);

	CHECK(fd >= 0);
	if (length)
		CHECK(send_all(fd, bytes, length));
	return fd;
}

/* The right client, in another process; exits 0 when it was greeted and one byte came through both ways. */
static pid_t start_client(const struct endpoint *endpoint, unsigned delay_ms)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct error error;
		char byte = 'x';
		int fd;

		alarm(5);
		sleep_until(deadline_in_ms(delay_ms));
		fd = rendezvous_connect(endpoint, token, deadline_in_ms(3000), &error);
		_exit(fd >= 0 && send_all(fd, &byte, 1) && receive_all(fd, &byte, 1) == 1 && byte == 'y' ? 0 : 1);
	}
	return pid;
}

static bool exited_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void finds_client_in_crowd_over(enum transport transport)
{
	struct endpoint endpoint;
	int listener = listen_on(transport, &endpoint);
	int strangers[50];
	struct error error = {.text = ""};
	char byte;
	pid_t client;
	int fd;

	/* Silent ones, wrong tokens, half tokens, early ends: more than are looked at side by side, all before the client. */
	for (int i = 0; i < 50; i++) {
		strangers[i] = knock(&endpoint, i % 4 == 1 ? wrong : token, i % 4 == 0 ? 0 : i % 4 == 1 ? 16 : 15);
		if (i % 4 == 3)
			shutdown(strangers[i], SHUT_WR);
	}
	client = start_client(&endpoint, 20);
	fd = rendezvous_accept(listener, transport, token, deadline_in_ms(3000), &error);
	CHECK(fd >= 0);
	CHECK(receive_all(fd, &byte, 1) == 1 && byte == 'x');
	byte = 'y';
	CHECK(send_all(fd, &byte, 1));
	CHECK(exited_well(client));
	/* None of them was greeted; all were closed. */
	for (int i = 0; i < 50; i++) {
		errno = 0;
		CHECK(recv(strangers[i], &byte, 1, 0) <= 0 && errno != EAGAIN);
		close(strangers[i]);
	}
	close(fd);
	close(listener);
}

static void finds_client_in_crowd_tcp(void)
{
	finds_client_in_crowd_over(TRANSPORT_TCP);
}

static void finds_client_in_crowd_unix(void)
{
	finds_client_in_crowd_over(TRANSPORT_UNIX);
}

static void takes_token_in_pieces(void)
{
	struct endpoint endpoint;
	int listener = listen_on(TRANSPORT_TCP, &endpoint);
	struct error error = {.text = ""};
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		int mine = transport_connect(&endpoint, 2000, &error);

		alarm(5);
		for (size_t i = 0; i < sizeof(token); i++) {
			send_all(mine, token + i, 1);
			sleep_until(deadline_in_ms(3));
		}
		_exit(receive_all(mine, &error, 4) == 4 ? 0 : 1);
	}
	fd = rendezvous_accept(listener, TRANSPORT_TCP, token, deadline_in_ms(3000), &error);
	CHECK(fd >= 0);
	CHECK(exited_well(pid));
	close(fd);
	close(listener);
}

static void slow_client_keeps_its_place(void)
{
	struct endpoint endpoint;
	int listener = listen_on(TRANSPORT_TCP, &endpoint);
	struct error error = {.text = ""};
	int strangers[40];
	pid_t pid;
	int fd;

	for (int i = 0; i < 40; i++)
		strangers[i] = knock(&endpoint, NULL, 0);
	pid = fork();
	if (pid == 0) {
		int mine = transport_connect(&endpoint, 2000, &error);

		alarm(5);
		sleep_until(deadline_in_ms(50));
		transport_connect(&endpoint, 2000, &error); /* one more stranger, after the client, before its token */
		sleep_until(deadline_in_ms(50));
		_exit(send_all(mine, token, sizeof(token)) && receive_all(mine, &error, 4) == 4 ? 0 : 1);
	}
	fd = rendezvous_accept(listener, TRANSPORT_TCP, token, deadline_in_ms(1500), &error);
	CHECK(fd >= 0);
	CHECK(exited_well(pid));
	for (int i = 0; i < 40; i++)
		close(strangers[i]);
	close(fd);
	close(listener);
}

static void strangers_alone_end_at_deadline(void)
{
	struct endpoint endpoint;
	int listener = listen_on(TRANSPORT_TCP, &endpoint);
	int silent = knock(&endpoint, NULL, 0);
	int liar = knock(&endpoint, wrong, sizeof(wrong));
	struct error error = {.text = ""};
	uint64_t start = now_ns();

	CHECK(rendezvous_accept(listener, TRANSPORT_TCP, token, deadline_in_ms(200), &error) == -1);
	CHECK(now_ns() - start >= 200 * NS_PER_MS && now_ns() - start < 1500 * NS_PER_MS);
	CHECK_HOLDS(error.text, "did not connect until the deadline");
	close(silent);
	close(liar);
	close(listener);
}

static void client_wants_greeting(void)
{
	struct endpoint endpoint;
	int listener = listen_on(TRANSPORT_TCP, &endpoint);
	struct error error = {.text = ""};
	uint64_t start = now_ns();
	pid_t pid;

	/* Nobody accepts: bounded. */
	CHECK(rendezvous_connect(&endpoint, token, deadline_in_ms(200), &error) == -1);
	CHECK(now_ns() - start < 1500 * NS_PER_MS);
	CHECK_HOLDS(error.text, "no progress until the deadline");
	/* Somebody else answers. */
	pid = fork();
	if (pid == 0) {
		alarm(5);
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			if (fd >= 0)
				send_all(fd, "SSH-2.0-OpenSSH", 15);
		}
	}
	CHECK(rendezvous_connect(&endpoint, token, deadline_in_ms(2000), &error) == -1);
	CHECK_HOLDS(error.text, "is not v4v-bench");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(listener);
	/* Nobody listens. */
	CHECK(rendezvous_connect(&endpoint, token, deadline_in_ms(2000), &error) == -1);
	CHECK_HOLDS(error.text, "connect: Connection refused");
}

/* The largest socket buffer that the kernel grants, or 0 where it does not say. */
static uint32_t kernel_limit(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned limit = 0;

	if (file && fscanf(file, "%u", &limit) != 1)
		limit = 0;
	if (file)
		fclose(file);
	return limit;
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	CHECK(getsockopt(fd, level, name, &value, &length) == 0);
	return value;
}

static void tcp_is_tuned_and_says_how(void)
{
	uint32_t send_limit = kernel_limit("/proc/sys/net/core/wmem_max");
	uint32_t receive_limit = kernel_limit("/proc/sys/net/core/rmem_max");
	struct endpoint endpoint;
	int listener = listen_on(TRANSPORT_TCP, &endpoint);
	int fd = knock(&endpoint, NULL, 0);
	uint32_t sndbuf, rcvbuf;

	transport_buffers(fd, TRANSPORT_TCP, &sndbuf, &rcvbuf);
	CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
	CHECK(sndbuf == (uint32_t)option(fd, SOL_SOCKET, SO_SNDBUF) / 2);
	CHECK(rcvbuf == (uint32_t)option(fd, SOL_SOCKET, SO_RCVBUF) / 2);
	if (send_limit)
		CHECK(sndbuf == (send_limit < BENCH_SOCKET_BUFFER ? send_limit : BENCH_SOCKET_BUFFER));
	if (receive_limit)
		CHECK(rcvbuf == (receive_limit < BENCH_SOCKET_BUFFER ? receive_limit : BENCH_SOCKET_BUFFER));
	/* Accepted sockets inherit it. */
	CHECK(option(listener, IPPROTO_TCP, TCP_NODELAY) == 1);
	CHECK(option(listener, SOL_SOCKET, SO_RCVBUF) == option(fd, SOL_SOCKET, SO_RCVBUF));
	close(fd);
	close(listener);
}

static void stock_tcp_is_left_alone(void)
{
	struct endpoint endpoint;
	int listener = listen_on(TRANSPORT_TCP_STOCK, &endpoint);
	int plain = socket(AF_INET, SOCK_STREAM, 0);
	int fd = knock(&endpoint, NULL, 0);

	CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) == 0 && option(listener, IPPROTO_TCP, TCP_NODELAY) == 0);
	CHECK(option(listener, SOL_SOCKET, SO_RCVBUF) == option(plain, SOL_SOCKET, SO_RCVBUF));
	CHECK(option(listener, SOL_SOCKET, SO_SNDBUF) == option(plain, SOL_SOCKET, SO_SNDBUF));
	close(plain);
	close(fd);
	close(listener);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0); /* the alarm below takes no result along */
	signal(SIGPIPE, SIG_IGN);
	alarm(25);
	return RUN(finds_client_in_crowd_tcp) + RUN(finds_client_in_crowd_unix) + RUN(takes_token_in_pieces) +
	       RUN(slow_client_keeps_its_place) + RUN(strangers_alone_end_at_deadline) + RUN(client_wants_greeting) +
	       RUN(tcp_is_tuned_and_says_how) + RUN(stock_tcp_is_left_alone) > 0;
}
