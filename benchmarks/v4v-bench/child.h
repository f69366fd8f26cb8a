/* A program that a role runs: no shell, output into one pipe, killed with the role whichever way that ends. */
#ifndef V4V_BENCH_CHILD_H
#define V4V_BENCH_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

struct child {
	pid_t pid;
	int out; /* its stdout and stderr, non-blocking */
};

/* Starts a command, split at spaces. */
bool child_start(struct child *child, const char *command, struct error *error);

/*
 * Reads what it has written so far behind `length` bytes of text, which stays NUL-terminated; what does not fit is dropped.
 * False at the end of its output.
 */
bool child_read(const struct child *child, char *text, size_t size, size_t *length);

/* Kills it if it still runs. True if it had ended by itself, with status 0. */
bool child_end(struct child *child);

/* Runs a command to its end. False when it is late or fails, with the command and its own last words. */
bool child_run(const char *command, uint64_t deadline_ns, char *output, size_t size, struct error *error);

/* "COMMAND: the last thing that it said"; what has "error" in it says more than what comes last. */
bool child_blame(const char *command, const char *output, struct error *error);

#endif
