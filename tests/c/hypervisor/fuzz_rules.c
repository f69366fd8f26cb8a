/* Rules of hostile callers and of the control domain, beside a table of our own that says what must come of them. */
#include <errno.h>

#include "fuzz.h"
#include "rule_calls.h"

static struct v4v_rule_entry table[V4V_RULES_MAX];
static uint32_t nr_rules;
static struct v4v_rule_entry policy;

void rules_forget_all(void)
{
	nr_rules = 0;
	policy = (struct v4v_rule_entry){.rule = rule_for(V4V_ANY, V4V_ANY, V4V_ACCEPT)};
}

void rules_forget_domain(uint16_t domid)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < nr_rules; i++)
		if (table[i].rule.src_domid != domid && table[i].rule.dst_domid != domid)
			table[kept++] = table[i];
	nr_rules = kept;
}

struct v4v_rule_entry *rules_judge(uint16_t src, uint32_t src_port, uint16_t dst, uint32_t dst_port)
{
	for (uint32_t i = 0; i < nr_rules; i++) {
		const struct v4v_rule *rule = &table[i].rule;

		if ((rule->src_domid == V4V_ANY || rule->src_domid == src) &&
		    (rule->dst_domid == V4V_ANY || rule->dst_domid == dst) &&
		    (!(rule->flags & V4V_RULE_SRC_PORT) || rule->src_port == src_port) &&
		    (!(rule->flags & V4V_RULE_DST_PORT) || rule->dst_port == dst_port))
			return &table[i];
	}
	return &policy;
}

static bool lives(uint16_t domid)
{
	if (domid == V4V_ANY)
		return true;
	for (unsigned int i = 0; i < NUMBERS; i++)
		if (number_of(i) == domid)
			return guests[i].life == ALIVE && guests[i].d->v4v;
	return false;
}

static struct v4v_rule any_rule(void)
{
	uint32_t src_port = below(3), dst_port = below(PORTS);
	struct v4v_rule rule = rule_for(once_in(3) ? V4V_ANY : any_domid(), once_in(3) ? V4V_ANY : any_domid(),
					once_in(4) ? V4V_DROP : V4V_ACCEPT);

	rule = with_ports(rule, once_in(4) ? &src_port : NULL, once_in(2) ? &dst_port : NULL);
	if (once_in(15))
		switch (below(4)) {
		case 0:
			rule.flags = (uint16_t)odd_number();
			break;
		case 1:
			rule.target = (uint16_t)odd_number();
			break;
		case 2:
			rule.src_port = odd_number();
			break;
		default:
			rule.dst_port = odd_number();
		}
	return rule;
}

static long judged(const struct v4v_rule *rule)
{
	if (rule->target > V4V_DROP || rule->flags > (V4V_RULE_SRC_PORT | V4V_RULE_DST_PORT) ||
	    (rule->src_port && !(rule->flags & V4V_RULE_SRC_PORT)) ||
	    (rule->dst_port && !(rule->flags & V4V_RULE_DST_PORT)))
		return -EINVAL;
	return 0;
}

static long named(const struct v4v_rule *rule)
{
	return lives(rule->src_domid) && lives(rule->dst_domid) ? 0 : -ESRCH;
}

/* Memory may run out under any change, which then is none. */
static bool came(const char *what, bool control, long rc, long expected)
{
	if (!control)
		expected = -EPERM;
	if (rc == -ENOMEM && control)
		return false;
	if (rc != expected)
		violation("%s returns %ld instead of %ld", what, rc, expected);
	return !rc;
}

static void fuzz_insert(struct domain *d, bool control)
{
	struct v4v_rule rule = any_rule();
	uint32_t position = once_in(3) ? V4V_RULE_END : once_in(8) ? odd_number() : below(nr_rules + 2), at;
	long expected = judged(&rule), rc;

	meddle(d);
	rc = rule_insert(d, &rule, position);
	stop_meddling();
	at = position == V4V_RULE_END ? nr_rules : position;
	if (!expected && at > nr_rules)
		expected = -ENOENT;
	if (!expected && nr_rules == V4V_RULES_MAX)
		expected = -ENOSPC;
	if (!expected)
		expected = named(&rule);
	if (!came("insert_rule", control, rc, expected))
		return;
	memmove(&table[at + 1], &table[at], (nr_rules++ - at) * sizeof(table[0]));
	table[at] = (struct v4v_rule_entry){.rule = rule};
}

static void fuzz_delete(struct domain *d, bool control)
{
	struct v4v_rule rule = nr_rules && !once_in(4) ? table[below(nr_rules)].rule : any_rule();
	uint32_t position = once_in(2) ? V4V_RULE_MATCH : once_in(8) ? odd_number() : below(nr_rules + 2), at;
	long rc;

	meddle(d);
	rc = rule_delete(d, &rule, position);
	stop_meddling();
	at = position;
	if (position == V4V_RULE_MATCH)
		for (at = 0; at < nr_rules && !same_rule(&table[at].rule, &rule); at++)
			;
	if (!came("delete_rule", control, rc, at < nr_rules ? 0 : -ENOENT))
		return;
	memmove(&table[at], &table[at + 1], (--nr_rules - at) * sizeof(table[0]));
}

static void fuzz_replace(struct domain *d, bool control)
{
	static struct v4v_rule rules[V4V_RULES_MAX];
	static struct v4v_rule_entry old[V4V_RULES_MAX];
	uint32_t nr = once_in(10) ? below(V4V_RULES_MAX + 1) : below(8), target = once_in(20) ? odd_number() : once_in(6);
	uint32_t flags = once_in(20) ? odd_number() : once_in(3) ? V4V_RULES_ZERO : 0, nr_old;
	long expected = target > V4V_DROP || flags & ~V4V_RULES_ZERO ? -EINVAL : 0, rc;

	for (uint32_t i = 0; i < nr; i++)
		rules[i] = nr_rules && once_in(2) ? table[below(nr_rules)].rule : any_rule();
	meddle(d);
	rc = rules_replace(d, rules, nr, target, flags);
	stop_meddling();
	for (uint32_t i = 0; i < nr && !expected; i++)
		expected = judged(&rules[i]);
	for (uint32_t i = 0; i < nr && !expected; i++)
		expected = named(&rules[i]);
	if (!came("replace_rules", control, rc, expected))
		return;
	nr_old = nr_rules;
	memcpy(old, table, sizeof(old));
	for (uint32_t i = 0; i < nr; i++) {
		table[i] = (struct v4v_rule_entry){.rule = rules[i]};
		for (uint32_t j = 0; j < nr_old && !flags; j++)
			if (same_rule(&old[j].rule, &rules[i])) {
				table[i] = old[j];
				old[j].rule.target = 99;
				break;
			}
	}
	nr_rules = nr;
	if (target != policy.rule.target || flags)
		policy = (struct v4v_rule_entry){.rule = rule_for(V4V_ANY, V4V_ANY, (uint16_t)target)};
}

static void fuzz_policy(struct domain *d, bool control)
{
	uint32_t target = once_in(10) ? odd_number() : once_in(6);
	long rc;

	meddle(d);
	rc = rules_policy(d, target);
	stop_meddling();
	if (came("set_policy", control, rc, target > V4V_DROP ? -EINVAL : 0) && target != policy.rule.target)
		policy = (struct v4v_rule_entry){.rule = rule_for(V4V_ANY, V4V_ANY, (uint16_t)target)};
}

static void fuzz_all(struct domain *d, bool control, bool flush)
{
	long rc;

	meddle(d);
	rc = flush ? rules_flush(d) : rules_zero(d);
	stop_meddling();
	if (!came(flush ? "flush_rules" : "zero_rules", control, rc, 0))
		return;
	if (flush)
		nr_rules = 0;
	else
		policy.packets = policy.bytes = 0;
	for (uint32_t i = 0; i < nr_rules; i++)
		table[i].packets = table[i].bytes = 0;
}

static void fuzz_list(struct domain *d, bool control)
{
	static struct v4v_rule_entry entries[V4V_RULES_MAX];
	uint32_t first = once_in(2) ? 0 : once_in(5) ? odd_number() : below(nr_rules + 2);
	uint32_t room = once_in(5) ? below(V4V_RULES_MAX + 1) : V4V_RULES_MAX, left;
	struct v4v_list_rules list;
	long rc;

	meddle(d);
	rc = rules_list(d, first, room, entries, &list);
	stop_meddling();
	if (!came("list_rules", control, rc, 0))
		return;
	left = first < nr_rules ? nr_rules - first : 0;
	if (list.total != nr_rules || list.nr != (left < room ? left : room) || list.policy != policy.rule.target ||
	    list.policy_packets != policy.packets || list.policy_bytes != policy.bytes || list.max != V4V_RULES_MAX) {
		violation("%u of %u rules are listed, there are %u", list.nr, list.total, nr_rules);
		return;
	}
	if (list.nr && memcmp(entries, &table[first], list.nr * sizeof(entries[0])) != 0)
		violation("rules are listed that are not those in force, or other counters");
}

void fuzz_rules(struct domain *d)
{
	bool control = !d->domain_id;

	/* Page tables and odd frames are of other places than structures. */
	switch (below(12)) {
	case 0:
	case 1:
	case 2:
		fuzz_insert(d, control);
		break;
	case 3:
	case 4:
		fuzz_delete(d, control);
		break;
	case 5:
		fuzz_replace(d, control);
		break;
	case 6:
		fuzz_policy(d, control);
		break;
	case 7:
		fuzz_all(d, control, true);
		break;
	case 8:
		fuzz_all(d, control, false);
		break;
	default:
		fuzz_list(d, control);
	}
}
