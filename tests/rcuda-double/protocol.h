/* What the two ends of the double say to each other: a request, its bytes if it brings any; an answer, its bytes. */
#ifndef RCUDA_DOUBLE_PROTOCOL_H
#define RCUDA_DOUBLE_PROTOCOL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum op { OP_NAME, OP_MALLOC, OP_FREE, OP_MEMSET, OP_TO_DEVICE, OP_FROM_DEVICE, OP_PRODUCT };

/* Addresses are the server's own, as numbers. */
struct request {
	uint64_t op;
	uint64_t at, other, result;
	uint64_t bytes; /* that follow, that are asked for, or that an operation is about */
	uint64_t value; /* a byte to set, or a matrix's side */
};

struct answer {
	int64_t code;
	uint64_t value;
	uint64_t bytes; /* that follow */
};

enum { NAME_BYTES = 128, CODE_INVALID = 1, CODE_MEMORY = 2, CODE_GONE = 999 };

static inline bool send_whole(int fd, const void *from, size_t bytes)
{
	const char *at = from;

	while (bytes) {
		const ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		bytes -= (size_t)sent;
	}
	return true;
}

static inline bool receive_whole(int fd, void *to, size_t bytes)
{
	char *at = to;

	while (bytes) {
		const ssize_t got = recv(fd, at, bytes, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		bytes -= (size_t)got;
	}
	return true;
}

#endif
