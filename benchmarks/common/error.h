/* Errors as one sentence for a person: a function returns false (or -1) and leaves the reason here. */
#ifndef BENCH_COMMON_ERROR_H
#define BENCH_COMMON_ERROR_H

#include <stdbool.h>

struct error {
	char text[400]; /* NUL-terminated; longer reasons are cut */
};

/* Sets the text. Always returns false, so that `return error_set(...)` reads well. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets "what: <text of errno>"; time-outs of a socket read as such. Always returns false. */
bool error_errno(struct error *error, const char *what);

/* Prints "<program>: out of memory" and exits with 1: nothing here can go on without it. */
_Noreturn void out_of_memory(void);

#endif
