/*
 * storm: many connections between two domains, each of which may move from TCP to a ring while bytes are under way in
 * both directions; every byte must come in order, and come once.
 *   storm serve ADDRESS PORT                       sends back what it gets; until it is killed
 *   storm call ADDRESS PORT COUNT PARALLEL [SEED]  exits with 0 if all is well
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Bytes of a connection: up to this, small ones as often as large ones. */
#define MOST_BITS 17
#define CHUNK 16384
/* A connection on which nothing happens for so long has lost something, ms. */
#define PATIENCE 120000

static uint64_t state;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * UINT64_C(2685821657736338717);
}

static size_t below(size_t limit)
{
	return (size_t)((next_random() >> 16) % limit);
}

_Noreturn static void give_up(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The byte at a place of a connection's stream. */
static unsigned char byte_at(uint32_t connection, size_t at)
{
	uint64_t mixed = (connection + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) ^ at * UINT64_C(0xbf58476d1ce4e5b9);

	return (unsigned char)(mixed >> 29);
}

static size_t most_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Chunks of any size, now and then held back or with a pause, so that moves meet streams in every state. */
static size_t send_chunk(int fd, uint32_t connection, size_t sent, size_t length)
{
	size_t size = most_of(length - sent, 1 + below((size_t)1 << below(15)));
	bool last = sent + size == length;
	unsigned char chunk[CHUNK];
	ssize_t n;

	for (size_t i = 0; i < size; i++)
		chunk[i] = byte_at(connection, sent + i);
	n = send(fd, chunk, size, MSG_DONTWAIT | MSG_NOSIGNAL | (!last && below(8) == 0 ? MSG_MORE : 0));
	if (n < 0 && errno != EAGAIN)
		give_up("sending");
	if (below(16) == 0)
		usleep((useconds_t)below(3000));
	return n < 0 ? 0 : (size_t)n;
}

/* False at the end of the stream. */
static bool receive_chunk(int fd, uint32_t connection, size_t *received)
{
	unsigned char chunk[CHUNK];
	ssize_t n = recv(fd, chunk, 1 + below(CHUNK), MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN)
		give_up("receiving");
	for (ssize_t i = 0; i < n; i++)
		if (chunk[i] != byte_at(connection, *received + (size_t)i)) {
			fprintf(stderr, "storm: connection %u: wrong byte at %zu\n", connection, *received + (size_t)i);
			exit(1);
		}
	if (n > 0)
		*received += (size_t)n;
	return n != 0;
}

static void exchange(const struct sockaddr_in *place, uint32_t connection)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t length = 1 + below((size_t)1 << below(MOST_BITS + 1)), sent = 0, received = 0;
	bool open = true;

	if (fd < 0 || connect(fd, (const struct sockaddr *)place, sizeof(*place)) != 0)
		give_up("connecting");
	while (open) {
		struct pollfd poller = {.fd = fd, .events = (short)(POLLIN | (sent < length ? POLLOUT : 0))};

		if (poll(&poller, 1, PATIENCE) <= 0) {
			fprintf(stderr, "storm: connection %u hangs: %zu of %zu sent, %zu received\n", connection, sent,
				length, received);
			exit(1);
		}
		if (poller.revents & POLLOUT && sent < length) {
			sent += send_chunk(fd, connection, sent, length);
			if (sent == length && shutdown(fd, SHUT_WR) != 0)
				give_up("shutdown");
		}
		if (poller.revents & (POLLIN | POLLHUP | POLLERR))
			open = receive_chunk(fd, connection, &received);
	}
	if (received != length) {
		fprintf(stderr, "storm: connection %u ends after %zu of %zu bytes\n", connection, received, length);
		exit(1);
	}
	close(fd);
}

static int call(const struct sockaddr_in *place, uint32_t count, uint32_t parallel, uint64_t seed)
{
	int failed = 0, status;

	for (uint32_t worker = 0; worker < parallel; worker++) {
		pid_t pid = fork();

		if (pid < 0)
			give_up("fork");
		if (pid)
			continue;
		state = seed * UINT64_C(0x9e3779b97f4a7c15) + worker + 1;
		for (uint32_t i = worker; i < count; i += parallel)
			exchange(place, i);
		exit(0);
	}
	while (wait(&status) > 0)
		failed += status != 0;
	printf("%u connections, seed %llu, %d of %u processes failed\n", count, (unsigned long long)seed, failed, parallel);
	return failed != 0;
}

static void send_back(int fd)
{
	unsigned char chunk[CHUNK];
	ssize_t n;

	while ((n = recv(fd, chunk, 1 + below(CHUNK), 0)) > 0) {
		if (below(16) == 0)
			usleep((useconds_t)below(3000));
		for (ssize_t done = 0; done < n;) {
			ssize_t sent = send(fd, chunk + done, 1 + below((size_t)(n - done)), MSG_NOSIGNAL);

			if (sent < 0)
				give_up("sending back");
			done += sent;
		}
	}
	if (n < 0)
		give_up("receiving");
}

static int serve(const struct sockaddr_in *place)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	signal(SIGCHLD, SIG_IGN);
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(listener, (const struct sockaddr *)place, sizeof(*place)) != 0 || listen(listener, 128) != 0)
		give_up("listening");
	for (uint64_t number = 1;; number++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			give_up("accepting");
		switch (fork()) {
		case -1:
			give_up("fork");
		case 0:
			state = number * UINT64_C(0x9e3779b97f4a7c15);
			send_back(fd);
			exit(0);
		default:
			close(fd);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in place = {.sin_family = AF_INET};

	if (argc >= 4 && inet_pton(AF_INET, argv[2], &place.sin_addr) == 1) {
		place.sin_port = htons((uint16_t)atoi(argv[3]));
		if (argc == 4 && strcmp(argv[1], "serve") == 0)
			return serve(&place);
		if ((argc == 6 || argc == 7) && strcmp(argv[1], "call") == 0)
			return call(&place, (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]),
				    argc == 7 ? strtoull(argv[6], NULL, 10) : 1);
	}
	fprintf(stderr, "usage: storm serve ADDRESS PORT | storm call ADDRESS PORT COUNT PARALLEL [SEED]\n");
	return 2;
}
