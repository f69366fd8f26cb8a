/*
 * The plan: which domains take part and what is measured, step by step.
 *
 * UTF-8 text of lines of at most 1023 bytes (the newline not counted). Empty lines and lines that begin with # are
 * skipped. The first other line is `v4v-bench-plan 1`. Then, words separated by single spaces:
 *
 *   domain name=domu1 domid=1 addr=10.83.0.11 cid=3 agent=ssh -F /etc/v4v/ssh_config domu1 v4v-bench agent
 *   step id=17 experiment=latency kind=pingpong transport=tcp size=64 warmup=20 count=200 budget_ms=1500 \
 *        repetition=3 pairs=domu1:domu2            (one line in the file)
 *
 *   domain  name        [A-Za-z0-9._-], 1 to 32 bytes, unique
 *           domid       Xen domain id, 0 to 32751
 *           addr        IPv4 address that the domain's TCP servers listen on
 *           cid         AF_VSOCK context id
 *           agent       the rest of the line: command that starts the domain's agent, split at single spaces
 *   step    id          0 to 4294967295, unique
 *           experiment  a name like a domain's
 *           kind        pingpong | stream | connect | iperf3 | redis-get | memcpy (iperf3 and redis-get: unmodified
 *                       programs, over tcp and v4v-sockets, redis-get over unix, too; see program.h)
 *           transport   tcp | tcp-stock | v4v | v4v-sockets | tcp-v4vrun | vchan | unix | native (unix, native: both ends of
 *                       every pair in one domain; native goes with memcpy and with nothing else, vchan with pingpong and
 *                       stream, tcp-v4vrun with pingpong)
 *           size        payload bytes of a message, 1 to 16 MiB; 1 for connect
 *           warmup      untimed messages or round trips first, 0 to 1,000,000
 *           count       timed ones, 0 to 1,000,000; 0 (stream only) leaves the budget alone to end the step
 *           budget_ms   length of the timed window, 1 to 3,600,000
 *           repetition  0 to 1,000,000, copied to the samples
 *           pairs       client:server[/SIZE][,client:server[/SIZE]...], 1 to 128; the domains are defined above. SIZE is
 *                       that pair's own, in place of the step's: so one pair is measured beside busy ones
 *
 * A domain that is reached at two addresses has two lines, each with a name and an agent of its own.
 *
 * At most 128 domains, 100,000 steps (at least one of each) and 64 MiB.
 */
#ifndef V4V_BENCH_PLAN_H
#define V4V_BENCH_PLAN_H

#include <netinet/in.h>
#include <stddef.h>

#include "error.h"
#include "v4v_bench.h"

struct plan_domain {
	char name[BENCH_MAX_NAME + 1];
	char addr[INET_ADDRSTRLEN];
	uint32_t domid;
	uint32_t cid;
	char **agent; /* argv, NULL-terminated; one allocation, freed by plan_free */
};

struct plan_pair {
	uint8_t client, server; /* indices into plan.domains */
	uint32_t size;          /* payload bytes of a message: the step's, or its own */
};

struct plan_step {
	uint32_t id;
	char experiment[BENCH_MAX_NAME + 1];
	enum kind kind;
	enum transport transport;
	uint32_t size, warmup, count, budget_ms, repetition;
	uint32_t first_pair, pair_count; /* in plan.pairs */
};

struct plan {
	struct plan_domain domains[BENCH_MAX_DOMAINS];
	size_t domain_count;
	struct plan_step *steps;
	size_t step_count;
	struct plan_pair *pairs;
	size_t pair_count;
	uint64_t hash; /* FNV-1a 64 of the file's bytes */
};

/*
 * Parses `length` bytes of text; `name` (the file) goes into messages. On failure the error reads
 * `name:line: what is wrong with which word` and the plan is empty.
 */
bool plan_parse(struct plan *plan, const char *name, const char *text, size_t length, struct error *error);

/* Reads and parses a file. *unreadable tells a file that could not be read from a plan that is wrong. */
bool plan_load(struct plan *plan, const char *path, bool *unreadable, struct error *error);

/* False if a step's budget does not fit into the time that a step may take. */
bool plan_fits(const struct plan *plan, const char *name, uint32_t step_timeout_ms, struct error *error);

void plan_free(struct plan *plan);

#endif
