/* How far an existing samples file has come. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "samples.h"

/* Lines are known by how they begin: all of them were written by samples.c. */
#define START_OPENING "{\"type\":\"start\",\"version\":1,\"plan\":\""
#define SAMPLE_OPENING "{\"type\":\"sample\",\"id\":"
#define STEP_OPENING "{\"type\":\"step\",\"id\":"
#define END_OPENING "{\"type\":\"end\","

static bool begins(const char *line, const char *opening)
{
	return strncmp(line, opening, strlen(opening)) == 0;
}

/* State of reading an existing file. */
struct scan {
	struct samples *samples;
	const struct plan *plan;
	uint64_t ok, failed; /* since the last step line */
	off_t keep;          /* up to here the file is whole */
};

static bool other_plan(const struct scan *scan, struct error *error)
{
	return error_set(error, "%.200s holds samples of another plan: choose another file, or remove it",
			 scan->samples->path);
}

static bool scan_start(struct scan *scan, const char *line, struct error *error)
{
	char expected[sizeof(START_OPENING) + 20];

	if (!begins(line, START_OPENING))
		return error_set(error, "%.200s is not a samples file", scan->samples->path);
	snprintf(expected, sizeof(expected), START_OPENING "%016llx\"", (unsigned long long)scan->plan->hash);
	if (!begins(line, expected))
		return other_plan(scan, error);
	scan->samples->started = true;
	return true;
}

static bool scan_step(struct scan *scan, const char *line, struct error *error)
{
	struct samples *samples = scan->samples;
	unsigned long long id, done, of, ms;

	if (samples->steps_done == scan->plan->step_count ||
	    sscanf(line, STEP_OPENING "%llu,\"done\":%llu,\"of\":%llu,\"t_ms\":%llu", &id, &done, &of, &ms) != 4 ||
	    id != scan->plan->steps[samples->steps_done].id)
		return error_set(error, "%.200s: its steps do not follow the plan: choose another file, or remove it",
				 samples->path);
	samples->steps_done++;
	samples->earlier_ms = ms;
	samples->ok += scan->ok;
	samples->failed += scan->failed;
	scan->ok = scan->failed = 0;
	return true;
}

/* A whole line at `end` bytes into the file. */
static bool scan_line(struct scan *scan, const char *line, off_t end, struct error *error)
{
	struct samples *samples = scan->samples;

	if (!samples->started) {
		if (!scan_start(scan, line, error))
			return false;
		scan->keep = end;
	} else if (begins(line, STEP_OPENING)) {
		if (!scan_step(scan, line, error))
			return false;
		scan->keep = end;
	} else if (begins(line, SAMPLE_OPENING)) {
		/* No string can hold this text: its quotes would be escaped. */
		if (strstr(line, ",\"ok\":true,"))
			scan->ok++;
		else
			scan->failed++;
	} else if (begins(line, END_OPENING) && samples->steps_done == scan->plan->step_count) {
		samples->ended = true;
		scan->keep = end;
	}
	return true;
}

/* The file may break off in its first line; anything else that is not ours must not be cut. */
static bool is_cut_start(const char *text, size_t length)
{
	size_t opening = strlen(START_OPENING);

	return strncmp(text, START_OPENING, length < opening ? length : opening) == 0;
}

static bool scan_file(struct scan *scan, FILE *file, struct error *error)
{
	char *line = NULL;
	size_t allocated = 0;
	ssize_t length;
	off_t end = 0;
	bool ok = true;

	while (ok && (length = getline(&line, &allocated, file)) > 0) {
		end += length;
		if (line[length - 1] == '\n') {
			ok = scan_line(scan, line, end, error);
		} else if (!scan->samples->started && !is_cut_start(line, (size_t)length)) {
			ok = error_set(error, "%.200s is not a samples file", scan->samples->path);
		}
	}
	if (ok && ferror(file))
		ok = error_set(error, "%.200s: %s", scan->samples->path, strerror(errno));
	free(line);
	return ok;
}

bool samples_resume(struct samples *samples, const struct plan *plan, struct error *error)
{
	struct scan scan = {.samples = samples, .plan = plan};
	int copy = fcntl(samples->fd, F_DUPFD_CLOEXEC, 0);
	FILE *file = copy >= 0 ? fdopen(copy, "r") : NULL;
	bool ok;

	if (!file) {
		if (copy >= 0)
			close(copy);
		return error_set(error, "%.200s: %s", samples->path, strerror(errno));
	}
	ok = scan_file(&scan, file, error);
	fclose(file);
	if (!ok)
		return false;
	if (ftruncate(samples->fd, scan.keep) != 0 || lseek(samples->fd, scan.keep, SEEK_SET) < 0)
		return error_set(error, "%.200s: %s", samples->path, strerror(errno));
	return true;
}
