#include "lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

ssize_t lines_fill(struct lines *lines, int fd)
{
	ssize_t bytes;

	memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	if (lines->end == sizeof(lines->buffer)) {
		errno = ENOBUFS;
		return -1;
	}
	do {
		bytes = read(fd, lines->buffer + lines->end, sizeof(lines->buffer) - lines->end);
	} while (bytes < 0 && errno == EINTR);
	if (bytes > 0)
		lines->end += (size_t)bytes;
	return bytes;
}

char *lines_next(struct lines *lines)
{
	char *line = lines->buffer + lines->start;
	char *newline = memchr(line, '\n', lines->end - lines->start);

	if (!newline)
		return NULL;
	*newline = '\0';
	lines->start = (size_t)(newline + 1 - lines->buffer);
	return line;
}
