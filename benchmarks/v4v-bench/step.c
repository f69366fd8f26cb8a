#include "step.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "payload.h"
#include "run.h"

/* How far ahead the common start lies: the agents' `go` has arrived and the control connections are silent again. */
#define LEAD_US 20000u
#define LEAD_PER_LINK_US 5000u

#define CPU_LIMIT_MS 10000u   /* the cpu command */
#define ROLE_MARGIN_MS 1000u  /* at most */

/* A little less than what is left, so that a role's own reason arrives before the step is given up. */
static uint32_t role_limit_ms(const struct run *run)
{
	uint32_t left_ms = (uint32_t)ms_until(run->deadline_ns);
	uint32_t margin_ms = left_ms / 10;

	return left_ms - (margin_ms < ROLE_MARGIN_MS ? margin_ms : ROLE_MARGIN_MS);
}

static void send_roles(struct run *run, bool is_client, const uint8_t (*tokens)[BENCH_TOKEN_BYTES])
{
	const struct plan_step *step = run->step;
	const struct plan_pair *pairs = run->result->plan->pairs + step->first_pair;

	for (uint32_t i = 0; i < step->pair_count; i++) {
		struct pair_result *pair = &run->result->pairs[i];
		const struct plan_domain *server = pair->server->domain;
		uint64_t seed_of[3] = {run->result->plan->hash, step->id, i};
		struct role_spec spec = {
			.role = 2 * i + is_client,
			.is_client = is_client,
			.kind = step->kind,
			.size = pairs[i].size,
			.warmup = step->warmup,
			.count = step->count,
			.budget_ms = step->budget_ms,
			.pairs = step->pair_count,
			.deadline_ms = role_limit_ms(run),
			.seed = fnv1a64(FNV1A64_START, seed_of, sizeof(seed_of)),
			.server = {.transport = step->transport, .cid = server->cid, .port = pair->port,
				   .domid = server->domid, .client_domid = pair->client->domain->domid},
		};
		char line[512];

		memcpy(spec.token, tokens[i], BENCH_TOKEN_BYTES);
		memcpy(spec.server.addr, server->addr, sizeof(spec.server.addr));
		role_spec_format(line, sizeof(line), &spec);
		*(is_client ? &pair->client_state : &pair->server_state) = ROLE_SENT;
		link_send(is_client ? pair->client : pair->server, line);
	}
}

static bool has_client(const struct run *run, const struct link *link)
{
	for (uint32_t i = 0; i < run->step->pair_count; i++) {
		if (run->result->pairs[i].client == link)
			return true;
	}
	return false;
}

/* Every agent is told how far off the one common start is when its line leaves. */
static void send_go(struct run *run)
{
	uint64_t start_ns = now_ns() + (LEAD_US + (run->link_count - 1) * LEAD_PER_LINK_US) * NS_PER_US;

	for (size_t i = 0; i < run->link_count; i++) {
		uint64_t now = now_ns();
		char line[40];

		if (!has_client(run, run->links[i]))
			continue;
		snprintf(line, sizeof(line), "go %llu",
			 (unsigned long long)(now < start_ns ? (start_ns - now) / NS_PER_US : 0));
		link_send(run->links[i], line);
	}
}

static void send_finish(struct run *run)
{
	for (size_t i = 0; i < run->link_count; i++) {
		if (has_client(run, run->links[i]))
			link_send(run->links[i], "finish");
	}
}

/* A step of several pairs measures them against each other: with one missing it would be another experiment. */
static void fail_untimed_pairs(struct run *run)
{
	const struct plan *plan = run->result->plan;
	const struct plan_pair *pairs = plan->pairs + run->step->first_pair;
	struct error error = {.text = ""};

	for (uint32_t i = 0; i < run->step->pair_count && !error.text[0]; i++) {
		if (pair_failed(&run->result->pairs[i]))
			error_set(&error, "not timed: pair %s:%s of this step failed before the start",
				  plan->domains[pairs[i].client].name, plan->domains[pairs[i].server].name);
	}
	for (uint32_t i = 0; i < run->step->pair_count; i++) {
		if (!pair_failed(&run->result->pairs[i]))
			pair_fail(&run->result->pairs[i], error.text);
	}
}

static void read_cpu(struct run *run, char *const *command, struct cpu_times *times)
{
	uint64_t limit_ns = deadline_in_ms(CPU_LIMIT_MS);
	struct error error;

	if (!command || run->result->cpu_error.text[0])
		return;
	if (!cpu_read(command, limit_ns < run->deadline_ns ? limit_ns : run->deadline_ns, times, &error))
		error_set(&run->result->cpu_error, "--cpu-command: %.300s", error.text);
}

/* Connect, start together, verify. False when a signal asked to stop. */
static bool run_phases(struct run *run, const struct step_options *options,
		       const uint8_t (*tokens)[BENCH_TOKEN_BYTES])
{
	static const struct phase listening = {"listening", ROLE_UNSENT, ROLE_READY};
	static const struct phase warm = {"connecting and warming up", ROLE_READY, ROLE_READY};
	static const struct phase timed = {"the timed window", ROLE_TIMED, ROLE_READY};
	static const struct phase done = {"verifying and reporting", ROLE_DONE, ROLE_DONE};
	struct cpu_times before, after;

	send_roles(run, false, tokens);
	if (!wait_for_phase(run, &listening))
		return false;
	if (!any_failed(run)) {
		send_roles(run, true, tokens);
		if (!wait_for_phase(run, &warm))
			return false;
	}
	if (any_failed(run)) {
		fail_untimed_pairs(run);
		return true;
	}
	read_cpu(run, options->cpu_command, &before);
	send_go(run);
	if (!wait_for_phase(run, &timed))
		return false;
	read_cpu(run, options->cpu_command, &after);
	if (options->cpu_command && !run->result->cpu_error.text[0]) {
		cpu_difference(&before, &after, &run->result->cpu);
		run->result->has_cpu = true;
	}
	send_finish(run);
	return wait_for_phase(run, &done);
}

/* What is measured as a ring went by the ring, every byte of it. */
static void judge_way(const struct plan_step *step, uint32_t size, struct pair_result *pair)
{
	uint64_t sent = (step->kind == KIND_PINGPONG ? pair->rtt_count : pair->messages) * (uint64_t)size;
	uint64_t received = step->kind == KIND_PINGPONG ? sent : 0;

	if (!pair->has_way)
		error_set(&pair->error, "path: the client did not say which way its bytes went");
	else if (pair->way.ring_tx < sent)
		error_set(&pair->error, "path: only %llu of %llu bytes sent went by the ring",
			  (unsigned long long)pair->way.ring_tx, (unsigned long long)sent);
	else if (pair->way.ring_rx < received)
		error_set(&pair->error, "path: only %llu of %llu bytes received came by the ring",
			  (unsigned long long)pair->way.ring_rx, (unsigned long long)received);
}

/* What is measured as plain TCP went by TCP, every byte of it. */
static void judge_plain(uint32_t size, struct pair_result *pair)
{
	uint64_t ring = pair->way.ring_tx + pair->way.ring_rx;
	uint64_t payload = pair->rtt_count * (uint64_t)size;

	if (!pair->has_way)
		error_set(&pair->error, "path: the client did not say which way its bytes went");
	else if (ring)
		error_set(&pair->error, "path: %llu bytes went by a ring", (unsigned long long)ring);
	else if (pair->way.tcp_tx < payload || pair->way.tcp_rx < payload)
		error_set(&pair->error, "path: only %llu bytes went and %llu came by TCP, of %llu each way",
			  (unsigned long long)pair->way.tcp_tx, (unsigned long long)pair->way.tcp_rx,
			  (unsigned long long)payload);
}

/*
 * Of a program's bytes at least so many must have gone the way that is measured. A program does not wait for its
 * connections to move, so the first bytes of each go by TCP.
 */
#define PROGRAM_MOST_PERCENT 80u

static bool too_few(uint64_t part, uint64_t whole)
{
	return (double)part * 100 < (double)whole * PROGRAM_MOST_PERCENT;
}

static void judge_program(const struct plan_step *step, struct pair_result *pair)
{
	uint64_t ring = pair->way.ring_tx + pair->way.ring_rx;
	uint64_t tcp = pair->way.tcp_tx + pair->way.tcp_rx;
	uint64_t net = pair->net.tx + pair->net.rx;

	if (!pair->has_way || !pair->has_net || !pair->command[0])
		error_set(&pair->error, "path: the client did not say which way its bytes went");
	else if (step->transport != TRANSPORT_V4V_SOCKETS && ring)
		error_set(&pair->error, "path: %llu bytes went by a ring", (unsigned long long)ring);
	else if (step->transport == TRANSPORT_TCP && net < pair->payload)
		error_set(&pair->error, "path: only %llu bytes passed the network interfaces, of %llu at least",
			  (unsigned long long)net, (unsigned long long)pair->payload);
	else if (step->transport == TRANSPORT_V4V_SOCKETS &&
		 (too_few(ring, ring + tcp) || too_few(ring, pair->payload)))
		error_set(&pair->error, "path: only %llu bytes went by the ring, %llu by TCP, of a payload of %llu at least",
			  (unsigned long long)ring, (unsigned long long)tcp, (unsigned long long)pair->payload);
}

/* The verdict on a pair whose ends both reported. */
static void judge(const struct plan_step *step, uint32_t size, struct pair_result *pair)
{
	if (!pair->error.text[0] && step->kind == KIND_STREAM) {
		if (pair->bytes != pair->messages * size)
			error_set(&pair->error, "integrity: %llu bytes were sent, %llu received",
				  (unsigned long long)(pair->messages * size), (unsigned long long)pair->bytes);
		else if (pair->sent_checksum != pair->received_checksum)
			error_set(&pair->error, "integrity: checksum sent %016llx, received %016llx",
				  (unsigned long long)pair->sent_checksum,
				  (unsigned long long)pair->received_checksum);
	}
	if (!pair->error.text[0]) {
		if (kind_is_program(step->kind))
			judge_program(step, pair);
		else if (step->transport == TRANSPORT_TCP_V4VRUN)
			judge_plain(size, pair);
		/* A byte each way may be over before the two modules have agreed. */
		else if (step->transport == TRANSPORT_V4V_SOCKETS && step->kind != KIND_CONNECT)
			judge_way(step, size, pair);
	}
	pair->ok = !pair->error.text[0];
}

static void collect_links(struct run *run, struct link links[])
{
	const struct plan_pair *pairs = run->result->plan->pairs + run->step->first_pair;
	bool seen[BENCH_MAX_DOMAINS] = {false};

	for (uint32_t i = 0; i < run->step->pair_count; i++) {
		uint8_t ends[2] = {pairs[i].client, pairs[i].server};

		run->result->pairs[i].client = &links[pairs[i].client];
		run->result->pairs[i].server = &links[pairs[i].server];
		for (int end = 0; end < 2; end++) {
			if (!seen[ends[end]])
				run->links[run->link_count++] = &links[ends[end]];
			seen[ends[end]] = true;
		}
	}
}

static uint32_t step_limit_ms(const struct plan_step *step, const struct step_options *options)
{
	uint32_t limit_ms = step->budget_ms + BENCH_STEP_ALLOWANCE_MS;

	if (options->timeout_ms)
		return options->timeout_ms;
	return limit_ms < BENCH_DEFAULT_STEP_TIMEOUT_S * 1000 ? limit_ms : BENCH_DEFAULT_STEP_TIMEOUT_S * 1000;
}

static void make_tokens(uint8_t (*tokens)[BENCH_TOKEN_BYTES], uint32_t count)
{
	/* One at a time: getrandom() promises up to 256 bytes without interruption. */
	for (uint32_t i = 0; i < count; i++) {
		while (getrandom(tokens[i], BENCH_TOKEN_BYTES, 0) != BENCH_TOKEN_BYTES) {
			if (errno != EINTR) {
				perror("v4v-bench: getrandom");
				exit(EXIT_STOPPED);
			}
		}
	}
}

bool step_run(struct link links[], const struct plan *plan, const struct plan_step *step,
	      const struct step_options *options, struct step_result *result)
{
	struct run run = {.result = result, .step = step, .limit_ms = step_limit_ms(step, options)};
	uint8_t tokens[BENCH_MAX_PAIRS][BENCH_TOKEN_BYTES];
	bool go_on;

	*result = (struct step_result){.plan = plan, .step = step};
	result->pairs = calloc(step->pair_count, sizeof(*result->pairs));
	if (!result->pairs)
		out_of_memory();
	make_tokens(tokens, step->pair_count);
	collect_links(&run, links);
	links_start(run.links, run.link_count, deadline_in_ms(run.limit_ms));
	run.deadline_ns = deadline_in_ms(run.limit_ms);
	go_on = run_phases(&run, options, (const uint8_t (*)[BENCH_TOKEN_BYTES])tokens);
	if (go_on && any_failed(&run)) {
		wait_for_second_word(&run);
		abort_roles(&run);
	}
	for (uint32_t i = 0; i < step->pair_count; i++) {
		judge(step, plan->pairs[step->first_pair + i].size, &result->pairs[i]);
		result->pairs_ok += result->pairs[i].ok;
	}
	return go_on;
}

void step_free(struct step_result *result)
{
	for (uint32_t i = 0; result->pairs && i < result->step->pair_count; i++)
		free(result->pairs[i].rtt_ns);
	free(result->pairs);
	result->pairs = NULL;
}
