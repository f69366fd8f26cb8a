/* Notes for `v4vrun --explain`: what was asked for, one line a call. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "endpoint.h"

/* Names the file to which the lines are added; nothing is written without it. */
#define EXPLAIN_VARIABLE "V4V_EXPLAIN"

/* `what`: connect or listen. `outcome`: asked, excluded, or why the protocol could not be set. */
void explain(const char *what, int fd, const struct endpoint *end, const char *outcome);

#endif
