#include "samples.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "program.h"

static uint64_t t_ms(const struct samples *samples)
{
	return samples->earlier_ms + (now_ns() - samples->opened_ns) / NS_PER_MS;
}

bool samples_open(struct samples *samples, const char *path, const struct plan *plan, struct error *error)
{
	*samples = (struct samples){.path = path, .opened_ns = now_ns()};
	samples->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (samples->fd < 0)
		return error_set(error, "%.200s: %s", path, strerror(errno));
	if (flock(samples->fd, LOCK_EX | LOCK_NB) != 0)
		error_set(error, "%.200s: %s", path,
			  errno == EWOULDBLOCK ? "another v4v-bench is writing it" : strerror(errno));
	else if (samples_resume(samples, plan, error))
		return true;
	close(samples->fd);
	samples->fd = -1;
	return false;
}

static bool flush(struct samples *samples, struct error *error)
{
	bool ok;

	json_newline(&samples->json);
	ok = write_all(samples->fd, samples->json.text, samples->json.length);
	json_reset(&samples->json);
	return ok || error_set(error, "%.200s: %s", samples->path, strerror(errno));
}

static void text_member(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_string(json, text);
}

static void number_member(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_u64(json, number);
}

static void write_domain(struct json *json, const struct link *link)
{
	bool known = link->hello.kernel[0];

	json_open(json, '{');
	text_member(json, "name", link->domain->name);
	number_member(json, "domid", link->domain->domid);
	text_member(json, "addr", link->domain->addr);
	number_member(json, "cid", link->domain->cid);
	json_key(json, "kernel");
	if (known)
		json_string(json, link->hello.kernel);
	else
		json_null(json);
	json_key(json, "cpus");
	if (known)
		json_u64(json, link->hello.cpus);
	else
		json_null(json);
	if (known)
		text_member(json, "tcp", link->hello.tcp);
	else
		text_member(json, "error", link->reason.text);
	json_close(json, '}');
}

bool samples_start(struct samples *samples, const struct plan *plan, const struct link links[], struct error *error)
{
	struct json *json = &samples->json;
	time_t seconds = time(NULL);
	struct tm utc;
	char text[32];

	json_open(json, '{');
	text_member(json, "type", "start");
	number_member(json, "version", 1);
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)plan->hash);
	text_member(json, "plan", text);
	text_member(json, "bench", V4V_BENCH_VERSION);
	text_member(json, "clock", "CLOCK_MONOTONIC");
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
	text_member(json, "time", text);
	json_key(json, "domains");
	json_open(json, '[');
	for (size_t i = 0; i < plan->domain_count; i++)
		write_domain(json, &links[i]);
	json_close(json, ']');
	json_close(json, '}');
	return flush(samples, error);
}

static void write_measured(struct json *json, const struct plan_step *step, const struct pair_result *pair)
{
	if (kind_times_each(step->kind)) {
		json_key(json, step->kind == KIND_CONNECT ? "setup_ns" : "rtt_ns");
		json_open(json, '[');
		for (uint32_t i = 0; i < pair->rtt_count; i++)
			json_u64(json, pair->rtt_ns[i]);
		json_close(json, ']');
	} else if (kind_is_program(step->kind)) {
		text_member(json, "program", program_name(step->kind));
		text_member(json, "version", pair->version);
		text_member(json, "command", pair->command);
		json_key(json, "figure");
		json_milli(json, pair->figure_milli);
		text_member(json, "unit", program_unit(step->kind));
		number_member(json, "payload_bytes", pair->payload);
		number_member(json, "net_tx_bytes", pair->net.tx);
		number_member(json, "net_rx_bytes", pair->net.rx);
	} else {
		number_member(json, "bytes", pair->bytes);
		number_member(json, "ns", pair->stream_ns);
		number_member(json, "messages", pair->messages);
	}
	if (pair->has_way) {
		number_member(json, "ring_tx_bytes", pair->way.ring_tx);
		number_member(json, "ring_rx_bytes", pair->way.ring_rx);
		number_member(json, "tcp_tx_bytes", pair->way.tcp_tx);
		number_member(json, "tcp_rx_bytes", pair->way.tcp_rx);
	}
	/* A program's sockets are its own affair. */
	if (!kind_is_program(step->kind)) {
		number_member(json, "sndbuf", pair->sndbuf);
		number_member(json, "rcvbuf", pair->rcvbuf);
	}
	number_member(json, "start_ns", pair->start_ns);
	number_member(json, "wall_ns", pair->wall_ns);
}

static void write_cpu(struct json *json, const struct step_result *result)
{
	if (result->cpu_error.text[0])
		text_member(json, "cpu_error", result->cpu_error.text);
	if (!result->has_cpu)
		return;
	json_key(json, "cpu_ns");
	json_open(json, '{');
	for (size_t i = 0; i < result->cpu.count; i++) {
		char domid[12];

		snprintf(domid, sizeof(domid), "%u", (unsigned)result->cpu.domains[i].domid);
		number_member(json, domid, result->cpu.domains[i].ns);
	}
	json_close(json, '}');
	number_member(json, "cpu_window_ns", result->cpu.at_ns);
}

static bool write_sample(struct samples *samples, const struct step_result *result, uint32_t index,
			 struct error *error)
{
	const struct plan_step *step = result->step;
	const struct pair_result *pair = &result->pairs[index];
	struct json *json = &samples->json;
	char names[2 * BENCH_MAX_NAME + 2];

	json_open(json, '{');
	text_member(json, "type", "sample");
	number_member(json, "id", step->id);
	text_member(json, "experiment", step->experiment);
	text_member(json, "kind", kind_name(step->kind));
	text_member(json, "transport", transport_name(step->transport));
	number_member(json, "size_bytes", result->plan->pairs[step->first_pair + index].size);
	number_member(json, "pairs", step->pair_count);
	snprintf(names, sizeof(names), "%s:%s", pair->client->domain->name, pair->server->domain->name);
	text_member(json, "pair", names);
	number_member(json, "repetition", step->repetition);
	json_key(json, "ok");
	json_bool(json, pair->ok);
	if (pair->ok)
		write_measured(json, step, pair);
	else
		text_member(json, "error", pair->error.text);
	if (pair->ok && result->pairs_ok < step->pair_count)
		number_member(json, "pairs_ok", result->pairs_ok);
	if (index == 0)
		write_cpu(json, result);
	json_close(json, '}');
	*(pair->ok ? &samples->ok : &samples->failed) += 1;
	return flush(samples, error);
}

/* The line that makes the next step a finished one. */
static bool write_step(struct samples *samples, const struct plan *plan, bool skipped, struct error *error)
{
	struct json *json = &samples->json;

	json_open(json, '{');
	text_member(json, "type", "step");
	number_member(json, "id", plan->steps[samples->steps_done].id);
	samples->steps_done++;
	number_member(json, "done", samples->steps_done);
	number_member(json, "of", plan->step_count);
	number_member(json, "t_ms", t_ms(samples));
	if (skipped) {
		json_key(json, "skipped");
		json_bool(json, true);
	}
	json_close(json, '}');
	return flush(samples, error);
}

bool samples_step(struct samples *samples, const struct step_result *result, struct error *error)
{
	for (uint32_t i = 0; i < result->step->pair_count; i++) {
		if (!write_sample(samples, result, i, error))
			return false;
	}
	return write_step(samples, result->plan, false, error);
}

bool samples_skip(struct samples *samples, const struct plan *plan, struct error *error)
{
	return write_step(samples, plan, true, error);
}

bool samples_end(struct samples *samples, struct error *error)
{
	struct json *json = &samples->json;

	json_open(json, '{');
	text_member(json, "type", "end");
	number_member(json, "ok", samples->ok);
	number_member(json, "failed", samples->failed);
	number_member(json, "t_ms", t_ms(samples));
	json_close(json, '}');
	return flush(samples, error);
}

void samples_close(struct samples *samples)
{
	if (samples->fd >= 0)
		close(samples->fd);
	json_free(&samples->json);
}
