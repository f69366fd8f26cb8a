/*
 * The drive's line to one domain's agent: the process that the plan's command starts, its greeting, its lines. An
 * agent runs in another domain and is believed only as far as its lines make sense.
 */
#ifndef V4V_BENCH_LINK_H
#define V4V_BENCH_LINK_H

#include "lines.h"
#include "plan.h"
#include "process.h"
#include "protocol.h"

#define LINK_MAX_FAILED_STARTS 5u /* in a row; after that the agent is not tried again */

enum link_state { LINK_DOWN, LINK_STARTING, LINK_UP };

struct link {
	const struct plan_domain *domain;
	enum link_state state;
	struct process process;
	struct lines lines, complaints; /* its stdout, its stderr */
	struct hello hello;             /* of its last start; kernel "" before the first */
	bool mute;                      /* its stderr has ended */
	unsigned failed_starts;         /* in a row */
	unsigned complaint_count;       /* of all its starts */
	unsigned noise;                 /* lines before the greeting, e.g. a login banner */
	char last_complaint[160];       /* last line of its stderr */
	struct error reason;            /* why it is down */
};

/*
 * Gets a call for each line of an agent that is up. `line` may be cut in place. False: the line makes no sense, the
 * link is taken down with `error` as its reason.
 */
typedef bool link_handler(void *context, struct link *link, char *line, struct error *error);

/* Starts the agents of those links that are down and not given up, and waits until each is up or down. */
void links_start(struct link *links[], size_t count, uint64_t deadline_ns);

/* Sends a line (the newline is added). On failure the link is down. */
bool link_send(struct link *link, const char *line);

/* Ends the agent, at once or after `grace_ms`; "agent of domu2: <reason>" is what is remembered. */
void link_down(struct link *link, uint32_t grace_ms, const char *reason);

/* Handles what the agents say; sleeps until something comes, the deadline, or a signal. */
void links_poll(struct link *links[], size_t count, uint64_t deadline_ns, link_handler *handler, void *context);

/* Lets all agents end by themselves (their stdin closes), kills those that do not. */
void links_stop(struct link links[], size_t count);

#endif
