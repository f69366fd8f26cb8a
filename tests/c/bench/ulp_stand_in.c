/*
 * An LD_PRELOAD library that plays the module's part in TCP sockets that ask for V4V: the option TCP_ULP, the table of
 * connections and the list of peers. The bytes go by TCP as ever; it checks how v4v-bench runs under v4vrun and what it
 * makes of the module's counters, not the module.
 *
 * ULP_STAND_IN=moved  every connection has moved, and all its bytes are counted as the ring's
 *              stays  connections stay on TCP: the other domain refuses
 *              slips  they have moved, but one send in four is TCP's
 *              nobodys  the far end is no peer: connections are TCP's, and no table has them; what is accepted does not ask
 * ULP_LOG              a file: the rows of a process that has ended, for others that ask for ended connections
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 1024

static bool asks[MOST], connected[MOST];
static uint64_t ring_tx[MOST], ring_rx[MOST], tcp_tx[MOST];
/* Noted while the connection is there: one that is over has no far end. */
static struct sockaddr_in ends[MOST][2];
static unsigned sends;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool is_asking(int fd)
{
	return fd >= 0 && fd < MOST && asks[fd];
}

static bool plays(const char *part)
{
	const char *played = getenv("ULP_STAND_IN");

	return played && strcmp(played, part) == 0;
}

static void note_ends(int fd)
{
	socklen_t length = sizeof(ends[fd][0]);

	getsockname(fd, (struct sockaddr *)&ends[fd][0], &length);
	length = sizeof(ends[fd][1]);
	getpeername(fd, (struct sockaddr *)&ends[fd][1], &length);
}

static void begin(int fd, bool is_connection)
{
	if (fd < 0 || fd >= MOST)
		return;
	asks[fd] = true;
	connected[fd] = is_connection;
	ring_tx[fd] = ring_rx[fd] = tcp_tx[fd] = 0;
	if (is_connection)
		note_ends(fd);
}

int socket(int domain, int type, int protocol)
{
	int fd = REAL(socket)(domain, type, protocol);

	if (fd >= 0 && fd < MOST)
		asks[fd] = connected[fd] = false;
	return fd;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	if (level != IPPROTO_TCP || option != TCP_ULP)
		return REAL(setsockopt)(fd, level, option, value, length);
	if (length != 3 || memcmp(value, "v4v", 3) != 0) {
		errno = ENOENT;
		return -1;
	}
	begin(fd, false);
	return 0;
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
	if (level != IPPROTO_TCP || option != TCP_ULP || !is_asking(fd))
		return REAL(getsockopt)(fd, level, option, value, length);
	memcpy(value, "v4v", 4);
	*length = 4;
	return 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	int result = REAL(connect)(fd, address, length);

	if (result == 0 && is_asking(fd) && !plays("nobodys"))
		begin(fd, true);
	return result;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	int accepted = REAL(accept4)(fd, address, length, flags);

	if (accepted >= 0 && is_asking(fd) && !plays("nobodys"))
		begin(accepted, true);
	return accepted;
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
	ssize_t sent = REAL(send)(fd, bytes, length, flags);

	if (sent > 0 && is_asking(fd))
		*(plays("slips") && ++sends % 4 == 0 ? &tcp_tx[fd] : &ring_tx[fd]) += (uint64_t)sent;
	return sent;
}

ssize_t recv(int fd, void *bytes, size_t length, int flags)
{
	ssize_t received = REAL(recv)(fd, bytes, length, flags);

	if (received > 0 && is_asking(fd))
		ring_rx[fd] += (uint64_t)received;
	return received;
}

static void print_end(FILE *file, const struct sockaddr_in *in)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	fprintf(file, "%s:%u ", text, ntohs(in->sin_port));
}

/* The columns are those of kernel/linux/moves.c. */
static void print_head(FILE *file)
{
	fputs("cookie role local remote cid state reason tx_bytes tx_messages rx_bytes rx_messages tx_waits rx_waits events "
	      "tcp_tx_bytes tcp_rx_bytes\n", file);
}

static void print_sockets(FILE *file)
{
	for (int fd = 0; fd < MOST; fd++) {
		if (!asks[fd] || !connected[fd])
			continue;
		fputs("0 connected ", file);
		print_end(file, &ends[fd][0]);
		print_end(file, &ends[fd][1]);
		fprintf(file, "4 %s %llu 0 %llu 0 0 0 0 %llu 0\n", plays("stays") ? "stays refused" : "moved -",
			(unsigned long long)ring_tx[fd], (unsigned long long)ring_rx[fd],
			(unsigned long long)tcp_tx[fd]);
	}
}

__attribute__((destructor)) static void log_ended(void)
{
	const char *path = getenv("ULP_LOG");
	FILE *file = path ? REAL(fopen)(path, "ae") : NULL;

	if (!file)
		return;
	print_sockets(file);
	fclose(file);
}

static void print_ended(FILE *file)
{
	const char *path = getenv("ULP_LOG");
	FILE *log = path ? REAL(fopen)(path, "re") : NULL;
	char line[512];

	while (log && fgets(line, sizeof(line), log))
		fputs(line, file);
	if (log)
		fclose(log);
}

/* NULL for a file that is not played. */
static FILE *play(const char *path)
{
	int fd;
	FILE *file;

	if (strncmp(path, "/proc/v4v/", 10) != 0)
		return NULL;
	fd = memfd_create("stand-in", 0);
	file = fdopen(fd, "r+");
	if (strcmp(path, "/proc/v4v/peers") != 0)
		print_head(file);
	if (strcmp(path, "/proc/v4v/sockets") == 0)
		print_sockets(file);
	else if (strcmp(path, "/proc/v4v/sockets_ended") == 0)
		print_ended(file);
	else
		fprintf(file, "cid domid address\n4 2 %s\n", getenv("ULP_PEER"));
	fflush(file);
	lseek(fd, 0, SEEK_SET);
	return file;
}

/* The library looks here before it asks for the protocol. */
int access(const char *path, int mode)
{
	return strcmp(path, "/sys/module/v4v") == 0 ? 0 : REAL(access)(path, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *played = play(path);

	return played ? played : REAL(fopen)(path, mode);
}

int open(const char *path, int flags, ...)
{
	FILE *played = play(path);
	va_list arguments;
	mode_t mode;

	if (played)
		return fileno(played);
	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return REAL(open)(path, flags, mode);
}
