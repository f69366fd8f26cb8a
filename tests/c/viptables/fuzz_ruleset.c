/*
 * Mutates files of rules by a seeded generator (FUZZ_SEED, default 1), FUZZ_COUNT times (default 100000). Whatever comes
 * out, the parser ends without a sanitizer's complaint; what it accepts is within bounds, means the same when it is
 * resolved, printed and read again, and what it refuses has a reason that can be printed.
 */
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "ruleset.h"
#include "show.h"
#include "units.h"
#include "xen.h"

#define MAX_TEXT 4096u

uint64_t random_state;

static const char *const seeds[] = {
	"-P accept\n-A -s domu1 -d domu2:5000 -j drop\n-A -s any:1 -d dom0 -j ACCEPT\n",
	"# rules\n\n\t-P DROP\n-A -j accept\n  --append --source 3:4294967295 --destination 7 --jump drop\n",
};

static const char *const tokens[] = {"-A ", "-P ", " -s ", " -d ", " -j ", "drop", "accept", "domu1", "domu2", "any", "dom0",
				     ":", "0", "1", "4294967296", "-", "\n", " ", "\t", "#", "-A -j drop\n", "-P drop\n", "-D 1\n",
				     "--restore -\n", "\xff", "\x1b[2J", "a.b_c+d-e", "--", "18446744073709551616"};

static size_t insert(char *text, size_t length, size_t at, const char *part, size_t bytes)
{
	if (length + bytes > MAX_TEXT)
		return length;
	memmove(text + at + bytes, text + at, length - at);
	memcpy(text + at, part, bytes);
	return length + bytes;
}

static size_t mutate(char *text, size_t length)
{
	size_t at = below((uint32_t)length + 1), bytes = below(30);
	const char *token = tokens[below(sizeof(tokens) / sizeof(tokens[0]))];
	char copy[40];

	if (bytes > length - at)
		bytes = length - at;
	switch (below(6)) {
	case 0:
		if (at < length)
			text[at] = (char)(text[at] ^ (1 << below(8)));
		return length;
	case 1:
		if (at < length)
			text[at] = (char)below(256);
		return length;
	case 2:
		memmove(text + at, text + at + bytes, length - at - bytes);
		return length - bytes;
	case 3:
		memcpy(copy, text + at, bytes);
		return insert(text, length, below((uint32_t)length + 1), copy, bytes);
	default:
		return insert(text, length, at, token, strlen(token));
	}
}

/* NULL if a rule names a domain that does not run. */
static char *print(const struct ruleset *set)
{
	static struct v4v_rule rules[V4V_RULES_MAX];
	struct names names;
	struct error error;
	size_t length;
	char *text = NULL;
	bool absent = false, all = true;
	FILE *out;

	CHECK(set->count <= V4V_RULES_MAX && set->policy <= V4V_DROP);
	names_read(&names, &error);
	for (uint32_t i = 0; i < set->count && all; i++) {
		CHECK(name_valid(set->rules[i].from.name) && name_valid(set->rules[i].to.name));
		all = names_resolve(&names, &set->rules[i], &rules[i], &absent, &error);
	}
	CHECK(all || absent);
	if (all) {
		out = open_memstream(&text, &length);
		show_saved(out, set->policy, rules, sizeof(rules[0]), set->count, &names);
		fclose(out);
	}
	names_free(&names);
	return text;
}

static void check_accepted(const struct ruleset *set)
{
	static struct ruleset again;
	struct error error;
	char *first = print(set), *copy, *second;

	if (!first)
		return;
	copy = strdup(first);
	if (!ruleset_parse(&again, "again", copy, strlen(copy), &error)) {
		printf("# %s\n", error.text);
		check_failed = true;
	} else {
		second = print(&again);
		CHECK(second && strcmp(first, second) == 0);
		free(second);
	}
	free(copy);
	free(first);
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoul(value, NULL, 10) : otherwise;
}

int main(void)
{
	unsigned long count = from_environment("FUZZ_COUNT", 100000), accepted = 0;
	static struct ruleset set;

	random_start(from_environment("FUZZ_SEED", 1));
	xen_start();
	for (unsigned long i = 0; i < count && !check_failed; i++) {
		static char text[MAX_TEXT];
		const char *seed = seeds[below(sizeof(seeds) / sizeof(seeds[0]))];
		size_t length = strlen(seed);
		struct error error = {.text = ""};
		char *exact;

		memcpy(text, seed, length);
		for (uint32_t times = 1 + below(below(4) ? 2 : 10); times; times--)
			length = mutate(text, length);
		exact = malloc(length ? length : 1); /* exact, so that a read past the end is seen */
		memcpy(exact, text, length);
		if (ruleset_parse(&set, "fuzz", exact, length, &error)) {
			accepted++;
			check_accepted(&set);
		} else {
			CHECK(strncmp(error.text, "fuzz: ", 6) == 0);
			for (const char *c = error.text; *c; c++)
				CHECK(*c >= ' ' && *c <= '~');
		}
		if (check_failed)
			printf("# case %lu: %.*s\n", i, (int)length, text);
		free(exact);
	}
	if (count >= 1000)
		CHECK(accepted > count / 50 && accepted < count - count / 50);
	printf("# %lu mutated files, %lu of them accepted\n", count, accepted);
	printf("%s ruleset_fuzz\n", check_failed ? "FAIL" : "ok");
	return check_failed;
}
