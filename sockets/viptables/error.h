/* Errors as one sentence for a person: a function returns false and leaves the reason here. */
#ifndef VIPTABLES_ERROR_H
#define VIPTABLES_ERROR_H

#include <stdbool.h>
#include <stddef.h>

struct error {
	char text[400]; /* NUL-terminated; longer reasons are cut */
};

/* Sets the text. Always returns false, so that `return error_set(...)` reads well. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A word as it can be shown: in quotes, cut after 40 bytes, with ? for what could move a cursor. */
struct shown {
	char text[48];
};
struct shown shown(const char *word);

#endif
