/*
 * FUZZ_COUNT (default 300000) configuration files made of pieces of such, given without a terminator: the parser keeps
 * to its bounds, and a rule that is taken never reaches beyond what it says. Seed: FUZZ_SEED, default 1.
 */
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "random.h"
#include "units.h"

bool check_failed;
uint64_t random_state;

static size_t make_text(char *text)
{
	static const char *const pieces[] = {"mode", "include", "exclude", "=", "auto", "off", "require", "\n", " ", ",", "#",
					     "10.83.0.1", "/24", "/33", ":80", "-90", ":", "*", "255.255.255.255", "65536"};
	size_t length = 0;

	for (unsigned int n = below(24); n; n--) {
		const char *piece = pieces[below(sizeof(pieces) / sizeof(pieces[0]))];

		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
	}
	for (unsigned int n = below(3); length && n; n--)
		text[below((unsigned int)length)] = (char)any();
	return length;
}

static void check_rules(const struct rules *rules)
{
	CHECK(rules->count <= RULES_MAX);
	for (unsigned int i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->rule[i];

		CHECK(!(rule->address & ~rule->mask) && rule->first_port <= rule->last_port && !(~rule->mask & (~rule->mask + 1)));
	}
}

int main(void)
{
	const char *count = getenv("FUZZ_COUNT"), *seed = getenv("FUZZ_SEED");

	TESTS_BEGIN;
	random_start(seed ? strtoul(seed, NULL, 10) : 1);
	for (unsigned long i = count ? strtoul(count, NULL, 10) : 300000; i && !check_failed; i--) {
		char text[1024], *exact;
		size_t length = make_text(text);
		struct policy policy = {0};

		exact = malloc(length ? length : 1);
		memcpy(exact, text, length);
		policy_text(&policy, exact, length);
		free(exact);
		check_rules(&policy.include);
		check_rules(&policy.exclude);
		policy_wants(&policy, any(), (uint16_t)any());
	}
	printf("%s files\n", check_failed ? "FAIL" : "ok");
	return check_failed;
}
