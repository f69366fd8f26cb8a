#include "measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "connections.h"
#include "measure_transfer.h"
#include "problem.h"

struct run {
	const struct options *options;
	const struct problem *problem;
	struct progress *progress;
	struct device device;
	float *result;
	uint64_t start_ns, phase_ns[PHASES];
};

static uint64_t begin(struct run *run, enum phase phase)
{
	run->progress->phase = phase;
	return now_ns();
}

static void end(struct run *run, uint64_t begun)
{
	run->phase_ns[run->progress->phase] = now_ns() - begun;
}

/* What only a cold run does. */
static bool prepare(struct run *run, struct error *error)
{
	const struct backend *backend = run->options->backend;
	struct device *device = &run->device;
	uint64_t begun = begin(run, PHASE_CONNECT);

	if (!backend->connect(device, &run->options->choice, error))
		return false;
	end(run, begun);
	run->progress->info = device->info;
	run->progress->connected = true;
	begun = begin(run, PHASE_COMPILE);
	if (!backend->compile(device, run->problem->workload, error))
		return false;
	end(run, begun);
	begun = begin(run, PHASE_ALLOCATE);
	if (!device_has_room(device, run->problem->bytes, BUFFERS, error) ||
	    !backend->allocate(device, run->problem->bytes, BUFFERS, error))
		return false;
	end(run, begun);
	return true;
}

static bool compute(struct run *run, enum buffer *result, struct error *error)
{
	*result = BUFFER_C;
	if (run->problem->workload == WORKLOAD_STENCIL)
		return device_stencil(&run->device, run->problem->n, run->problem->sweeps, result, error);
	return run->options->backend->matmul(&run->device, run->problem->n, error);
}

/* Two copies in, the computation, one copy out. */
static bool execute(struct run *run, struct error *error)
{
	const struct backend *backend = run->options->backend;
	const struct problem *problem = run->problem;
	struct device *device = &run->device;
	enum buffer result;
	uint64_t begun = begin(run, PHASE_COPY_A);

	if (!backend->write(device, BUFFER_A, problem->a, problem->bytes, error))
		return false;
	end(run, begun);
	begun = begin(run, PHASE_COPY_B);
	if (!backend->write(device, BUFFER_B, problem->b, problem->bytes, error))
		return false;
	end(run, begun);
	begun = begin(run, PHASE_COMPUTE);
	if (!compute(run, &result, error))
		return false;
	end(run, begun);
	begun = begin(run, PHASE_COPY_C);
	if (!backend->read(device, result, run->result, problem->bytes, error))
		return false;
	end(run, begun);
	return true;
}

/* What an earlier run left must not pass for this one's work, here or on the device. */
static bool forget(struct run *run, struct error *error)
{
	for (unsigned i = 0; run->device.state && i < BUFFERS; i++) {
		if (!run->options->backend->clear(&run->device, (enum buffer)i, run->problem->bytes, error))
			return false;
	}
	memset(run->result, 0xff, run->problem->bytes);
	return true;
}

static bool sample(struct run *run, int fd, uint64_t wall_ns, double error_part, struct error *error)
{
	struct json json = {0};
	bool ok;

	sample_open(&json, run->options, run->problem->n, run->progress, true);
	json_key(&json, "phases_ns");
	json_open(&json, '{');
	for (unsigned i = run->progress->repetition ? PHASE_COPY_A : PHASE_CONNECT; i < PHASES; i++) {
		json_key(&json, phase_name((enum phase)i));
		json_u64(&json, run->phase_ns[i]);
	}
	json_close(&json, '}');
	json_key(&json, "start_ns");
	json_u64(&json, run->start_ns);
	json_key(&json, "wall_ns");
	json_u64(&json, wall_ns);
	json_key(&json, "reference");
	json_string(&json, run->problem->reference);
	json_key(&json, "error_part");
	json_milli(&json, (uint64_t)(error_part * 1000 + 0.5));
	ok = sample_close(&json, fd, error);
	json_free(&json);
	run->progress->ok++;
	return ok;
}

/* Everything is in place: says so, and returns when standard input has ended. */
static bool wait_at_gate(int fd, struct error *error)
{
	char unused[64];
	ssize_t got;

	if (!samples_ready(fd, error))
		return false;
	do {
		got = read(STDIN_FILENO, unused, sizeof(unused));
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got == 0 || error_errno(error, "standard input");
}

static bool matrices(struct run *run, int fd, struct error *error)
{
	const struct options *options = run->options;
	uint64_t first_ns = 0;

	for (uint32_t i = 0; i <= options->repetitions; i++) {
		double error_part;
		uint64_t wall_ns;

		if (i == 1 && options->gate && !wait_at_gate(fd, error))
			return false;
		if (i == 1)
			first_ns = now_ns();
		if (i > 1 && options->duration_s && now_ns() - first_ns >= options->duration_s * NS_PER_S)
			break;
		run->progress->repetition = i;
		if (!forget(run, error))
			return false;
		run->start_ns = now_ns();
		if ((i == 0 && !prepare(run, error)) || !execute(run, error))
			return false;
		wall_ns = now_ns() - run->start_ns;
		if (!problem_check(run->problem, run->result, &error_part, error) ||
		    !sample(run, fd, wall_ns, error_part, error))
			return false;
	}
	return connections_report(options, run->problem->n, fd, error);
}

static bool measure_matrices(const struct options *options, uint64_t size, int fd, struct progress *progress,
			     struct error *error)
{
	struct problem problem;
	struct run run = {
		.options = options, .problem = &problem, .progress = progress, .device = {.backend = options->backend},
	};
	bool ok = problem_new(&problem, options->workload, (uint32_t)size, options->sweeps, options->seed, options->openblas,
			      error);

	if (ok) {
		run.result = malloc(problem.bytes);
		if (!run.result)
			out_of_memory();
		ok = matrices(&run, fd, error);
	}
	options->backend->close(&run.device);
	free(run.result);
	problem_free(&problem);
	return ok;
}

bool measure(const struct options *options, uint64_t size, int fd, struct progress *progress, struct error *error)
{
	bool ok;

	*progress = (struct progress){.phase = PHASE_CONNECT};
	if (options->workload == WORKLOAD_TRANSFER)
		ok = measure_transfer(options, size, fd, progress, error);
	else
		ok = measure_matrices(options, size, fd, progress, error);
	if (!ok && !progress->reported) {
		struct error reason = *error;

		/* A samples file that cannot be written is the worse of two failures. */
		if (!sample_failed(fd, options, size, progress, reason.text, error))
			return false;
		*error = reason;
	}
	return ok;
}
