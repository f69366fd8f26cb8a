/* The program, from words to exit code. */
#ifndef VIPTABLES_RUN_H
#define VIPTABLES_RUN_H

#include <stdio.h>

#include "error.h"

/* Done; the system or the hypervisor refuses; the words or the file make no sense; there is no V4V to rule. */
enum exit_code { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_ABSENT = 3 };

/* Words without the program's name. */
int run(int count, const char *const words[], FILE *out, FILE *err);

/* One at a time from reading names to changing rules; false if another one does not come to its end. */
bool lock_take(struct error *error);

#endif
