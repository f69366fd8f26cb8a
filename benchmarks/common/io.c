#include "io.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"

bool send_all(int fd, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;

	while (length) {
		ssize_t sent = send(fd, next, length, MSG_NOSIGNAL);

		if (sent < 0) {
			if (errno == EINTR)
				continue;
			return false;
		}
		next += sent;
		length -= (size_t)sent;
	}
	return true;
}

ssize_t receive_all(int fd, void *bytes, size_t length)
{
	uint8_t *buffer = bytes;
	size_t done = 0;

	while (done < length) {
		ssize_t received = recv(fd, buffer + done, length - done, 0);

		if (received == 0)
			break;
		if (received < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		done += (size_t)received;
	}
	return (ssize_t)done;
}

bool write_all(int fd, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;

	while (length) {
		ssize_t written = write(fd, next, length);

		if (written < 0) {
			if (errno == EINTR)
				continue;
			return false;
		}
		next += written;
		length -= (size_t)written;
	}
	return true;
}

void *buffer_new(size_t bytes)
{
	void *buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (buffer == MAP_FAILED)
		out_of_memory();
	/* Written, not only populated: a page that was only read may still be the shared zero page. */
	memset(buffer, 0xff, bytes);
	return buffer;
}
