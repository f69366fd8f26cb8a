/* Waiting for agents, never longer than the step may take. */
#include "run.h"

#include "clock.h"
#include "stop.h"

#define SECOND_WORD_MS 300u
#define ABORT_LIMIT_MS 5000u /* for an agent to end its roles, at most as long as a step */

static void fail_roles_of_dead_agents(struct run *run)
{
	for (uint32_t i = 0; i < run->step->pair_count; i++) {
		struct pair_result *pair = &run->result->pairs[i];

		if (pair->server->state == LINK_DOWN)
			role_fail(pair, false, pair->server->reason.text);
		if (pair->client->state == LINK_DOWN)
			role_fail(pair, true, pair->client->reason.text);
	}
}

bool pair_failed(const struct pair_result *pair)
{
	return pair->client_state == ROLE_FAILED || pair->server_state == ROLE_FAILED;
}

bool any_failed(const struct run *run)
{
	for (uint32_t i = 0; i < run->step->pair_count; i++) {
		if (pair_failed(&run->result->pairs[i]))
			return true;
	}
	return false;
}

static bool pair_reached(const struct pair_result *pair, const struct phase *phase)
{
	return pair_failed(pair) || (pair->client_state >= phase->client && pair->server_state >= phase->server);
}

static bool all_reached(const struct run *run, const struct phase *phase)
{
	for (uint32_t i = 0; i < run->step->pair_count; i++) {
		if (!pair_reached(&run->result->pairs[i], phase))
			return false;
	}
	return true;
}

/* Fails whoever did not come that far in time. */
static void fail_late_roles(struct run *run, const struct phase *phase)
{
	struct error error;

	error_set(&error, "not done with %s within the step's %u ms", phase->name, (unsigned)run->limit_ms);
	for (uint32_t i = 0; i < run->step->pair_count; i++) {
		struct pair_result *pair = &run->result->pairs[i];

		if (pair_reached(pair, phase))
			continue;
		if (pair->client_state < phase->client)
			role_fail(pair, true, error.text);
		if (pair->server_state < phase->server)
			role_fail(pair, false, error.text);
	}
}

bool wait_for_phase(struct run *run, const struct phase *phase)
{
	fail_roles_of_dead_agents(run);
	while (!all_reached(run, phase)) {
		if (stop_requested())
			return false;
		if (now_ns() >= run->deadline_ns) {
			fail_late_roles(run, phase);
			return true;
		}
		links_poll(run->links, run->link_count, run->deadline_ns, run_line, run);
		fail_roles_of_dead_agents(run);
	}
	return !stop_requested();
}

void wait_for_second_word(struct run *run)
{
	uint64_t deadline_ns = deadline_in_ms(SECOND_WORD_MS);

	for (;;) {
		bool complete = true;

		for (uint32_t i = 0; i < run->step->pair_count; i++) {
			const struct pair_result *pair = &run->result->pairs[i];
			bool client_over = pair->client_state >= ROLE_DONE || pair->client_state == ROLE_UNSENT;
			bool server_over = pair->server_state >= ROLE_DONE || pair->server_state == ROLE_UNSENT;

			complete &= !pair_failed(pair) || (client_over && server_over);
		}
		if (complete || stop_requested() || now_ns() >= deadline_ns)
			return;
		links_poll(run->links, run->link_count, deadline_ns, run_line, run);
		fail_roles_of_dead_agents(run);
	}
}

void abort_roles(struct run *run)
{
	uint64_t deadline_ns = deadline_in_ms(run->limit_ms < ABORT_LIMIT_MS ? run->limit_ms : ABORT_LIMIT_MS);

	run->aborting = true;
	for (size_t i = 0; i < run->link_count; i++)
		link_send(run->links[i], "abort");
	for (;;) {
		bool complete = true;

		for (size_t i = 0; i < run->link_count; i++)
			complete &= run->idle[i] || run->links[i]->state == LINK_DOWN;
		if (complete || stop_requested() || now_ns() >= deadline_ns)
			break;
		links_poll(run->links, run->link_count, deadline_ns, run_line, run);
	}
	for (size_t i = 0; i < run->link_count; i++) {
		if (!run->idle[i])
			link_down(run->links[i], 0, "it did not end its roles in time");
	}
}
