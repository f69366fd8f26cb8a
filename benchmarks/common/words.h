/* The `key=value key=value` words that the plan and the control lines are made of, and strict numbers. */
#ifndef BENCH_COMMON_WORDS_H
#define BENCH_COMMON_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* A field that takes the rest of the line, spaces and all; NO_REST when there is none. */
#define NO_REST ((size_t)-1)

/* Cuts the next word off at a single space, in place. NULL at the end of the text; "" between two spaces. */
char *word_cut(char **cursor);

/*
 * Reads words of the form key=value, each key of `keys` exactly once and in any order, into `values` (same index).
 * The text is cut in place and must outlive the values. keys[rest], if any, must come last.
 * False names the word: not key=value, unknown, twice, empty or missing.
 */
bool fields_parse(char *text, const char *const keys[], size_t count, size_t rest, char *values[],
		  struct error *error);

/* Decimal digits only, no sign, no space, within min..max. */
bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *number);

/* `number_parse` for a field: false says `key=value is not a whole number from min to max`. */
bool number_field(const char *key, const char *text, uint64_t min, uint64_t max, uint64_t *number,
		  struct error *error);

/* 2 * count lower-case hex digits and nothing else. */
bool hex_parse(const char *text, uint8_t *bytes, size_t count);

/* Writes 2 * count digits and a NUL. */
void hex_format(char *text, const uint8_t *bytes, size_t count);

/* Length in bytes (1 to 4) of the UTF-8 character at `text`, 0 if the bytes there are no valid one. */
size_t utf8_length(const char *text, size_t available);

#endif
