/* What `v4vrun --explain` says at the end. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

/* Joins the library's notes (`notes`, a file's name) with what the module knows, a line each. */
void report(const char *notes, FILE *out);

#endif
