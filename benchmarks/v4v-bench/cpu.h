/*
 * CPU time of every domain, as the command given by --cpu-command tells it: one line `domid ns` per domain, total CPU
 * time since the domain's start. Called right before and right after a timed window.
 */
#ifndef V4V_BENCH_CPU_H
#define V4V_BENCH_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define CPU_MAX_DOMAINS 256u

struct cpu_times {
	uint64_t at_ns; /* when the reading was complete */
	size_t count;
	struct {
		uint32_t domid;
		uint64_t ns;
	} domains[CPU_MAX_DOMAINS];
};

/* Runs the command, at most until the deadline. False when it fails, says nothing or something else. */
bool cpu_read(char *const argv[], uint64_t deadline_ns, struct cpu_times *times, struct error *error);

/* What each domain used between two readings; domains that are not in both are left out. */
void cpu_difference(const struct cpu_times *before, const struct cpu_times *after, struct cpu_times *used);

#endif
