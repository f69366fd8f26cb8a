/* Lines read from a descriptor into a fixed buffer: what the other side sends can never make it grow. */
#ifndef V4V_BENCH_LINES_H
#define V4V_BENCH_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LINES_CAPACITY 4096u /* bytes of the longest line, newline included */

struct lines {
	char buffer[LINES_CAPACITY];
	size_t start, end; /* the bytes not yet handed out */
};

/* One read(). Bytes read, 0 at end of file, -1 with errno (ENOBUFS: a line is longer than LINES_CAPACITY). */
ssize_t lines_fill(struct lines *lines, int fd);

/* The next complete line without its newline, NUL-terminated, valid until the next call; NULL when there is none. */
char *lines_next(struct lines *lines);

#endif
