#include "drive.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "gate.h"
#include "samples.h"
#include "stop.h"

struct drive {
	struct plan plan;
	struct samples samples;
	struct link links[BENCH_MAX_DOMAINS];
	struct step_options step_options;
	struct gate gate; /* without a path: none */
	char **cpu_command;
};

static int complain(const struct error *error, int code)
{
	fprintf(stderr, "v4v-bench: %s\n", error->text);
	return code;
}

/* A plan that is there but wrong is told apart from one that cannot be read. */
static int load_plan(struct plan *plan, const char *path)
{
	struct error error;
	bool unreadable;

	if (plan_load(plan, path, &unreadable, &error))
		return EXIT_OK;
	return complain(&error, unreadable ? EXIT_STOPPED : EXIT_BAD_PLAN);
}

static void start_agents(struct drive *drive, uint32_t limit_ms)
{
	struct link *all[BENCH_MAX_DOMAINS];

	for (size_t i = 0; i < drive->plan.domain_count; i++) {
		drive->links[i].domain = &drive->plan.domains[i];
		all[i] = &drive->links[i];
	}
	links_start(all, drive->plan.domain_count, deadline_in_ms(limit_ms));
	for (size_t i = 0; i < drive->plan.domain_count; i++) {
		if (all[i]->state == LINK_DOWN && all[i]->reason.text[0])
			fprintf(stderr, "v4v-bench: %s\n", all[i]->reason.text);
	}
}

static void tell_failures(const struct step_result *result)
{
	for (uint32_t i = 0; i < result->step->pair_count; i++) {
		if (!result->pairs[i].ok)
			fprintf(stderr, "v4v-bench: step %u: %s\n", (unsigned)result->step->id,
				result->pairs[i].error.text);
	}
	if (result->cpu_error.text[0])
		fprintf(stderr, "v4v-bench: step %u: %s\n", (unsigned)result->step->id, result->cpu_error.text);
}

static int stopped(const struct drive *drive)
{
	fprintf(stderr, "v4v-bench: stopped by a signal after step %zu of %zu; the same command goes on\n",
		drive->samples.steps_done, drive->plan.step_count);
	return EXIT_STOPPED;
}

/* Measures the next step. False when a signal asked to stop (the error is empty then) or the file cannot be written. */
static bool measure_step(struct drive *drive, struct error *error)
{
	struct samples *samples = &drive->samples;
	struct step_result result;
	bool ok = step_run(drive->links, &drive->plan, &drive->plan.steps[samples->steps_done], &drive->step_options,
			   &result);

	error->text[0] = '\0';
	if (ok) {
		tell_failures(&result);
		ok = samples_step(samples, &result, error);
	}
	step_free(&result);
	return ok;
}

/* The next step: measured, or passed over where the gate says so. */
static bool next_step(struct drive *drive, struct error *error)
{
	struct samples *samples = &drive->samples;
	const struct gate *gate = &drive->gate;

	if (gate->path && samples->steps_done >= gate->until &&
	    !gate_wait(&drive->gate, &drive->plan, samples->steps_done, error))
		return false;
	if (gate->path && gate->skip[samples->steps_done])
		return samples_skip(samples, &drive->plan, error);
	return measure_step(drive, error);
}

/* The steps that are not done yet. */
static int run_steps(struct drive *drive)
{
	struct samples *samples = &drive->samples;
	struct error error;

	while (samples->steps_done < drive->plan.step_count) {
		if (!next_step(drive, &error))
			return error.text[0] ? complain(&error, EXIT_STOPPED) : stopped(drive);
	}
	if (!samples_end(samples, &error))
		return complain(&error, EXIT_STOPPED);
	fprintf(stderr, "v4v-bench: %zu steps done, %llu samples ok, %llu failed\n", samples->steps_done,
		(unsigned long long)samples->ok, (unsigned long long)samples->failed);
	return EXIT_OK;
}

static int run_plan(struct drive *drive, const struct drive_options *options)
{
	uint32_t limit_ms = options->step_timeout_ms ? options->step_timeout_ms : BENCH_DEFAULT_STEP_TIMEOUT_S * 1000;
	struct samples *samples = &drive->samples;
	struct error error;
	int code = EXIT_STOPPED;

	if (!plan_fits(&drive->plan, options->plan_path, limit_ms, &error))
		return complain(&error, EXIT_BAD_PLAN);
	if (drive->gate.path && !gate_read(&drive->gate, &drive->plan, &error))
		return complain(&error, EXIT_BAD_PLAN);
	if (!samples_open(samples, options->samples_path, &drive->plan, &error))
		return complain(&error, EXIT_STOPPED);
	if (samples->ended) {
		fprintf(stderr, "v4v-bench: %s is complete already: %zu steps\n", options->samples_path,
			samples->steps_done);
		samples_close(samples);
		return EXIT_OK;
	}
	if (samples->started)
		fprintf(stderr, "v4v-bench: going on after step %zu of %zu\n", samples->steps_done,
			drive->plan.step_count);
	start_agents(drive, limit_ms);
	if (!samples->started && !samples_start(samples, &drive->plan, drive->links, &error))
		complain(&error, EXIT_STOPPED);
	else
		code = run_steps(drive);
	links_stop(drive->links, drive->plan.domain_count);
	samples_close(samples);
	return code;
}

int drive_main(const struct drive_options *options)
{
	struct drive *drive = calloc(1, sizeof(*drive));
	int code;

	if (!drive)
		out_of_memory();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is a write error like a full disk */
	stop_on_signals();
	drive->step_options.timeout_ms = options->step_timeout_ms;
	drive->gate = (struct gate){.path = options->gate_path, .wait_ms = options->gate_wait_ms};
	if (options->cpu_command) {
		drive->cpu_command = process_argv(options->cpu_command);
		drive->step_options.cpu_command = drive->cpu_command;
	}
	code = load_plan(&drive->plan, options->plan_path);
	if (code == EXIT_OK)
		code = run_plan(drive, options);
	gate_free(&drive->gate);
	plan_free(&drive->plan);
	free(drive->cpu_command);
	free(drive);
	return code;
}

int check_main(const char *plan_path)
{
	struct plan plan;
	unsigned long long window_ms = 0;
	int code = load_plan(&plan, plan_path);

	if (code != EXIT_OK)
		return code;
	for (size_t i = 0; i < plan.step_count; i++)
		window_ms += plan.steps[i].budget_ms;
	printf("%s: %zu domains, %zu steps, %zu samples, timed windows of at most %llu.%03llu s together\n", plan_path,
	       plan.domain_count, plan.step_count, plan.pair_count, window_ms / 1000, window_ms % 1000);
	plan_free(&plan);
	return EXIT_OK;
}
