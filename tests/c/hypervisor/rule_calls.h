/* What a guest does with the table of rules; only the control domain gets anywhere. */
#ifndef RULE_CALLS_H
#define RULE_CALLS_H

#include "guest.h"

/* Rules that are read or written in one call lie here. */
#define RULES_FRAME LIST_FRAME

/* From and to whatever is not said. */
struct v4v_rule rule_for(uint16_t src, uint16_t dst, uint16_t target);
struct v4v_rule with_ports(struct v4v_rule rule, const uint32_t *src_port, const uint32_t *dst_port);

long rule_insert(struct domain *d, const struct v4v_rule *rule, uint32_t position);
long rule_append(struct domain *d, uint16_t src, uint16_t dst, uint16_t target);
long rule_delete(struct domain *d, const struct v4v_rule *rule, uint32_t position);
long rules_policy(struct domain *d, uint32_t target);
long rules_flush(struct domain *d);
long rules_zero(struct domain *d);
long rules_replace(struct domain *d, const struct v4v_rule *rules, uint32_t nr, uint32_t policy, uint32_t flags);
/* Reads up to `room` rules from `first` on; `list` gets what the call wrote. */
long rules_list(struct domain *d, uint32_t first, uint32_t room, struct v4v_rule_entry *entries,
		struct v4v_list_rules *list);
bool same_rule(const struct v4v_rule *a, const struct v4v_rule *b);

#endif
