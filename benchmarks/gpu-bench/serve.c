#include "serve.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "device.h"
#include "io.h"
#include "memory.h"
#include "socket_wire.h"

/* Between a shortage and the next try. */
#define PAUSE_MS 100u

/* Of silence, before a client's kernel is asked whether it is still there. */
#define SILENCE_S 60

struct memory {
	uint8_t *bytes;
	uint64_t size;
};

static bool done(int fd, uint8_t status)
{
	return send_all(fd, &status, 1);
}

static bool allocate(int fd, struct memory *memory, uint64_t size)
{
	free(memory->bytes);
	*memory = (struct memory){.bytes = NULL, .size = size};
	/* What calloc() gives beyond what there is ends somebody's process when it is touched. */
	if (size <= memory_available())
		memory->bytes = calloc(1, size);
	if (!memory->bytes)
		return done(fd, ENOMEM);
	/* The first transfer is not the one that waits for the pages. */
	memset(memory->bytes, 0xff, size);
	return done(fd, 0);
}

/* Takes what was announced and has no place. */
static bool discard(int fd, uint64_t size)
{
	uint8_t piece[4096];

	while (size) {
		const size_t next = size < sizeof(piece) ? (size_t)size : sizeof(piece);

		if (receive_all(fd, piece, next) != (ssize_t)next)
			return false;
		size -= next;
	}
	return true;
}

/* False when the connection is over. */
static bool request(int fd, struct memory memories[BUFFERS])
{
	struct socket_request asked;
	struct memory *memory;
	bool fits;

	if (receive_all(fd, &asked, sizeof(asked)) != (ssize_t)sizeof(asked) || asked.size > MAX_TRANSFER || !asked.size)
		return false;
	memory = asked.buffer < BUFFERS ? &memories[asked.buffer] : NULL;
	fits = memory && memory->bytes && asked.size <= memory->size;
	switch (asked.what) {
	case SOCKET_ALLOCATE:
		return memory ? allocate(fd, memory, asked.size) : done(fd, EINVAL);
	case SOCKET_CLEAR:
		if (fits)
			memset(memory->bytes, 0, asked.size);
		return done(fd, fits ? 0 : EINVAL);
	case SOCKET_WRITE:
		if (!fits)
			return discard(fd, asked.size) && done(fd, EINVAL);
		return receive_all(fd, memory->bytes, asked.size) == (ssize_t)asked.size && done(fd, 0);
	case SOCKET_READ:
		return fits && send_all(fd, memory->bytes, asked.size);
	}
	return false;
}

static _Noreturn void connection(int fd, pid_t parent)
{
	struct memory memories[BUFFERS] = {{NULL, 0}};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILED);
	while (request(fd, memories))
		;
	_exit(EXIT_OK);
}

/* Of memory, descriptors or processes: connections that end make room. */
static bool shortage(int code)
{
	return code == EAGAIN || code == ENOMEM || code == ENOBUFS || code == EMFILE || code == ENFILE;
}

/* Takes the next connection and gives it its process. False with the errno of what failed. */
static bool next_connection(int listener, pid_t self, const char **what)
{
	const int fd = accept(listener, NULL, NULL);
	int code;
	pid_t pid;

	*what = "accept";
	if (fd < 0)
		return false;
	*what = "fork";
	pid = fork();
	if (pid == 0) {
		close(listener);
		connection(fd, self);
	}
	code = errno;
	close(fd);
	errno = code;
	return pid > 0;
}

bool serve(const char *where, struct error *error)
{
	const pid_t self = getpid();
	struct sockaddr_in address;
	const int on = 1, silence_s = SILENCE_S;
	int listener;

	if (!socket_address(where, &address, error))
		return false;
	listener = socket_new(error);
	if (listener < 0)
		return false;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Connections have these from their listener. A client whose machine is gone does not keep its memory here. */
	setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(listener, IPPROTO_TCP, TCP_KEEPIDLE, &silence_s, sizeof(silence_s));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0)
		return error_errno(error, "bind");
	if (listen(listener, 16) != 0)
		return error_errno(error, "listen");
	/* Nobody waits for the processes of connections that are over. */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		const char *what;

		if (next_connection(listener, self, &what) || errno == EINTR || errno == ECONNABORTED)
			continue;
		if (!shortage(errno))
			return error_errno(error, what);
		sleep_until(deadline_in_ms(PAUSE_MS));
	}
}
