#include "plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"
#include "program.h"
#include "words.h"

#define PLAN_HEADER "v4v-bench-plan 1"
#define PLAN_MAX_LINE 1023u
#define PLAN_MAX_BYTES (64u << 20)
#define PLAN_MAX_DOMID 32751u      /* DOMID_FIRST_RESERVED - 1 */
#define PLAN_MAX_CID 0xfffffffeu   /* VMADDR_CID_ANY is no address */

struct parser {
	struct plan *plan;
	bool header_seen;
	size_t steps_allocated, pairs_allocated;
	uint64_t *ids; /* id << 32 | line of each step, to find doubles */
	size_t ids_allocated;
};

/* Makes room for one more entry by doubling. */
static void *grow(void *array, size_t used, size_t *allocated, size_t entry_bytes)
{
	if (used < *allocated)
		return array;
	*allocated = *allocated ? *allocated * 2 : 64;
	array = realloc(array, *allocated * entry_bytes);
	if (!array)
		out_of_memory();
	return array;
}

static bool name_valid(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strlen(name);

	return length >= 1 && length <= BENCH_MAX_NAME && strspn(name, letters) == length;
}

static bool name_field(const char *key, const char *value, char *name, struct error *error)
{
	if (!name_valid(value))
		return error_set(error, "%s=%.60s is not a name of 1 to %u of A-Z a-z 0-9 . _ -", key, value,
				 BENCH_MAX_NAME);
	memcpy(name, value, strlen(value) + 1);
	return true;
}

static bool u32_field(const char *key, const char *value, uint32_t min, uint32_t max, uint32_t *number,
		      struct error *error)
{
	uint64_t wide;

	if (!number_field(key, value, min, max, &wide, error))
		return false;
	*number = (uint32_t)wide;
	return true;
}

static size_t find_domain(const struct plan *plan, const char *name)
{
	size_t i = 0;

	while (i < plan->domain_count && strcmp(plan->domains[i].name, name) != 0)
		i++;
	return i;
}

/* The argv of an agent and the words it points to, in one allocation. */
static bool agent_field(const char *value, char ***agent, struct error *error)
{
	size_t bytes = strlen(value) + 1;
	size_t words = 1;
	char *cursor;
	char **argv;

	for (const char *c = value; *c; c++)
		words += *c == ' ';
	argv = malloc((words + 1) * sizeof(*argv) + bytes);
	if (!argv)
		out_of_memory();
	cursor = memcpy(argv + words + 1, value, bytes);
	for (size_t i = 0; i < words; i++) {
		argv[i] = word_cut(&cursor);
		if (!*argv[i]) {
			free(argv);
			return error_set(error, "agent=%.60s: its words are separated by single spaces", value);
		}
	}
	argv[words] = NULL;
	*agent = argv;
	return true;
}

static bool domain_line(struct parser *parser, char *text, struct error *error)
{
	enum { NAME, DOMID, ADDR, CID, AGENT, KEYS };
	static const char *const keys[KEYS] = {"name", "domid", "addr", "cid", "agent"};
	struct plan *plan = parser->plan;
	struct plan_domain domain;
	struct in_addr addr;
	char *values[KEYS];

	if (plan->domain_count == BENCH_MAX_DOMAINS)
		return error_set(error, "domain: more than %u domains", BENCH_MAX_DOMAINS);
	if (!fields_parse(text, keys, KEYS, AGENT, values, error) ||
	    !name_field("name", values[NAME], domain.name, error) ||
	    !u32_field("domid", values[DOMID], 0, PLAN_MAX_DOMID, &domain.domid, error) ||
	    !u32_field("cid", values[CID], 0, PLAN_MAX_CID, &domain.cid, error))
		return false;
	if (find_domain(plan, domain.name) < plan->domain_count)
		return error_set(error, "name=%s is defined twice", domain.name);
	if (inet_pton(AF_INET, values[ADDR], &addr) != 1)
		return error_set(error, "addr=%.60s is not an IPv4 address", values[ADDR]);
	inet_ntop(AF_INET, &addr, domain.addr, sizeof(domain.addr));
	if (!agent_field(values[AGENT], &domain.agent, error))
		return false;
	plan->domains[plan->domain_count++] = domain;
	return true;
}

static bool add_pair(struct parser *parser, char *word, const struct plan_step *step, struct error *error)
{
	struct plan *plan = parser->plan;
	char *colon = strchr(word, ':');
	char *slash = strchr(word, '/');
	uint32_t size = step->size;
	size_t client, server;

	if (slash) {
		*slash = '\0';
		if (!u32_field("pairs: size", slash + 1, 1, BENCH_MAX_SIZE, &size, error))
			return false;
	}
	if (!colon || (slash && slash < colon))
		return error_set(error, "pairs: \"%.60s\" is not client:server", word);
	*colon = '\0';
	client = find_domain(plan, word);
	server = find_domain(plan, colon + 1);
	if (client == plan->domain_count || server == plan->domain_count)
		return error_set(error, "pairs: no domain line above defines \"%.60s\"",
				 client == plan->domain_count ? word : colon + 1);
	if ((step->transport == TRANSPORT_UNIX || step->transport == TRANSPORT_NATIVE) && client != server)
		return error_set(error, "pairs: %s:%s are two domains, transport=%s needs one",
				 plan->domains[client].name, plan->domains[server].name,
				 transport_name(step->transport));
	plan->pairs = grow(plan->pairs, plan->pair_count, &parser->pairs_allocated, sizeof(*plan->pairs));
	plan->pairs[plan->pair_count++] = (struct plan_pair){(uint8_t)client, (uint8_t)server, size};
	return true;
}

static bool pairs_field(struct parser *parser, char *value, struct plan_step *step, struct error *error)
{
	step->first_pair = (uint32_t)parser->plan->pair_count;
	step->pair_count = 0;
	while (value) {
		char *word = value;
		char *comma = strchr(word, ',');

		if (comma)
			*comma++ = '\0';
		value = comma;
		if (step->pair_count == BENCH_MAX_PAIRS)
			return error_set(error, "pairs: more than %u pairs", BENCH_MAX_PAIRS);
		if (!add_pair(parser, word, step, error))
			return false;
		step->pair_count++;
	}
	return true;
}

static bool step_line(struct parser *parser, char *text, uint32_t line, struct error *error)
{
	enum { ID, EXPERIMENT, KIND, TRANSPORT, SIZE, WARMUP, COUNT, BUDGET_MS, REPETITION, PAIRS, KEYS };
	static const char *const keys[KEYS] = {"id", "experiment", "kind", "transport", "size",
					       "warmup", "count", "budget_ms", "repetition", "pairs"};
	struct plan *plan = parser->plan;
	struct plan_step step;
	char *values[KEYS];

	if (plan->step_count == BENCH_MAX_STEPS)
		return error_set(error, "step: more than %u steps", BENCH_MAX_STEPS);
	if (!fields_parse(text, keys, KEYS, NO_REST, values, error))
		return false;
	if (!kind_parse(values[KIND], &step.kind))
		return error_set(error, "kind=%.60s is none of pingpong, stream, connect, iperf3, redis-get, memcpy", values[KIND]);
	if (!transport_parse(values[TRANSPORT], &step.transport))
		return error_set(error, "transport=%.60s is none of tcp, tcp-stock, v4v, v4v-sockets, tcp-v4vrun, vchan, unix, native",
				 values[TRANSPORT]);
	if (!transport_carries(step.transport, step.kind))
		return error_set(error, "kind=%s does not go with transport=%s", values[KIND], values[TRANSPORT]);
	if (!u32_field("id", values[ID], 0, UINT32_MAX, &step.id, error) ||
	    !name_field("experiment", values[EXPERIMENT], step.experiment, error) ||
	    !u32_field("size", values[SIZE], 1, BENCH_MAX_SIZE, &step.size, error) ||
	    !u32_field("warmup", values[WARMUP], 0, BENCH_MAX_COUNT, &step.warmup, error) ||
	    !u32_field("count", values[COUNT], kind_times_each(step.kind), BENCH_MAX_COUNT, &step.count, error) ||
	    !u32_field("budget_ms", values[BUDGET_MS], 1, BENCH_MAX_BUDGET_MS, &step.budget_ms, error) ||
	    !u32_field("repetition", values[REPETITION], 0, 1000000, &step.repetition, error) ||
	    !pairs_field(parser, values[PAIRS], &step, error))
		return false;
	if (kind_is_program(step.kind) && !program_takes(step.kind, step.transport))
		return error_set(error, "kind=%s does not go with transport=%s", values[KIND], values[TRANSPORT]);
	if (step.kind == KIND_REDIS_GET && step.count == 0)
		return error_set(error, "kind=redis-get needs a count of requests");
	if (step.kind == KIND_CONNECT && step.size != 1)
		return error_set(error, "kind=connect goes with size=1: a byte each way");
	parser->ids = grow(parser->ids, plan->step_count, &parser->ids_allocated, sizeof(*parser->ids));
	parser->ids[plan->step_count] = (uint64_t)step.id << 32 | line;
	plan->steps = grow(plan->steps, plan->step_count, &parser->steps_allocated, sizeof(*plan->steps));
	plan->steps[plan->step_count++] = step;
	return true;
}

/* One line of clean text, NUL-terminated, which is cut in place. */
static bool parse_line(struct parser *parser, char *text, uint32_t line, struct error *error)
{
	char *keyword;

	if (!*text || *text == '#')
		return true;
	if (!parser->header_seen) {
		if (strcmp(text, PLAN_HEADER) != 0)
			return error_set(error, "\"%.60s\": the first line must be \"" PLAN_HEADER "\"", text);
		parser->header_seen = true;
		return true;
	}
	keyword = word_cut(&text);
	if (strcmp(keyword, "domain") == 0)
		return domain_line(parser, text, error);
	if (strcmp(keyword, "step") == 0)
		return step_line(parser, text, line, error);
	return error_set(error, "unknown keyword \"%.60s\": only domain and step are known", keyword);
}

static bool line_clean(const char *text, size_t length, struct error *error)
{
	if (length > PLAN_MAX_LINE)
		return error_set(error, "the line has %zu bytes, more than %u", length, PLAN_MAX_LINE);
	for (size_t i = 0; i < length;) {
		size_t bytes = utf8_length(text + i, length - i);

		if (bytes == 0)
			return error_set(error, "byte %zu of the line is not UTF-8", i + 1);
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return error_set(error, "byte %zu of the line is a control character (0x%02x)", i + 1,
					 (unsigned)text[i]);
		i += bytes;
	}
	return true;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* What only the whole plan shows. Sets *line where a line is to blame. */
static bool check_whole(struct parser *parser, uint32_t *line, struct error *error)
{
	size_t count = parser->plan->step_count;
	uint64_t *ids = parser->ids;

	if (!parser->header_seen)
		return error_set(error, "the plan is empty: no \"" PLAN_HEADER "\" line");
	if (count == 0)
		return error_set(error, "the plan has no step line");
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < count; i++) {
		if (ids[i] >> 32 == ids[i - 1] >> 32) {
			*line = (uint32_t)ids[i];
			return error_set(error, "id=%u is also the id of line %u", (unsigned)(ids[i] >> 32),
					 (unsigned)(uint32_t)ids[i - 1]);
		}
	}
	return true;
}

bool plan_parse(struct plan *plan, const char *name, const char *text, size_t length, struct error *error)
{
	struct parser parser = {.plan = plan};
	struct error reason;
	uint32_t line = 0;
	bool ok = true;

	memset(plan, 0, sizeof(*plan));
	plan->hash = fnv1a64(FNV1A64_START, text, length);
	for (size_t at = 0; ok && at < length;) {
		const char *newline = memchr(text + at, '\n', length - at);
		size_t bytes = newline ? (size_t)(newline - text) - at : length - at;
		char copy[PLAN_MAX_LINE + 1];

		line++;
		ok = line_clean(text + at, bytes, &reason);
		if (ok) {
			memcpy(copy, text + at, bytes);
			copy[bytes] = '\0';
			ok = parse_line(&parser, copy, line, &reason);
		}
		at += bytes + 1;
	}
	if (ok)
		ok = check_whole(&parser, &line, &reason);
	free(parser.ids);
	if (!ok) {
		error_set(error, "%.120s:%u: %s", name, (unsigned)line, reason.text);
		plan_free(plan);
	}
	return ok;
}

/* The whole file in memory, or NULL with a reason. */
static char *read_file(const char *path, size_t *length, struct error *error)
{
	FILE *file = fopen(path, "rbe");
	size_t allocated = 0;
	char *text = NULL;

	*length = 0;
	if (!file) {
		error_set(error, "%.200s: %s", path, strerror(errno));
		return NULL;
	}
	while (*length <= PLAN_MAX_BYTES && !feof(file) && !ferror(file)) {
		if (allocated - *length < 65536) {
			allocated = allocated ? allocated * 2 : 131072;
			text = realloc(text, allocated);
			if (!text)
				out_of_memory();
		}
		*length += fread(text + *length, 1, allocated - *length, file);
	}
	if (ferror(file))
		error_set(error, "%.200s: %s", path, strerror(errno));
	else if (*length > PLAN_MAX_BYTES)
		error_set(error, "%.200s: more than %u bytes", path, PLAN_MAX_BYTES);
	else
		error->text[0] = '\0';
	fclose(file);
	if (error->text[0]) {
		free(text);
		return NULL;
	}
	return text;
}

bool plan_load(struct plan *plan, const char *path, bool *unreadable, struct error *error)
{
	size_t length;
	char *text = read_file(path, &length, error);
	bool ok;

	*unreadable = !text;
	if (!text)
		return false;
	ok = plan_parse(plan, path, text, length, error);
	free(text);
	return ok;
}

bool plan_fits(const struct plan *plan, const char *name, uint32_t step_timeout_ms, struct error *error)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		if (plan->steps[i].budget_ms >= step_timeout_ms)
			return error_set(error, "%.200s: step id=%u: budget_ms=%u leaves no time within the %u ms that "
					 "a step may take (see --step-timeout)", name, (unsigned)plan->steps[i].id,
					 (unsigned)plan->steps[i].budget_ms, (unsigned)step_timeout_ms);
	}
	return true;
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->domain_count; i++)
		free(plan->domains[i].agent);
	free(plan->steps);
	free(plan->pairs);
	memset(plan, 0, sizeof(*plan));
}
