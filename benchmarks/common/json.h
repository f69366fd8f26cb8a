/* A writer of JSON lines into a growing buffer. Commas are its own business; nesting is the caller's. */
#ifndef BENCH_COMMON_JSON_H
#define BENCH_COMMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *text; /* NUL-terminated once something was written */
	size_t length, allocated;
	bool comma; /* the next value or key needs one before it */
};

/* `open` is '{' or '[', `close` the one that fits. */
void json_open(struct json *json, char open);
void json_close(struct json *json, char close);

/* A key of an object; its value must follow. Keys are written like strings. */
void json_key(struct json *json, const char *key);

/*
 * Strings are taken as UTF-8: quotes, backslashes and control characters are escaped, bytes that are no UTF-8
 * become U+FFFD, so that the line is valid whatever an agent said.
 */
void json_string(struct json *json, const char *text);
void json_u64(struct json *json, uint64_t number);
/* A number of thousandths, written as a decimal fraction. */
void json_milli(struct json *json, uint64_t milli);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);

/* Ends the line. */
void json_newline(struct json *json);

/* Empties the buffer, keeps its memory. */
void json_reset(struct json *json);
void json_free(struct json *json);

#endif
