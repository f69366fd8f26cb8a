/* Shared libraries that are found at run time, so that the program builds and starts without them. */
#ifndef BENCH_COMMON_LIBRARY_H
#define BENCH_COMMON_LIBRARY_H

#include <stddef.h>

#include "error.h"

/*
 * Opens `path` if it is given, else the first of `names` (NULL-terminated) that the dynamic linker finds. NULL with a reason that
 * ends with `advice`. Never closed: such libraries start threads.
 */
void *library_open(const char *path, const char *const names[], const char *advice, struct error *error);

struct library_symbol {
	const char *name;
	size_t offset; /* of the function's pointer in the table */
};

/* Fills a table of function pointers. False names the function that is missing. */
bool library_functions(void *library, const struct library_symbol symbols[], size_t count, void *table,
		       struct error *error);

#endif
