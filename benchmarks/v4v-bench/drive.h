/* The drive: runs a plan from dom0 over the agents of all its domains and writes the samples file. */
#ifndef V4V_BENCH_DRIVE_H
#define V4V_BENCH_DRIVE_H

#include <stdint.h>

struct drive_options {
	const char *plan_path;
	const char *samples_path;
	const char *cpu_command;  /* NULL for none */
	uint32_t step_timeout_ms; /* 0 for the default */
	const char *gate_path;    /* NULL for none: the whole plan runs; see gate.h */
	uint32_t gate_wait_ms;
};

/* Returns the program's exit code; reasons go to stderr. */
int drive_main(const struct drive_options *options);

/* Parses the plan only and says what is in it. */
int check_main(const char *plan_path);

#endif
