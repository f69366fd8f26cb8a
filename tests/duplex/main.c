/*
 * duplex: one end of a connection that is busy both ways.
 *   duplex listen|connect stream|seqpacket|tcp CID|ADDRESS PORT STATUS
 * Sends without end and checks each byte that comes, and with seqpacket the bounds of each record. SIGUSR1: reads no
 * more; SIGUSR2: reads on; SIGTERM: sends no more, and ends with a line once the other end has ended, too. STATUS is a
 * file that says all the time how many bytes were sent and received.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "content.h"

/* Pause between two looks, us. */
#define TICK 50000
/* How often the listener is asked for, once a tick. */
#define ATTEMPTS 600

static int connection = -1;
/* Which direction this end sends in; it receives the other. */
static unsigned int own_way;
static bool records;
static volatile sig_atomic_t reading = 1, ending;
static _Atomic uint64_t sent, received;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "duplex: %s: %s\n", what, strerror(errno));
	exit(3);
}

static _Noreturn void wrong(const char *what, uint64_t position)
{
	fprintf(stderr, "duplex: %s at position %llu\n", what, (unsigned long long)position);
	exit(4);
}

static void told(int number)
{
	if (number == SIGTERM)
		ending = 1;
	else
		reading = number == SIGUSR2;
}

/* Sends a piece; a stream may take less than all of it. */
static void send_piece(const void *bytes, size_t length)
{
	ssize_t n = send(connection, bytes, length, MSG_NOSIGNAL);

	if (n < 0)
		give_up("sending");
	if (records && (size_t)n != length)
		wrong("a record was sent in part", sent);
	sent += (uint64_t)n;
}

static void *writer(void *unused)
{
	static struct content content;

	for (uint64_t number = 0; !ending; number++) {
		size_t length = records ? record_length(own_way, number) : MOST_BYTES;

		send_piece(content_at(&content, own_way, sent, length), length);
	}
	if (shutdown(connection, SHUT_WR) != 0)
		give_up("shutdown");
	return unused;
}

/* Until the other end has ended. */
static void reader(void)
{
	static char bytes[MOST_BYTES + 1];
	static struct content content;
	unsigned int way = !own_way;

	for (uint64_t number = 0;;) {
		ssize_t n;

		if (!reading) {
			usleep(TICK);
			continue;
		}
		n = recv(connection, bytes, sizeof(bytes) - !records, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			give_up("receiving");
		if (n == 0)
			return;
		if (records && (size_t)n != record_length(way, number++))
			wrong("a record of another length", received);
		if (memcmp(bytes, content_at(&content, way, received, (size_t)n), (size_t)n) != 0)
			wrong("wrong bytes", received);
		received += (uint64_t)n;
	}
}

static void *reporter(void *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	for (;; usleep(TICK)) {
		char line[48];
		int n = snprintf(line, sizeof(line), "%20llu %20llu\n", (unsigned long long)sent, (unsigned long long)received);

		if (fd < 0 || pwrite(fd, line, (size_t)n, 0) != n)
			give_up(path);
	}
}

static void begin(pthread_t *thread, void *(*run)(void *), void *argument)
{
	if (pthread_create(thread, NULL, run, argument) != 0)
		give_up("a thread");
}

union place {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_vm vm;
};

static socklen_t find_place(union place *place, bool tcp, const char *host, const char *port)
{
	memset(place, 0, sizeof(*place));
	if (!tcp) {
		place->vm.svm_family = AF_VSOCK;
		place->vm.svm_cid = (unsigned int)strtoul(host, NULL, 10);
		place->vm.svm_port = (unsigned int)strtoul(port, NULL, 10);
		return sizeof(place->vm);
	}
	place->in.sin_family = AF_INET;
	place->in.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (inet_pton(AF_INET, host, &place->in.sin_addr) != 1)
		give_up(host);
	return sizeof(place->in);
}

static int answer(const union place *place, socklen_t length, int type)
{
	int listener = socket(place->any.sa_family, type, 0), on = 1, fd;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (listener < 0 || bind(listener, &place->any, length) != 0 || listen(listener, 1) != 0)
		give_up("listening");
	fd = accept(listener, NULL, NULL);
	close(listener);
	return fd;
}

static int dial(const union place *place, socklen_t length, int type)
{
	for (int i = 0; i < ATTEMPTS; i++, usleep(TICK)) {
		int fd = socket(place->any.sa_family, type, 0);

		if (fd < 0 || connect(fd, &place->any, length) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

static void listen_to_signals(void)
{
	/* A call that a signal interrupts is not begun anew: it is to be heard at once. */
	struct sigaction action = {.sa_handler = told};

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int main(int argc, char **argv)
{
	sigset_t signals, none;
	pthread_t status, writing;
	union place place;
	socklen_t length;
	int type;

	if (argc != 6) {
		fprintf(stderr, "usage: duplex listen|connect stream|seqpacket|tcp CID|ADDRESS PORT STATUS\n");
		return 2;
	}
	own_way = strcmp(argv[1], "listen") == 0;
	records = strcmp(argv[2], "seqpacket") == 0;
	type = records ? SOCK_SEQPACKET : SOCK_STREAM;
	length = find_place(&place, strcmp(argv[2], "tcp") == 0, argv[3], argv[4]);
	connection = own_way ? answer(&place, length, type) : dial(&place, length, type);
	if (connection < 0)
		give_up("connecting");

	listen_to_signals();
	/* The reader's thread hears them; a sender is not to be helped out of a call. */
	sigfillset(&signals);
	sigemptyset(&none);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	begin(&status, reporter, argv[5]);
	begin(&writing, writer, NULL);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	reader();
	pthread_join(writing, NULL);
	printf("sent %llu received %llu\n", (unsigned long long)sent, (unsigned long long)received);
	return 0;
}
