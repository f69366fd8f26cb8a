/*
 * stranger ADDRESS SECONDS: connects to everything that listens on the IPv4 address, again and again: with a wrong
 * token, with half of one, silently, and closing at once. Prints how many connections it made, then or on SIGTERM.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KEPT 40

static unsigned long made;
static int kept[KEPT];
static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static void bother(struct in_addr addr, unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr = addr};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	unsigned long turn = made % 4;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		return;
	}
	if (turn < 2)
		send(fd, "sixteen wrong ones", turn == 0 ? 16 : 7, MSG_NOSIGNAL);
	if (turn == 3) {
		close(fd);
	} else {
		if (kept[made % KEPT] > 0)
			close(kept[made % KEPT]);
		kept[made % KEPT] = fd;
	}
	made++;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc == 3 ? atoi(argv[2]) : 0);
	struct in_addr addr;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &addr) != 1)
		return 2;
	signal(SIGTERM, stop);
	while (!stopped && time(NULL) < end) {
		FILE *table = fopen("/proc/net/tcp", "r");
		char line[256];

		while (table && fgets(line, sizeof(line), table)) {
			unsigned local, port, state;

			if (sscanf(line, " %*d: %8X:%4X %*8X:%*4X %2X", &local, &port, &state) == 3 && state == 0x0a &&
			    local == addr.s_addr)
				bother(addr, port);
		}
		if (table)
			fclose(table);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	printf("%lu\n", made);
	return 0;
}
