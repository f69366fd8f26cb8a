#include "xen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "units.h"

struct xen xen;
char *printed, *complained;
static size_t printed_length, complained_length;

void xen_start(void)
{
	xen = (struct xen){
		.domains = {{0, "Domain-0"}, {3, "domu1"}, {7, "domu2"}},
		.count = 3,
	};
}

bool names_read(struct names *names, struct error *error)
{
	*names = (struct names){0};
	if (xen.no_store)
		return error_set(error, "no XenStore");
	names->domains = malloc(sizeof(xen.domains));
	memcpy(names->domains, xen.domains, sizeof(xen.domains));
	names->count = xen.count;
	return true;
}

void names_free(struct names *names)
{
	free(names->domains);
	*names = (struct names){0};
}

bool lock_take(struct error *error)
{
	xen.locked++;
	return !xen.busy || error_set(error, "another one holds the lock");
}

struct table *table_open(bool *absent, struct error *error)
{
	xen.opened++;
	*absent = xen.no_v4v;
	if (xen.no_hypercalls || xen.no_v4v) {
		error_set(error, xen.no_v4v ? "no V4V" : "no hypercalls");
		return NULL;
	}
	return malloc(1);
}

void table_close(struct table *table)
{
	free(table);
}

bool table_list(struct table *table, struct listing *listing, struct error *error)
{
	(void)table;
	(void)error;
	*listing = xen.table;
	return true;
}

bool table_insert(struct table *table, const struct v4v_rule *rule, uint32_t position, struct error *error)
{
	struct v4v_rule_entry *entries = xen.table.entries;

	(void)table;
	if (position == V4V_RULE_END)
		position = xen.table.count;
	if (position > xen.table.count)
		return error_set(error, "there is no such rule");
	memmove(&entries[position + 1], &entries[position], (xen.table.count++ - position) * sizeof(entries[0]));
	entries[position] = (struct v4v_rule_entry){.rule = *rule};
	xen.changes++;
	return true;
}

bool table_delete(struct table *table, const struct v4v_rule *rule, uint32_t position, struct error *error)
{
	struct v4v_rule_entry *entries = xen.table.entries;

	(void)table;
	if (position == V4V_RULE_MATCH)
		for (position = 0; position < xen.table.count; position++)
			if (memcmp(&entries[position].rule, rule, sizeof(*rule)) == 0)
				break;
	if (position >= xen.table.count)
		return error_set(error, "there is no such rule");
	memmove(&entries[position], &entries[position + 1], (--xen.table.count - position) * sizeof(entries[0]));
	xen.changes++;
	return true;
}

bool table_flush(struct table *table, struct error *error)
{
	(void)table;
	(void)error;
	xen.table.count = 0;
	xen.changes++;
	return true;
}

bool table_zero(struct table *table, struct error *error)
{
	(void)table;
	(void)error;
	for (uint32_t i = 0; i < xen.table.count; i++)
		xen.table.entries[i].packets = xen.table.entries[i].bytes = 0;
	xen.table.policy_packets = xen.table.policy_bytes = 0;
	xen.changes++;
	return true;
}

bool table_policy(struct table *table, uint16_t policy, struct error *error)
{
	(void)table;
	(void)error;
	xen.table.policy = policy;
	xen.changes++;
	return true;
}

static void die(uint16_t domid)
{
	size_t kept = 0;

	for (size_t i = 0; i < xen.count; i++)
		if (xen.domains[i].domid != domid)
			xen.domains[kept++] = xen.domains[i];
	xen.count = kept;
}

bool table_replace(struct table *table, const struct v4v_rule *rules, uint32_t count, uint16_t policy, bool *died,
		   struct error *error)
{
	(void)table;
	if (xen.dies) {
		die(xen.dies);
		xen.dies = 0;
		*died = true;
		return error_set(error, "a domain died");
	}
	*died = false;
	xen.table = (struct listing){.policy = policy, .count = count};
	for (uint32_t i = 0; i < count; i++)
		xen.table.entries[i].rule = rules[i];
	xen.changes++;
	return true;
}

int call(const char *line)
{
	const char *words[64];
	char *copy = strdup(line), *rest = copy, *word;
	FILE *out, *err;
	int count = 0, code;

	while ((word = strsep(&rest, " ")) && count < 64)
		if (*word)
			words[count++] = word;
	free(printed);
	free(complained);
	out = open_memstream(&printed, &printed_length);
	err = open_memstream(&complained, &complained_length);
	code = run(count, words, out, err);
	fclose(out);
	fclose(err);
	free(copy);
	return code;
}

static char path[64];

void file_gone(void)
{
	if (*path)
		unlink(path);
	*path = '\0';
}

const char *file_of(const char *content, size_t length)
{
	FILE *file;
	int fd;

	file_gone();
	strcpy(path, "/tmp/viptables-test.XXXXXX");
	fd = mkstemp(path);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file || fwrite(content, 1, length, file) != length || fclose(file)) {
		perror(path);
		exit(1);
	}
	return path;
}
