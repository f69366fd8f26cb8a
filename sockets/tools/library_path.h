#ifndef LIBRARY_PATH_H
#define LIBRARY_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define LIBRARY "libv4vsockets.so"

/* The library that was installed with this program: PREFIX/bin/PROGRAM and PREFIX/lib, or all in one folder. */
bool library_path(char *path, size_t size);

#endif
