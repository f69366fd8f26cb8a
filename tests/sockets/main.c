/*
 * behave: plays behaviours of TCP sockets between two domains and prints the transcript of both ends.
 *   behave serve ADDRESS PORT [OPTION...] once; listens on PORT and PORT + 1
 *   behave call ADDRESS PORT [OPTION...]  prints the transcript
 *     --vsock CID  (both ends) connections under test are AF_VSOCK's, to the server's CID; what AF_VSOCK has not is left
 *                  out
 *     --settle     bytes go to and fro on each connection first, so that it has moved if it will
 *     --only NAME  behaviours whose name holds NAME
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "side.h"

static const struct behaviour *const tables[] = {bytes_behaviours, wait_behaviours, end_behaviours, connect_behaviours,
						 option_behaviours, process_behaviours, listen_behaviours, begin_behaviours,
						 message_behaviours};

/* How often a byte goes to and fro to settle a connection, and the pause between two, us. */
#define SETTLE_ROUNDS 30
#define SETTLE_PAUSE 5000

static int listen_on(const struct side *side, uint16_t port)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(side->address)}};
	struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
	int fd = new_socket(side, SOCK_CLOEXEC), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (side->cid ? bind(fd, (struct sockaddr *)&vm, sizeof(vm)) : bind(fd, (struct sockaddr *)&own, sizeof(own))) != 0 ||
	    listen(fd, 64) != 0)
		give_up("listening");
	return fd;
}

static void settle(struct side *side)
{
	char byte = 's';

	for (int i = 0; i < SETTLE_ROUNDS; i++) {
		if (side->server) {
			receive_all(side->fd, &byte, 1);
			send_all(side->fd, &byte, 1);
		} else {
			send_all(side->fd, &byte, 1);
			receive_all(side->fd, &byte, 1);
			usleep(SETTLE_PAUSE);
		}
	}
}

static void play(struct side *side, const struct behaviour *behaviour, bool settled)
{
	side->length = 0;
	side->fd = -1;
	alarm(120);
	if (!behaviour->alone) {
		side->fd = side->server ? answer(side) : dial(side);
		if (settled)
			settle(side);
	}
	meet(side);
	behaviour->play(side);
	if (side->fd >= 0)
		close(side->fd);
	signal(SIGPIPE, SIG_DFL);
	meet(side);
	alarm(0);
}

/* The server's lines come to the client, who prints both. */
static void report(struct side *side, const struct behaviour *behaviour)
{
	uint32_t length = (uint32_t)side->length;

	if (side->server) {
		send_all(side->control, &length, sizeof(length));
		send_all(side->control, side->transcript, length);
		return;
	}
	printf("%s\n%.*s", behaviour->name, (int)side->length, side->length ? side->transcript : "");
	receive_all(side->control, &length, sizeof(length));
	side->transcript = realloc(side->transcript, length + 1);
	receive_all(side->control, side->transcript, length);
	printf("%.*s", (int)length, side->transcript);
	fflush(stdout);
}

static void hangs(int number)
{
	static const char words[] = "behave: this behaviour hangs: ";

	(void)number;
	if (playing && write(2, words, sizeof(words) - 1) > 0 && write(2, playing, strlen(playing)) > 0 &&
	    write(2, "\n", 1) > 0)
		_exit(4);
	_exit(4);
}

int main(int argc, char **argv)
{
	struct side side = {.fd = -1, .listener = -1}, control;
	const char *only = "";
	struct in_addr address;
	uint32_t settled = 0;
	int on = 1;

	if (argc < 4 || (strcmp(argv[1], "serve") != 0 && strcmp(argv[1], "call") != 0) ||
	    inet_pton(AF_INET, argv[2], &address) != 1) {
		fprintf(stderr, "usage: behave serve|call ADDRESS PORT [--vsock CID] [--settle] [--only NAME]\n");
		return 2;
	}
	side.server = strcmp(argv[1], "serve") == 0;
	side.address = ntohl(address.s_addr);
	side.port = (uint16_t)atoi(argv[3]);
	for (int i = 4; i < argc; i++) {
		if (strcmp(argv[i], "--settle") == 0)
			settled = 1;
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			only = argv[++i];
		else if (strcmp(argv[i], "--vsock") == 0 && i + 1 < argc)
			side.cid = (uint32_t)strtoul(argv[++i], NULL, 10);
	}
	signal(SIGALRM, hangs);
	/* The control connection is always TCP's. */
	control = side;
	control.cid = 0;
	if (side.server) {
		int listener = listen_on(&control, side.port);

		side.listener = listen_on(&side, (uint16_t)(side.port + 1));
		side.control = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		close(listener);
		if (side.control < 0)
			give_up("accepting the client");
	} else {
		control.port--;
		side.control = dial(&control);
	}
	setsockopt(side.control, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (side.server)
		receive_all(side.control, &settled, sizeof(settled));
	else
		send_all(side.control, &settled, sizeof(settled));
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct behaviour *current = tables[t]; current->name; current++) {
			uint8_t wanted = strstr(current->name, only) != NULL && (!side.cid || goes_over_vsock(current));

			playing = current->name;
			/* The client's choice. */
			if (side.server)
				receive_all(side.control, &wanted, 1);
			else
				send_all(side.control, &wanted, 1);
			if (!wanted)
				continue;
			play(&side, current, settled);
			report(&side, current);
		}
	return 0;
}
