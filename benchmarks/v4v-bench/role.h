/*
 * A role: one end of a pair, in a process of its own that an agent forks, so that the timed loop runs alone with
 * blocking sockets and a failure stays in its pair.
 */
#ifndef V4V_BENCH_ROLE_H
#define V4V_BENCH_ROLE_H

#include <sys/types.h>

#include "connection.h"
#include "error.h"
#include "protocol.h"
#include "way.h"

struct role {
	struct role_spec spec;
	int control;          /* from the agent: 8 bytes per message, see role_await */
	int report;           /* to the agent: lines of protocol.h */
	uint64_t deadline_ns; /* everything is over by then, at the latest by a signal */
	struct way *before;   /* under v4vrun, client: the connection's counters when the window opened */
};

/*
 * Runs the role to its end in the calling process, which `agent` forked: reports `done` or `failed` and exits. The
 * process does not outlive its agent.
 */
_Noreturn void role_main(const struct role_spec *spec, pid_t agent, int control, int report);

/*
 * `v4v-bench role CONTROL REPORT SPEC`: a role whose transport needs a process under v4vrun goes on in there. The
 * numbers are its descriptors, SPEC is what follows "role " in the agent's line. Returns only if these make no sense.
 */
int role_resume(int argc, char **argv);

/* Reports one line (the newline is added). False when the agent is gone. */
bool role_report(const struct role *role, struct error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Client: reports what was timed one by one (ns), in as many `rtt` lines as it takes. */
bool role_report_times(const struct role *role, const uint64_t *ns, uint32_t count, struct error *error);

/* Waits for the next message of the agent: for a client first the moment to start (ns), then anything for `finish`. */
bool role_await(const struct role *role, uint64_t *message, struct error *error);

/* Client: reports `warm` with the connection's buffers (NULL: there is none), then sleeps until the common start. */
bool role_barrier(const struct role *role, const struct connection *connection, struct error *error);

/* Client: reports what went by ring and TCP between two readings. */
bool role_report_way(const struct role *role, const struct way *before, const struct way *after, struct error *error);

/* Client, under v4vrun: reports what went by ring and TCP since the start of the window. Nothing to do for others. */
bool role_way(const struct role *role, const struct connection *connection, struct error *error);

/* Client: keeps silent while other pairs are still timed, reports `timed`, then waits for `finish`. */
bool role_window_over(const struct role *role, uint64_t start_ns, struct error *error);

#endif
