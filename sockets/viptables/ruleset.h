/* A whole table as text: what --save writes and --restore reads. */
#ifndef VIPTABLES_RULESET_H
#define VIPTABLES_RULESET_H

#include "rule.h"

struct ruleset {
	uint16_t policy;
	uint32_t count;
	struct rule rules[V4V_RULES_MAX];
	/* Line that each was on, for errors found later. */
	uint32_t lines[V4V_RULES_MAX];
};

/*
 * Reads lines `-P accept|drop` (exactly one) and `-A -s DOM[:PORT] -d DOM[:PORT] -j accept|drop`; empty lines and
 * those that begin with # count for nothing. `name` is the file's in errors; the text is cut in place.
 */
bool ruleset_parse(struct ruleset *set, const char *name, char *text, size_t length, struct error *error);

#endif
