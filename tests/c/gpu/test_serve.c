/* `gpu-bench serve` where something runs short: it goes on, and who asked is told. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "io.h"
#include "memory.h"
#include "serve.h"
#include "socket_wire.h"

#define LIMIT_MS 20000u
#define SIZE 4096u

bool check_failed;

/* Shared with the server. */
static struct {
	unsigned forks_refused;
	int keepalive; /* of the connection that the last process is for */
	uint64_t available;
} *shared;

static char where[64];

/* A cgroup's pids.max answers EAGAIN. */
pid_t fork(void)
{
	struct sockaddr_in peer;
	socklen_t length;

	for (int fd = 0; fd < 64; fd++) {
		length = sizeof(peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0 || peer.sin_family != AF_INET)
			continue;
		length = sizeof(shared->keepalive);
		getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &shared->keepalive, &length);
	}
	if (shared->forks_refused) {
		shared->forks_refused--;
		errno = EAGAIN;
		return -1;
	}
	return _Fork();
}

uint64_t memory_available(void)
{
	return shared->available;
}

/* Descriptors beyond those that are open: 0 for as many as the test may have. */
static pid_t server(unsigned descriptors)
{
	const pid_t pid = _Fork();
	struct error error = {.text = ""};

	if (pid)
		return pid;
	if (descriptors) {
		const int next = dup(0);
		struct rlimit limit;

		close(next);
		getrlimit(RLIMIT_NOFILE, &limit);
		limit.rlim_cur = (rlim_t)next + descriptors;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	serve(where, &error);
	printf("# the server: %s\n", error.text);
	fflush(stdout);
	_exit(1);
}

/* A connection to the server, once it listens. */
static int client(void)
{
	const uint64_t deadline = deadline_in_ms(LIMIT_MS);
	const struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
	struct sockaddr_in address;
	struct error error;

	CHECK(socket_address(where, &address, &error));
	while (now_ns() < deadline) {
		const int fd = socket_new(&error);

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		close(fd);
		sleep_until(deadline_in_ms(20));
	}
	CHECK(!"the server listens");
	return -1;
}

/* What the server answers to a wish for memory: 0 or an errno; -1 for the connection's end. */
static int ask(int fd, uint64_t size)
{
	const struct socket_request request = {.what = SOCKET_ALLOCATE, .buffer = 0, .size = size};
	uint8_t status;

	if (!send_all(fd, &request, sizeof(request)) || receive_all(fd, &status, 1) != 1)
		return -1;
	return status;
}

static void end(pid_t serving)
{
	CHECK(waitpid(serving, NULL, WNOHANG) == 0);
	kill(serving, SIGKILL);
	waitpid(serving, NULL, 0);
}

static void no_processes(void)
{
	pid_t serving;
	int fd;

	shared->forks_refused = 2;
	serving = server(0);
	for (int i = 0; i < 2; i++) {
		fd = client();
		CHECK(ask(fd, SIZE) == -1);
		close(fd);
	}
	fd = client();
	CHECK(ask(fd, SIZE) == 0);
	close(fd);
	CHECK(shared->forks_refused == 0);
	end(serving);
}

/* The server has a descriptor for its listener and no other; then it may have more. */
static void no_descriptors(void)
{
	const pid_t serving = server(1);
	const int fd = client();
	struct rlimit limit;

	sleep_until(deadline_in_ms(300));
	CHECK(waitpid(serving, NULL, WNOHANG) == 0);
	CHECK(prlimit(serving, RLIMIT_NOFILE, NULL, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	CHECK(prlimit(serving, RLIMIT_NOFILE, &limit, NULL) == 0);
	CHECK(ask(fd, SIZE) == 0);
	close(fd);
	end(serving);
}

static void no_memory(void)
{
	const pid_t serving = server(0);
	const int fd = client();

	shared->available = SIZE;
	CHECK(ask(fd, SIZE + 1) == ENOMEM);
	CHECK(ask(fd, SIZE) == 0);
	shared->available = UINT64_MAX;
	CHECK(ask(fd, SIZE + 1) == 0);
	close(fd);
	end(serving);
}

/* A client that vanishes is noticed. */
static void asks_after_the_silent(void)
{
	const pid_t serving = server(0);
	int fd;

	/* Before there is a connection: its process may be there as soon as it is. */
	shared->keepalive = 0;
	fd = client();
	CHECK(ask(fd, SIZE) == 0);
	CHECK(shared->keepalive == 1);
	close(fd);
	end(serving);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	shared->available = UINT64_MAX;
	snprintf(where, sizeof(where), "127.85.%d.%d:11020", getpid() / 250 % 250, getpid() % 250 + 1);
	return RUN(no_processes) + RUN(no_descriptors) + RUN(no_memory) + RUN(asks_after_the_silent) > 0;
}
