#include "cpu.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "lines.h"
#include "process.h"
#include "words.h"

static bool add_line(struct cpu_times *times, char *line, struct error *error)
{
	char *cursor = line;
	char *domid = word_cut(&cursor);
	uint64_t id, ns;

	if (!cursor || !number_parse(domid, 0, 65535, &id) || !number_parse(cursor, 0, UINT64_MAX, &ns))
		return error_set(error, "a line is not `domid ns`");
	if (times->count == CPU_MAX_DOMAINS)
		return error_set(error, "more than %u domains", CPU_MAX_DOMAINS);
	times->domains[times->count].domid = (uint32_t)id;
	times->domains[times->count++].ns = ns;
	return true;
}

/* Until the end of the command's stdout. */
static bool read_times(const struct process *process, uint64_t deadline_ns, struct cpu_times *times,
		       struct error *error)
{
	struct lines lines = {.start = 0};

	for (;;) {
		struct pollfd polled = {.fd = process->out, .events = POLLIN};
		ssize_t bytes;
		char *line;

		if (now_ns() >= deadline_ns)
			return error_set(error, "no answer in time");
		if (poll(&polled, 1, ms_until(deadline_ns)) != 1)
			continue;
		bytes = lines_fill(&lines, process->out);
		if (bytes == 0)
			return times->count > 0 || error_set(error, "it printed nothing");
		if (bytes < 0 && errno != EAGAIN)
			return error_errno(error, "read");
		while ((line = lines_next(&lines))) {
			if (!add_line(times, line, error))
				return false;
		}
	}
}

/* The reason, and what the command itself says about it. */
static bool fail_with_complaint(const struct process *process, struct error *error)
{
	struct lines lines = {.start = 0};
	struct error reason = *error;
	char *line;

	if (lines_fill(&lines, process->err) > 0 && (line = lines_next(&lines)))
		return error_set(error, "%s (%.160s)", reason.text, line);
	return false;
}

bool cpu_read(char *const argv[], uint64_t deadline_ns, struct cpu_times *times, struct error *error)
{
	struct process process;
	char how[80];
	bool ok;

	times->count = 0;
	if (!process_start(&process, argv, error))
		return false;
	ok = read_times(&process, deadline_ns, times, error);
	times->at_ns = now_ns();
	if (!ok)
		fail_with_complaint(&process, error);
	if (!process_end(&process, ok ? 1000 : 0, how, sizeof(how)) && ok)
		return error_set(error, "%s %s", argv[0], how);
	return ok;
}

void cpu_difference(const struct cpu_times *before, const struct cpu_times *after, struct cpu_times *used)
{
	used->at_ns = after->at_ns - before->at_ns;
	used->count = 0;
	for (size_t i = 0; i < after->count; i++) {
		for (size_t j = 0; j < before->count; j++) {
			if (before->domains[j].domid != after->domains[i].domid ||
			    after->domains[i].ns < before->domains[j].ns)
				continue;
			used->domains[used->count].domid = after->domains[i].domid;
			used->domains[used->count++].ns = after->domains[i].ns - before->domains[j].ns;
			break;
		}
	}
}
