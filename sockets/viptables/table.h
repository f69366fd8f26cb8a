/* The hypervisor's table of rules (kernel/include/v4v.h), by hypercall (table_xen.c). */
#ifndef VIPTABLES_TABLE_H
#define VIPTABLES_TABLE_H

#include <stdint.h>

#include <v4v.h>

#include "error.h"

struct table;

struct listing {
	uint16_t policy;
	uint64_t policy_packets, policy_bytes;
	uint32_t count;
	struct v4v_rule_entry entries[V4V_RULES_MAX];
};

/* NULL for an error; `absent`: there is no V4V, so nothing that rules could judge. */
struct table *table_open(bool *absent, struct error *error);
void table_close(struct table *table);

bool table_list(struct table *table, struct listing *listing, struct error *error);
/* Positions count from zero; V4V_RULE_END, V4V_RULE_MATCH. */
bool table_insert(struct table *table, const struct v4v_rule *rule, uint32_t position, struct error *error);
bool table_delete(struct table *table, const struct v4v_rule *rule, uint32_t position, struct error *error);
bool table_flush(struct table *table, struct error *error);
bool table_zero(struct table *table, struct error *error);
bool table_policy(struct table *table, uint16_t policy, struct error *error);
/* `died`: refused because a domain that a rule names has died meanwhile. */
bool table_replace(struct table *table, const struct v4v_rule *rules, uint32_t count, uint16_t policy, bool *died,
		   struct error *error);

#endif
