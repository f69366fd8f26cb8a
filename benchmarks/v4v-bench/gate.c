#include "gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "stop.h"
#include "words.h"

#define GATE_HEADER "v4v-bench-gate 1"
#define LOOK_EVERY_MS 200u

/* State of reading a file. */
struct reader {
	const struct plan *plan;
	bool header_seen, until_seen;
	size_t until;
	size_t next; /* no step before this one can be named any more */
	bool *skip;
};

static bool skip_id(struct reader *reader, uint64_t id, struct error *error)
{
	const struct plan *plan = reader->plan;
	size_t i = reader->next;

	while (i < plan->step_count && plan->steps[i].id != id)
		i++;
	if (i == plan->step_count)
		return error_set(error, "skip %llu: the plan has no such step after the ones named above",
				 (unsigned long long)id);
	reader->skip[i] = true;
	reader->next = i + 1;
	return true;
}

static bool read_line(struct reader *reader, char *text, struct error *error)
{
	char *word;
	uint64_t number;

	if (!reader->header_seen) {
		reader->header_seen = strcmp(text, GATE_HEADER) == 0;
		return reader->header_seen ||
		       error_set(error, "\"%.60s\": the first line must be \"" GATE_HEADER "\"", text);
	}
	word = word_cut(&text);
	if (strcmp(word, "until") != 0 && strcmp(word, "skip") != 0)
		return error_set(error, "unknown keyword \"%.60s\": only until and skip are known", word);
	if (!text || !number_parse(text, 0, UINT32_MAX, &number))
		return error_set(error, "%s needs one whole number", word);
	if (strcmp(word, "skip") == 0)
		return skip_id(reader, number, error);
	if (reader->until_seen || number > reader->plan->step_count)
		return error_set(error, "until %llu: %s", (unsigned long long)number,
				 reader->until_seen ? "said twice" : "the plan has fewer steps");
	reader->until_seen = true;
	reader->until = (size_t)number;
	return true;
}

static bool read_lines(struct reader *reader, FILE *file, uint32_t *at, struct error *error)
{
	char line[128];

	while (fgets(line, sizeof(line), file)) {
		char *newline = strchr(line, '\n');

		++*at;
		if (!newline)
			return error_set(error, "the line is too long, or the file ends within it");
		*newline = '\0';
		if (!read_line(reader, line, error))
			return false;
	}
	if (ferror(file))
		return error_set(error, "%s", strerror(errno));
	return reader->until_seen || error_set(error, "there is no until line");
}

bool gate_read(struct gate *gate, const struct plan *plan, struct error *error)
{
	struct reader reader = {.plan = plan};
	FILE *file = fopen(gate->path, "re");
	struct error reason;
	uint32_t line = 0;
	bool ok;

	if (!file)
		return error_set(error, "%.200s: %s", gate->path, strerror(errno));
	reader.skip = calloc(plan->step_count, sizeof(*reader.skip));
	if (!reader.skip)
		out_of_memory();
	ok = read_lines(&reader, file, &line, &reason);
	fclose(file);
	if (!ok) {
		free(reader.skip);
		return error_set(error, "%.120s:%u: %s", gate->path, (unsigned)line, reason.text);
	}
	free(gate->skip);
	gate->skip = reader.skip;
	gate->until = reader.until;
	return true;
}

bool gate_wait(struct gate *gate, const struct plan *plan, size_t done, struct error *error)
{
	uint64_t deadline_ns = deadline_in_ms(gate->wait_ms);

	error->text[0] = '\0';
	for (;;) {
		if (!gate_read(gate, plan, error))
			return false;
		if (gate->until > done)
			return true;
		if (stop_requested())
			return false;
		if (now_ns() >= deadline_ns)
			return error_set(error, "%.120s: nobody said within %u ms how to go on after step %zu of %zu; the same "
					 "command goes on", gate->path, (unsigned)gate->wait_ms, done, plan->step_count);
		sleep_until(deadline_in_ms(LOOK_EVERY_MS));
	}
}

void gate_free(struct gate *gate)
{
	free(gate->skip);
	gate->skip = NULL;
}
