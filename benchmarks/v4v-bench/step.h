/*
 * One step of the plan, run over the links to its agents: listen, connect and warm up, start together, wait in
 * silence, verify, collect.
 */
#ifndef V4V_BENCH_STEP_H
#define V4V_BENCH_STEP_H

#include "cpu.h"
#include "link.h"
#include "plan.h"
#include "way.h"

enum role_state { ROLE_UNSENT, ROLE_SENT, ROLE_READY, ROLE_TIMED, ROLE_DONE, ROLE_FAILED };

/* What one pair gave. */
struct pair_result {
	struct link *client, *server;
	enum role_state client_state, server_state;
	uint32_t port; /* where the server listens */
	bool ok;
	struct error error;      /* when not ok */
	uint32_t sndbuf, rcvbuf; /* bytes, at the client */
	uint64_t start_ns;       /* the client's clock */
	uint64_t wall_ns;        /* the client's timed window */
	uint64_t *rtt_ns;        /* pingpong: freed by step_free */
	uint32_t rtt_count, rtt_allocated, round_trips;
	uint64_t messages, sent_checksum;             /* stream, client */
	uint64_t bytes, stream_ns, received_checksum; /* stream, server */
	uint64_t figure_milli, payload;               /* program, client: in thousandths of its unit; bytes at least */
	char version[64], command[256];               /* program, client */
	bool has_way, has_net;
	struct way way; /* under v4vrun and programs, client: over the timed window */
	struct net_bytes net; /* programs, client */
};

struct step_result {
	const struct plan *plan;
	const struct plan_step *step;
	struct pair_result *pairs; /* step->pair_count of them */
	size_t pairs_ok;
	bool has_cpu;
	struct cpu_times cpu; /* used over the timed window */
	struct error cpu_error; /* "" unless the command failed */
};

struct step_options {
	uint32_t timeout_ms;      /* the longest that a step may take, 0 for budget + allowance, at most a minute */
	char *const *cpu_command; /* argv or NULL */
};

/* Runs a step to its end: every pair's result is ok or says why not. False when a signal asked to stop. */
bool step_run(struct link links[], const struct plan *plan, const struct plan_step *step,
	      const struct step_options *options, struct step_result *result);

void step_free(struct step_result *result);

#endif
