#include "rule_calls.h"

#include <string.h>

#include <xen/sched.h>

static void put(struct domain *d, unsigned long address, const void *from, size_t count)
{
	if (!guest_write(d, address, from, count))
		violation("a test writes out of its domain's memory");
}

struct v4v_rule rule_for(uint16_t src, uint16_t dst, uint16_t target)
{
	return (struct v4v_rule){.src_domid = src, .dst_domid = dst, .target = target};
}

struct v4v_rule with_ports(struct v4v_rule rule, const uint32_t *src_port, const uint32_t *dst_port)
{
	if (src_port) {
		rule.src_port = *src_port;
		rule.flags |= V4V_RULE_SRC_PORT;
	}
	if (dst_port) {
		rule.dst_port = *dst_port;
		rule.flags |= V4V_RULE_DST_PORT;
	}
	return rule;
}

static long rule_at(struct domain *d, unsigned int cmd, const struct v4v_rule *rule, uint32_t position)
{
	const struct v4v_rule_at at = {.rule = *rule, .position = position};

	put(d, address_of(CALL_FRAME, 0), &at, sizeof(at));
	return machine_hypercall(d, cmd, address_of(CALL_FRAME, 0));
}

long rule_insert(struct domain *d, const struct v4v_rule *rule, uint32_t position)
{
	return rule_at(d, V4VOP_insert_rule, rule, position);
}

long rule_append(struct domain *d, uint16_t src, uint16_t dst, uint16_t target)
{
	const struct v4v_rule rule = rule_for(src, dst, target);

	return rule_insert(d, &rule, V4V_RULE_END);
}

long rule_delete(struct domain *d, const struct v4v_rule *rule, uint32_t position)
{
	return rule_at(d, V4VOP_delete_rule, rule, position);
}

long rules_policy(struct domain *d, uint32_t target)
{
	const struct v4v_policy policy = {.target = target};

	put(d, address_of(CALL_FRAME, 0), &policy, sizeof(policy));
	return machine_hypercall(d, V4VOP_set_policy, address_of(CALL_FRAME, 0));
}

long rules_flush(struct domain *d)
{
	return machine_hypercall(d, V4VOP_flush_rules, 0);
}

long rules_zero(struct domain *d)
{
	return machine_hypercall(d, V4VOP_zero_rules, 0);
}

long rules_replace(struct domain *d, const struct v4v_rule *rules, uint32_t nr, uint32_t policy, uint32_t flags)
{
	const struct v4v_replace_rules args = {
		.nr = nr, .policy = policy, .flags = flags, .rules = address_of(RULES_FRAME, 0)};

	if (rules)
		put(d, address_of(RULES_FRAME, 0), rules, nr * sizeof(*rules));
	put(d, address_of(CALL_FRAME, 0), &args, sizeof(args));
	return machine_hypercall(d, V4VOP_replace_rules, address_of(CALL_FRAME, 0));
}

long rules_list(struct domain *d, uint32_t first, uint32_t room, struct v4v_rule_entry *entries,
		struct v4v_list_rules *list)
{
	long rc;

	*list = (struct v4v_list_rules){.first = first, .nr = room, .entries = address_of(RULES_FRAME, 0)};
	put(d, address_of(CALL_FRAME, 0), list, sizeof(*list));
	rc = machine_hypercall(d, V4VOP_list_rules, address_of(CALL_FRAME, 0));
	guest_read(d, address_of(CALL_FRAME, 0), list, sizeof(*list));
	if (!rc && list->nr <= room)
		guest_read(d, address_of(RULES_FRAME, 0), entries, list->nr * sizeof(*entries));
	return rc;
}

bool same_rule(const struct v4v_rule *a, const struct v4v_rule *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}
