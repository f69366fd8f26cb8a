/*
 * The gate: how far a drive may go for now, and which of its steps are not needed. Somebody who looks at the samples
 * meanwhile decides that, and replaces the file as a whole:
 *
 *   v4v-bench-gate 1
 *   until 534          the first so many steps of the plan may run
 *   skip 491           the step with this id is not measured; one a line, in the plan's order
 *
 * A drive reads it when it starts and whenever it has done all steps that may run.
 */
#ifndef V4V_BENCH_GATE_H
#define V4V_BENCH_GATE_H

#include "plan.h"

struct gate {
	const char *path;
	uint32_t wait_ms; /* how long a closed gate is waited for */
	size_t until;
	bool *skip; /* one for each step of the plan */
};

/* Reads the file. On failure the error reads `path:line: what is wrong`, and the gate is as it was. */
bool gate_read(struct gate *gate, const struct plan *plan, struct error *error);

/*
 * Waits until more than `done` steps may run. False when a signal asked to stop (the error is empty then), when the
 * file is wrong, or when nobody opened the gate in time.
 */
bool gate_wait(struct gate *gate, const struct plan *plan, size_t done, struct error *error);

void gate_free(struct gate *gate);

#endif
