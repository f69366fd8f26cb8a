#include "names.h"

#include <string.h>

/* Domain numbers from here on are not those of domains (xen/include/public/xen.h: DOMID_FIRST_RESERVED). */
#define FIRST_RESERVED 0x7ff0u

enum found names_find(const struct names *names, const char *name, uint16_t *domid)
{
	uint32_t number;
	size_t hits = 0;

	if (strcmp(name, "any") == 0) {
		*domid = V4V_ANY;
		return FOUND;
	}
	/* A domain that somebody called 7 is not what 7 means, nor is one called dom0. */
	if (strcmp(name, DOM0_NAME) == 0 || strcmp(name, "Domain-0") == 0) {
		*domid = 0;
		return FOUND;
	}
	if (strspn(name, "0123456789") == strlen(name)) {
		if (!number_parse(&number, name, 0, FIRST_RESERVED - 1))
			return ABSENT;
		*domid = (uint16_t)number;
		return names_has(names, *domid) ? FOUND : ABSENT;
	}
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->domains[i].name, name) == 0) {
			*domid = names->domains[i].domid;
			hits++;
		}
	return hits == 1 ? FOUND : hits ? AMBIGUOUS : ABSENT;
}

bool names_has(const struct names *names, uint16_t domid)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->domains[i].domid == domid)
			return true;
	return false;
}

const char *names_of(const struct names *names, uint16_t domid)
{
	uint16_t back;

	if (domid == V4V_ANY)
		return "any";
	if (domid == 0)
		return DOM0_NAME;
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->domains[i].name;

		if (names->domains[i].domid == domid)
			return name_valid(name) && names_find(names, name, &back) == FOUND && back == domid ? name : NULL;
	}
	return NULL;
}

static bool resolve_end(const struct names *names, const struct end *end, uint16_t *domid, bool *absent,
			struct error *error)
{
	switch (names_find(names, end->name, domid)) {
	case FOUND:
		return true;
	case AMBIGUOUS:
		return error_set(error, "more than one domain is called %s; use its number (xl list)",
				 shown(end->name).text);
	default:
		*absent = true;
		return error_set(error, "no domain %s runs; xl list shows those that do", shown(end->name).text);
	}
}

bool names_resolve(const struct names *names, const struct rule *rule, struct v4v_rule *resolved, bool *absent,
		   struct error *error)
{
	*absent = false;
	*resolved = (struct v4v_rule){
		.src_port = rule->from.port,
		.dst_port = rule->to.port,
		.flags = (uint16_t)((rule->from.has_port ? V4V_RULE_SRC_PORT : 0) |
				    (rule->to.has_port ? V4V_RULE_DST_PORT : 0)),
		.target = rule->target,
	};
	return resolve_end(names, &rule->from, &resolved->src_domid, absent, error) &&
	       resolve_end(names, &rule->to, &resolved->dst_domid, absent, error);
}
