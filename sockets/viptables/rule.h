/* A rule as people write it: ends by name, which the domains of the moment turn into numbers (names.h). */
#ifndef VIPTABLES_RULE_H
#define VIPTABLES_RULE_H

#include <stdint.h>

#include <v4v.h>

#include "error.h"

/* Longest name of a domain, without the NUL. */
#define NAME_MAX_LENGTH 63

/* DOM[:PORT]. */
struct end {
	char name[NAME_MAX_LENGTH + 1]; /* "any", a number, or a name */
	bool has_port;
	uint32_t port;
};

struct rule {
	struct end from, to;
	uint16_t target;
};

/* From anyone to anyone; the target is still to be set. */
struct rule rule_any(void);
/* What a domain may be called here: letters, digits and _.+- */
bool name_valid(const char *name);
bool end_parse(struct end *end, const char *word, struct error *error);
/* accept or drop, in capitals or not. */
bool target_parse(uint16_t *target, const char *word, struct error *error);
const char *target_name(uint16_t target);
/* Decimal digits only, min to max. */
bool number_parse(uint32_t *number, const char *word, uint32_t min, uint32_t max);

#endif
