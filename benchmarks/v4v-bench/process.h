/* Child processes with pipes on stdin, stdout and stderr, started without a shell, ended within bounded time. */
#ifndef V4V_BENCH_PROCESS_H
#define V4V_BENCH_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

struct process {
	pid_t pid;        /* leader of a process group of its own */
	int in, out, err; /* our ends, non-blocking, closed on exec */
};

/* Splits a command at single spaces into an argv of its own (one allocation, free() it). NULL when it is empty. */
char **process_argv(const char *command);

/* Starts argv (searched in PATH) with signals at their defaults. False with a reason, e.g. the program is missing. */
bool process_start(struct process *process, char *const argv[], struct error *error);

/*
 * Waits until a child of this process has ended, without reaping it: until then its number, and its group's, belong to
 * nobody else. False at the deadline.
 */
bool process_ended(pid_t pid, uint64_t deadline_ns);

/*
 * Closes the pipes, gives the process `grace_ms` to exit, then kills its whole group. `how` (of `size` bytes) tells
 * its end: "exited with status 255", "was killed by signal 9 (Killed)", "did not exit and was killed".
 * True when it exited with status 0 in time.
 */
bool process_end(struct process *process, uint32_t grace_ms, char *how, size_t size);

#endif
