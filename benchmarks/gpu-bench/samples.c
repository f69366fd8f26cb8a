#include "samples.h"

#include <stdio.h>
#include <time.h>

#include "io.h"

static bool line_write(struct json *json, int fd, struct error *error)
{
	bool ok;

	json_newline(json);
	ok = write_all(fd, json->text, json->length) || error_errno(error, "the samples");
	json_reset(json);
	return ok;
}

void pair_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_string(json, text);
}

void pair_number(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_u64(json, number);
}

bool samples_start(int fd, struct error *error)
{
	struct json json = {0};
	char text[32];
	time_t now = time(NULL);
	struct tm utc;
	bool ok;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	json_open(&json, '{');
	pair_text(&json, "type", "start");
	pair_number(&json, "version", 1);
	pair_text(&json, "bench", GPU_BENCH_VERSION);
	pair_text(&json, "program", "gpu-bench");
	pair_text(&json, "clock", "CLOCK_MONOTONIC");
	pair_text(&json, "time", text);
	json_close(&json, '}');
	ok = line_write(&json, fd, error);
	json_free(&json);
	return ok;
}

bool samples_ready(int fd, struct error *error)
{
	struct json json = {0};
	bool ok;

	json_open(&json, '{');
	pair_text(&json, "type", "ready");
	json_close(&json, '}');
	ok = line_write(&json, fd, error);
	json_free(&json);
	return ok;
}

bool samples_end(int fd, uint64_t ok, uint64_t failed, struct error *error)
{
	struct json json = {0};
	bool written;

	json_open(&json, '{');
	pair_text(&json, "type", "end");
	pair_number(&json, "ok", ok);
	pair_number(&json, "failed", failed);
	json_close(&json, '}');
	written = line_write(&json, fd, error);
	json_free(&json);
	return written;
}

static void device_object(struct json *json, const struct progress *progress)
{
	json_key(json, "device");
	if (!progress->connected) {
		json_null(json);
		return;
	}
	json_open(json, '{');
	pair_text(json, "platform", progress->info.platform);
	pair_text(json, "name", progress->info.name);
	pair_text(json, "driver", progress->info.driver);
	pair_text(json, "type", device_type_name(progress->info.type));
	json_close(json, '}');
}

void sample_open(struct json *json, const struct options *options, uint64_t size, const struct progress *progress, bool ok)
{
	const bool transfer = options->workload == WORKLOAD_TRANSFER;
	char experiment[32];

	json_open(json, '{');
	pair_text(json, "type", "sample");
	snprintf(experiment, sizeof(experiment), "gpu-%s", workload_name(options->workload));
	pair_text(json, "experiment", experiment);
	pair_text(json, "kind", workload_name(options->workload));
	pair_text(json, "transport", options->transport);
	pair_text(json, "backend", options->backend->name);
	if (!transfer)
		pair_number(json, "size", size);
	pair_number(json, "size_bytes", sample_bytes(options, size));
	if (!transfer)
		pair_number(json, "sweeps", options->workload == WORKLOAD_STENCIL ? options->sweeps : 0);
	pair_number(json, "repetition", progress->repetition);
	if (transfer)
		pair_text(json, "direction", progress->to_device ? "to_device" : "from_device");
	else
		pair_text(json, "start", progress->repetition ? "warm" : "cold");
	json_key(json, "ok");
	json_bool(json, ok);
	device_object(json, progress);
}

uint64_t sample_bytes(const struct options *options, uint64_t size)
{
	return options->workload == WORKLOAD_TRANSFER ? size : size * size * sizeof(float);
}

bool sample_close(struct json *json, int fd, struct error *error)
{
	json_close(json, '}');
	return line_write(json, fd, error);
}

bool sample_failed(int fd, const struct options *options, uint64_t size, struct progress *progress, const char *reason,
		   struct error *error)
{
	struct json json = {0};
	bool ok;

	sample_open(&json, options, size, progress, false);
	pair_text(&json, "phase", phase_name(progress->phase));
	pair_text(&json, "error", reason);
	ok = sample_close(&json, fd, error);
	json_free(&json);
	progress->failed++;
	progress->reported = true;
	snprintf(progress->reason, sizeof(progress->reason), "%s", reason);
	return ok;
}
