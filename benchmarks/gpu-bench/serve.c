#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"
#include "io.h"
#include "socket_wire.h"

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
	*memory = (struct memory){.bytes = calloc(1, size), .size = size};
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

bool serve(const char *where, struct error *error)
{
	const pid_t self = getpid();
	struct sockaddr_in address;
	const int on = 1;
	int listener;

	if (!socket_address(where, &address, error))
		return false;
	listener = socket_new(error);
	if (listener < 0)
		return false;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0)
		return error_errno(error, "bind");
	if (listen(listener, 16) != 0)
		return error_errno(error, "listen");
	/* Nobody waits for the processes of connections that are over. */
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		const int fd = accept(listener, NULL, NULL);
		pid_t pid;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return error_errno(error, "accept");
		pid = fork();
		if (pid == 0) {
			close(listener);
			connection(fd, self);
		}
		close(fd);
		if (pid < 0)
			return error_errno(error, "fork");
	}
}
