/* Domains by name: the rules of the hypervisor know numbers, and these change with each restart of a domain. */
#ifndef VIPTABLES_NAMES_H
#define VIPTABLES_NAMES_H

#include "rule.h"

#define DOM0_NAME "dom0"

struct domain_name {
	uint16_t domid;
	char name[NAME_MAX_LENGTH + 1];
};

/* The domains that run now. Those whose names could not be written in a rule have an empty one. */
struct names {
	struct domain_name *domains;
	size_t count;
};

/* From XenStore (names_xen.c). */
bool names_read(struct names *names, struct error *error);
void names_free(struct names *names);

enum found { FOUND, ABSENT, AMBIGUOUS };

/* `any`, a number, dom0 (or Domain-0), else the name of a domain that runs. */
enum found names_find(const struct names *names, const char *name, uint16_t *domid);
/* The name by which names_find finds a domain; NULL if there is none but its number. */
const char *names_of(const struct names *names, uint16_t domid);
bool names_has(const struct names *names, uint16_t domid);

/* A rule for the hypervisor; false and `absent` if it names a domain that does not run, false alone for an error. */
bool names_resolve(const struct names *names, const struct rule *rule, struct v4v_rule *resolved, bool *absent,
		   struct error *error);

#endif
