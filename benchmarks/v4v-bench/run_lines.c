/* What the agents say in a step: each line moves a role on, or makes no sense. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

void pair_fail(struct pair_result *pair, const char *text)
{
	struct error first = pair->error;

	if (!first.text[0])
		error_set(&pair->error, "%s", text);
	else if (strlen(first.text) + strlen(text) + 3 < sizeof(first.text))
		error_set(&pair->error, "%s; %s", first.text, text);
}

void role_fail(struct pair_result *pair, bool is_client, const char *text)
{
	enum role_state *state = is_client ? &pair->client_state : &pair->server_state;
	struct link *link = is_client ? pair->client : pair->server;
	struct error error;

	if (*state == ROLE_DONE || *state == ROLE_FAILED)
		return;
	*state = ROLE_FAILED;
	error_set(&error, "%s (%s): %.240s", link->domain->name, is_client ? "client" : "server", text);
	pair_fail(pair, error.text);
}

static bool numbers(char *cursor, uint64_t *const out[], size_t count, struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		char *word = word_cut(&cursor);

		if (!word || !number_parse(word, 0, UINT64_MAX, out[i]))
			return error_set(error, "it sent a line without its %zu numbers", count);
	}
	return !cursor || error_set(error, "it sent a line with more than %zu numbers", count);
}

static bool add_round_trips(struct pair_result *pair, uint32_t most, char *cursor, struct error *error)
{
	char *word;

	while ((word = word_cut(&cursor))) {
		uint64_t ns;

		if (pair->rtt_count == most || !number_parse(word, 0, UINT64_MAX, &ns))
			return error_set(error, "it sent round trips that make no sense");
		if (pair->rtt_count == pair->rtt_allocated) {
			pair->rtt_allocated = pair->rtt_allocated ? pair->rtt_allocated * 2 : 256;
			pair->rtt_ns = realloc(pair->rtt_ns, pair->rtt_allocated * sizeof(*pair->rtt_ns));
			if (!pair->rtt_ns)
				out_of_memory();
		}
		pair->rtt_ns[pair->rtt_count++] = ns;
	}
	return true;
}

/* What a memcpy moved follows from its messages: nothing was sent that could be lost. */
static bool memcpy_bytes(const struct run *run, struct pair_result *pair, struct error *error)
{
	const struct plan_pair *pairs = run->result->plan->pairs + run->step->first_pair;
	uint64_t size = pairs[pair - run->result->pairs].size;

	if (pair->messages == 0 || pair->messages > UINT64_MAX / size)
		return error_set(error, "it sent a number of copies that makes no sense");
	pair->bytes = pair->messages * size;
	pair->stream_ns = pair->wall_ns;
	return true;
}

static bool done_line(const struct run *run, struct pair_result *pair, bool is_client, char *cursor,
		      struct error *error)
{
	uint64_t round_trips;

	if (run->step->kind != KIND_STREAM && !is_client)
		return !cursor || error_set(error, "it sent numbers for the server of a %s", kind_name(run->step->kind));
	if (run->step->kind == KIND_MEMCPY)
		return numbers(cursor, (uint64_t *[]){&pair->start_ns, &pair->wall_ns, &pair->messages}, 3, error) &&
		       memcpy_bytes(run, pair, error);
	if (kind_is_program(run->step->kind))
		return numbers(cursor, (uint64_t *[]){&pair->start_ns, &pair->wall_ns, &pair->figure_milli,
						      &pair->payload}, 4, error);
	if (kind_times_each(run->step->kind)) {
		if (!numbers(cursor, (uint64_t *[]){&pair->start_ns, &pair->wall_ns, &round_trips}, 3, error))
			return false;
		return round_trips == pair->rtt_count ||
		       error_set(error, "it sent %u of %llu round trips", (unsigned)pair->rtt_count,
				 (unsigned long long)round_trips);
	}
	if (is_client)
		return numbers(cursor, (uint64_t *[]){&pair->start_ns, &pair->wall_ns, &pair->messages,
						      &pair->sent_checksum}, 4, error);
	return numbers(cursor, (uint64_t *[]){&pair->bytes, &pair->stream_ns, &pair->received_checksum}, 3, error);
}

static bool listening_line(struct pair_result *pair, char *cursor, struct error *error)
{
	uint64_t port;

	if (!cursor || !number_parse(cursor, 0, UINT32_MAX, &port))
		return error_set(error, "it sent no port");
	pair->port = (uint32_t)port;
	return true;
}

static bool warm_line(struct pair_result *pair, char *cursor, struct error *error)
{
	uint64_t sndbuf, rcvbuf;

	if (!numbers(cursor, (uint64_t *[]){&sndbuf, &rcvbuf}, 2, error))
		return false;
	pair->sndbuf = (uint32_t)sndbuf;
	pair->rcvbuf = (uint32_t)rcvbuf;
	return true;
}

static bool way_words(struct pair_result *pair, char *cursor, struct error *error)
{
	struct way *way = &pair->way;

	pair->has_way = true;
	return numbers(cursor, (uint64_t *[]){&way->ring_tx, &way->ring_rx, &way->tcp_tx, &way->tcp_rx}, 4, error);
}

/* What a program's client says beside its numbers. False when the verb is another one. */
static bool is_remark(struct pair_result *pair, enum role_state state, const char *verb, const char *text)
{
	if (state != ROLE_SENT || !text)
		return false;
	if (strcmp(verb, "version") == 0)
		snprintf(pair->version, sizeof(pair->version), "%s", text);
	else if (strcmp(verb, "command") == 0)
		snprintf(pair->command, sizeof(pair->command), "%s", text);
	else
		return false;
	return true;
}

/* Moves a role on if the verb fits its state. */
static bool role_line(struct run *run, struct pair_result *pair, bool is_client, const char *verb, char *cursor,
		      struct error *error)
{
	enum role_state *state = is_client ? &pair->client_state : &pair->server_state;

	if (*state == ROLE_FAILED)
		return true; /* given up on already; its agent does not know yet */
	if (is_client && kind_is_program(run->step->kind) && is_remark(pair, *state, verb, cursor))
		return true;
	if (*state == ROLE_SENT && !is_client && strcmp(verb, "listening") == 0) {
		*state = ROLE_READY;
		return listening_line(pair, cursor, error);
	}
	if (*state == ROLE_SENT && is_client && strcmp(verb, "warm") == 0) {
		*state = ROLE_READY;
		return warm_line(pair, cursor, error);
	}
	if (*state == ROLE_READY && is_client && strcmp(verb, "timed") == 0) {
		*state = ROLE_TIMED;
		return true;
	}
	if (*state == ROLE_TIMED && is_client && strcmp(verb, "way") == 0)
		return way_words(pair, cursor, error);
	if (*state == ROLE_TIMED && is_client && strcmp(verb, "net") == 0) {
		pair->has_net = true;
		return numbers(cursor, (uint64_t *[]){&pair->net.tx, &pair->net.rx}, 2, error);
	}
	if (*state == ROLE_TIMED && is_client && strcmp(verb, "rtt") == 0)
		return add_round_trips(pair, run->step->count, cursor, error);
	if (*state == (is_client ? ROLE_TIMED : ROLE_READY) && strcmp(verb, "done") == 0) {
		if (!done_line(run, pair, is_client, cursor, error))
			return false;
		*state = ROLE_DONE;
		return true;
	}
	return error_set(error, "it sent \"%.20s\" out of turn", verb);
}

bool run_line(void *context, struct link *link, char *line, struct error *error)
{
	struct run *run = context;
	char *cursor = line;
	char *verb = word_cut(&cursor);
	struct pair_result *pair;
	bool is_client;
	unsigned role;

	if (run->aborting) {
		for (size_t i = 0; i < run->link_count; i++)
			run->idle[i] |= run->links[i] == link && strcmp(verb, "idle") == 0;
		return true;
	}
	if (!role_cut(&cursor, &role) || role / 2 >= run->step->pair_count)
		return error_set(error, "it sent \"%.20s\" without a role of this step", verb);
	is_client = role % 2;
	pair = &run->result->pairs[role / 2];
	if (link != (is_client ? pair->client : pair->server))
		return error_set(error, "it spoke for another agent's role");
	if (strcmp(verb, "failed") == 0) {
		role_fail(pair, is_client, cursor ? cursor : "no reason given");
		return true;
	}
	return role_line(run, pair, is_client, verb, cursor, error);
}
