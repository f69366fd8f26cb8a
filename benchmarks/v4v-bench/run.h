/* A step while it runs: what step.c, run_lines.c (hearing the agents) and run_wait.c (waiting for them) share. */
#ifndef V4V_BENCH_RUN_H
#define V4V_BENCH_RUN_H

#include "link.h"
#include "step.h"

struct run {
	struct step_result *result;
	const struct plan_step *step;
	struct link *links[BENCH_MAX_DOMAINS]; /* of this step */
	size_t link_count;
	bool idle[BENCH_MAX_DOMAINS]; /* answered `abort`; same index */
	bool aborting;
	uint64_t deadline_ns;
	uint32_t limit_ms;
};

/* A stage of the step. It is over for a pair when both ends have come that far, or one of them failed. */
struct phase {
	const char *name; /* as in "not done with <name>" */
	enum role_state client, server;
};

/* Adds a reason to a pair's error: both ends' sides of a failure are told, the first one first. */
void pair_fail(struct pair_result *pair, const char *text);

/* Fails one end of a pair unless it is over already; the reason names the domain and the end. */
void role_fail(struct pair_result *pair, bool is_client, const char *text);

/* True if one end failed: of the pair, of any pair. */
bool pair_failed(const struct pair_result *pair);
bool any_failed(const struct run *run);

/* The link_handler of a step; `context` is its struct run. */
bool run_line(void *context, struct link *link, char *line, struct error *error);

/*
 * Waits until the phase is over for all pairs; at the step's deadline the late ends fail. False when a signal asked
 * to stop.
 */
bool wait_for_phase(struct run *run, const struct phase *phase);

/* Gives the other ends of failed pairs a moment: mostly they have something to say too, such as the cause. */
void wait_for_second_word(struct run *run);

/* Ends what still runs; an agent that does not confirm it is ended itself and started anew by the next step. */
void abort_roles(struct run *run);

#endif
