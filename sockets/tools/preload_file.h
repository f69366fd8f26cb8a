/* /etc/ld.so.preload: libraries that the loader gives to every program of the system. */
#ifndef PRELOAD_FILE_H
#define PRELOAD_FILE_H

#include <stdbool.h>

/* Whether the text names a library of this file name, in any folder. */
bool preload_has(const char *text, const char *name);

/*
 * The text without libraries of the file name that `library` has, and with `library` at the end if `add`; all else as
 * it was. Allocated; NULL without memory.
 */
char *preload_change(const char *text, const char *library, bool add);

/* Reads a file; "" if there is none, NULL with errno set. Allocated. */
char *preload_read(const char *path);

/* Replaces the file at once, readable by all; an empty text removes it. 0, or -1 with errno set. */
int preload_write(const char *path, const char *text);

#endif
