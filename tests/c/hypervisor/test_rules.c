/* The table of rules: who may change it, what it judges, and what becomes of it when domains die. */
#include "rule_calls.h"
#include "test.h"

_Static_assert(sizeof(struct v4v_rule) == 16 && sizeof(struct v4v_rule_at) == 24, "no padding");
_Static_assert(sizeof(struct v4v_rule_entry) == 32 && sizeof(struct v4v_policy) == 8, "no padding");
_Static_assert(sizeof(struct v4v_list_rules) == 56 && offsetof(struct v4v_list_rules, entries) == 40, "no padding");
_Static_assert(sizeof(struct v4v_replace_rules) == 24 && offsetof(struct v4v_replace_rules, rules) == 16, "no padding");

static struct domain *dom0, *one, *two;
/* Of domain 2: ports 5 and 6, and of domain 1: port 5. */
static struct ring five, six, back;
static struct v4v_rule_entry entries[V4V_RULES_MAX];
static struct v4v_list_rules list;

static void three_domains(void)
{
	dom0 = machine_create_domain(0);
	one = machine_create_domain(1);
	two = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&five, two, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(ring_open(&six, two, 6, V4V_ANY, V4V_RING_MIN, RING_FRAME + 2), 0);
	CHECK_EQUAL(ring_open(&back, one, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
}

/* A message of 10 bytes, taken out again. */
static long send(struct domain *from, struct ring *to)
{
	long rc = send_pattern(from, to, 10, 1, 0);

	if (rc >= 0)
		CHECK(takes_pattern(to, from->domain_id, 10, 1));
	return rc;
}

static void look(void)
{
	CHECK_EQUAL(rules_list(dom0, 0, V4V_RULES_MAX, entries, &list), 0);
	CHECK_EQUAL(list.nr, list.total);
}

#define CHECK_COUNTS(n, p, b)                           \
	do {                                            \
		CHECK_EQUAL(entries[n].packets, p);     \
		CHECK_EQUAL(entries[n].bytes, b);       \
	} while (0)

static void a_machine_starts_with_no_rules_and_accepts(void)
{
	three_domains();
	look();
	CHECK_EQUAL(list.total, 0);
	CHECK_EQUAL(list.max, V4V_RULES_MAX);
	CHECK_EQUAL(list.policy, V4V_ACCEPT);
	CHECK_EQUAL(list.policy_packets, 0);
	CHECK_EQUAL(send(one, &five), 10);
	look();
	CHECK_EQUAL(list.policy_packets, 1);
	CHECK_EQUAL(list.policy_bytes, 10);
}

static void only_the_control_domain_may_look_or_touch(void)
{
	three_domains();
	for (unsigned int cmd = V4VOP_insert_rule; cmd <= V4VOP_replace_rules; cmd++)
		CHECK_EQUAL(machine_hypercall(one, cmd, address_of(CALL_FRAME, 0)), -EPERM);
	CHECK_EQUAL(rule_append(one, V4V_ANY, V4V_ANY, V4V_DROP), -EPERM);
	CHECK_EQUAL(rules_policy(one, V4V_DROP), -EPERM);
	/* Not even an address is looked at. */
	CHECK_EQUAL(machine_hypercall(one, V4VOP_list_rules, 0), -EPERM);
	CHECK_EQUAL(send(one, &five), 10);
}

static void a_dropped_message_is_eacces_at_once_and_counted(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_DROP), 0);
	events(two);
	CHECK_EQUAL(send(one, &five), -EACCES);
	CHECK_EQUAL(send(one, &six), -EACCES);
	CHECK_EQUAL(send_pattern(one, &five, 1000, 1, V4V_SEND_PARTIAL), -EACCES);
	CHECK_EQUAL(ring_words(&five).tx + ring_words(&six).tx, 0);
	CHECK_EQUAL(events(two), 0);
	CHECK_EQUAL(send(two, &back), 10);
	CHECK_EQUAL(send(dom0, &five), 10);
	look();
	CHECK_COUNTS(0, 3, 1020);
	CHECK_EQUAL(list.policy_packets, 2);
	CHECK_EQUAL(list.policy_bytes, 20);
}

static void a_refusal_says_nothing_about_rings(void)
{
	struct ring none;

	three_domains();
	none = five;
	none.id.port = 4711;
	CHECK_EQUAL(send(one, &none), -ECONNREFUSED);
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_DROP), 0);
	CHECK_EQUAL(send(one, &none), -EACCES);
	CHECK_EQUAL(send(one, &five), -EACCES);
}

static void what_could_never_be_sent_counts_no_more_than_the_longest_message(void)
{
	struct v4v_sendv args;

	three_domains();
	CHECK_EQUAL(rules_policy(dom0, V4V_DROP), 0);
	args = addressed(&five, 0xffffffffu, 0);
	CHECK_EQUAL(sendv(one, &args, NULL, 0), -EACCES);
	look();
	CHECK_EQUAL(list.policy_bytes, V4V_SEND_MAX);
}

static void accepted_messages_count_when_they_have_arrived(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_ACCEPT), 0);
	CHECK_EQUAL(send_pattern(one, &five, 4000, 1, 0), 4000);
	CHECK_EQUAL(send_pattern(one, &five, 100, 1, 0), -EAGAIN);
	CHECK_EQUAL(send_pattern(one, &five, 5000, 1, 0), -EMSGSIZE);
	CHECK_EQUAL(send_pattern(one, &five, 100, 1, V4V_SEND_PARTIAL), 64);
	look();
	CHECK_COUNTS(0, 2, 4064);
	CHECK_EQUAL(list.policy_packets, 0);
}

static void the_first_match_wins(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, V4V_ANY, V4V_ACCEPT), 0);
	CHECK_EQUAL(rule_append(dom0, V4V_ANY, V4V_ANY, V4V_DROP), 0);
	CHECK_EQUAL(rule_append(dom0, 2, V4V_ANY, V4V_ACCEPT), 0);
	CHECK_EQUAL(send(one, &five), 10);
	CHECK_EQUAL(send(two, &back), -EACCES);
	CHECK_EQUAL(send(dom0, &back), -EACCES);
	look();
	CHECK_COUNTS(0, 1, 10);
	CHECK_COUNTS(1, 2, 20);
	CHECK_COUNTS(2, 0, 0);
}

static void ports_are_those_of_the_rings_and_of_the_senders_word(void)
{
	const uint32_t fifth = 5, zero = 0, said = 77, other = 78;
	struct v4v_rule rule;
	struct ring ring_zero;

	three_domains();
	CHECK_EQUAL(ring_open(&ring_zero, two, 0, V4V_ANY, V4V_RING_MIN, RING_FRAME + 4), 0);
	rule = with_ports(rule_for(V4V_ANY, 2, V4V_DROP), NULL, &fifth);
	CHECK_EQUAL(rule_insert(dom0, &rule, V4V_RULE_END), 0);
	CHECK_EQUAL(send(one, &five), -EACCES);
	CHECK_EQUAL(send(one, &six), 10);
	CHECK_EQUAL(send(two, &back), 10);
	/* Port 0 is a port like any other. */
	rule = with_ports(rule_for(V4V_ANY, 2, V4V_DROP), NULL, &zero);
	CHECK_EQUAL(rule_insert(dom0, &rule, 0), 0);
	CHECK_EQUAL(send(one, &ring_zero), -EACCES);
	CHECK_EQUAL(send(one, &six), 10);
	CHECK_EQUAL(rules_flush(dom0), 0);
	rule = with_ports(rule_for(1, V4V_ANY, V4V_DROP), &other, NULL);
	CHECK_EQUAL(rule_insert(dom0, &rule, V4V_RULE_END), 0);
	CHECK_EQUAL(send(one, &six), 10);
	rule = with_ports(rule_for(1, V4V_ANY, V4V_DROP), &said, NULL);
	CHECK_EQUAL(rule_insert(dom0, &rule, V4V_RULE_END), 0);
	CHECK_EQUAL(send(one, &six), -EACCES);
}

/* DOMID_SELF leads to the caller, whatever it is called. */
static void a_domain_cannot_go_round_a_rule_by_another_name_of_itself(void)
{
	struct v4v_sendv args;

	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 1, V4V_DROP), 0);
	args = addressed(&back, 0, 0);
	CHECK_EQUAL(sendv(one, &args, NULL, 0), -EACCES);
	args.dst.domid = DOMID_SELF;
	CHECK_EQUAL(sendv(one, &args, NULL, 0), -EACCES);
}

static void the_policy_judges_what_no_rule_does(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_ACCEPT), 0);
	CHECK_EQUAL(rules_policy(dom0, V4V_DROP), 0);
	CHECK_EQUAL(send(one, &five), 10);
	CHECK_EQUAL(send(two, &back), -EACCES);
	look();
	CHECK_EQUAL(list.policy, V4V_DROP);
	CHECK_EQUAL(list.policy_packets, 1);
	/* It is that already: nothing changes, not even a counter. */
	CHECK_EQUAL(rules_policy(dom0, V4V_DROP), 0);
	look();
	CHECK_EQUAL(list.policy_packets, 1);
	CHECK_EQUAL(rules_policy(dom0, V4V_ACCEPT), 0);
	CHECK_EQUAL(send(two, &back), 10);
	look();
	CHECK_EQUAL(list.policy_packets, 1);
	CHECK_EQUAL(list.policy_bytes, 10);
	CHECK_COUNTS(0, 1, 10);
}

static void rules_are_inserted_where_they_are_said_to_be(void)
{
	struct v4v_rule rules[4];

	three_domains();
	for (uint32_t i = 0; i < 4; i++)
		rules[i] = with_ports(rule_for(V4V_ANY, V4V_ANY, V4V_ACCEPT), NULL, &i);
	CHECK_EQUAL(rule_insert(dom0, &rules[1], 1), -ENOENT);
	CHECK_EQUAL(rule_insert(dom0, &rules[1], 0), 0);
	CHECK_EQUAL(rule_insert(dom0, &rules[3], 1), 0);
	CHECK_EQUAL(rule_insert(dom0, &rules[0], 0), 0);
	CHECK_EQUAL(rule_insert(dom0, &rules[2], 2), 0);
	CHECK_EQUAL(rule_insert(dom0, &rules[2], 5), -ENOENT);
	CHECK_EQUAL(rule_insert(dom0, &rules[2], 0xfffffffe), -ENOENT);
	look();
	CHECK_EQUAL(list.total, 4);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(same_rule(&entries[i].rule, &rules[i]));
}

static void rules_are_deleted_by_position_and_by_what_they_say(void)
{
	struct v4v_rule rules[4], absent;
	uint32_t port = 9;

	three_domains();
	for (uint32_t i = 0; i < 4; i++) {
		rules[i] = with_ports(rule_for(V4V_ANY, V4V_ANY, V4V_ACCEPT), NULL, &i);
		CHECK_EQUAL(rule_insert(dom0, &rules[i], V4V_RULE_END), 0);
	}
	absent = with_ports(rules[0], NULL, &port);
	CHECK_EQUAL(rule_delete(dom0, &absent, V4V_RULE_MATCH), -ENOENT);
	absent = rules[0];
	absent.target = V4V_DROP;
	CHECK_EQUAL(rule_delete(dom0, &absent, V4V_RULE_MATCH), -ENOENT);
	CHECK_EQUAL(rule_delete(dom0, &rules[0], 4), -ENOENT);
	CHECK_EQUAL(rule_delete(dom0, &rules[0], 1), 0);
	CHECK_EQUAL(rule_delete(dom0, &rules[3], V4V_RULE_MATCH), 0);
	look();
	CHECK_EQUAL(list.total, 2);
	CHECK(same_rule(&entries[0].rule, &rules[0]));
	CHECK(same_rule(&entries[1].rule, &rules[2]));
	CHECK_EQUAL(rule_delete(dom0, &rules[0], 0), 0);
	CHECK_EQUAL(rule_delete(dom0, &rules[2], 0), 0);
	CHECK_EQUAL(rule_delete(dom0, &rules[2], 0), -ENOENT);
}

static void a_change_leaves_the_counters_of_the_others(void)
{
	const uint32_t port = 99;
	struct v4v_rule other;

	three_domains();
	other = with_ports(rule_for(V4V_ANY, V4V_ANY, V4V_ACCEPT), NULL, &port);
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_ACCEPT), 0);
	CHECK_EQUAL(send(one, &five), 10);
	CHECK_EQUAL(send(two, &back), 10);
	CHECK_EQUAL(rule_insert(dom0, &other, 0), 0);
	CHECK_EQUAL(send(one, &five), 10);
	look();
	CHECK_COUNTS(0, 0, 0);
	CHECK_COUNTS(1, 2, 20);
	CHECK_EQUAL(rule_delete(dom0, &other, 0), 0);
	look();
	CHECK_COUNTS(0, 2, 20);
	CHECK_EQUAL(list.policy_packets, 1);
	CHECK_EQUAL(rules_flush(dom0), 0);
	look();
	CHECK_EQUAL(list.total, 0);
	CHECK_EQUAL(list.policy_packets, 1);
}

static void counters_of_all_cpus_are_one_and_are_zeroed_at_once(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_ACCEPT), 0);
	for (machine.cpu = 0; machine.cpu < MAX_CPUS; machine.cpu++) {
		CHECK_EQUAL(send(one, &five), 10);
		CHECK_EQUAL(send(two, &back), 10);
	}
	machine.cpu = 0;
	look();
	CHECK_COUNTS(0, MAX_CPUS, 10 * MAX_CPUS);
	CHECK_EQUAL(list.policy_packets, MAX_CPUS);
	CHECK_EQUAL(rules_zero(dom0), 0);
	look();
	CHECK_EQUAL(list.total, 1);
	CHECK_COUNTS(0, 0, 0);
	CHECK_EQUAL(list.policy_packets, 0);
	CHECK_EQUAL(list.policy_bytes, 0);
}

static void the_table_has_a_bound(void)
{
	struct v4v_rule rule, rules[V4V_RULES_MAX + 1];

	three_domains();
	for (uint32_t i = 0; i <= V4V_RULES_MAX; i++)
		rules[i] = with_ports(rule_for(V4V_ANY, V4V_ANY, V4V_ACCEPT), NULL, &i);
	for (uint32_t i = 0; i < V4V_RULES_MAX; i++)
		CHECK_EQUAL(rule_insert(dom0, &rules[i], V4V_RULE_END), 0);
	rule = rule_for(V4V_ANY, V4V_ANY, V4V_DROP);
	CHECK_EQUAL(rule_insert(dom0, &rule, 0), -ENOSPC);
	CHECK_EQUAL(rule_insert(dom0, &rule, V4V_RULE_END), -ENOSPC);
	CHECK_EQUAL(rules_replace(dom0, rules, V4V_RULES_MAX + 1, V4V_ACCEPT, 0), -ENOSPC);
	CHECK_EQUAL(rules_replace(dom0, NULL, 0xffffffffu, V4V_ACCEPT, 0), -ENOSPC);
	CHECK_EQUAL(rules_replace(dom0, rules, V4V_RULES_MAX, V4V_ACCEPT, 0), 0);
	CHECK_EQUAL(rule_delete(dom0, &rule, 7), 0);
	CHECK_EQUAL(rule_insert(dom0, &rule, 0), 0);
	CHECK_EQUAL(send(one, &five), -EACCES);
}

static void a_long_table_is_read_in_pages_that_say_when_it_has_changed(void)
{
	uint32_t seen = 0, generation;

	three_domains();
	for (uint32_t i = 0; i < 100; i++) {
		struct v4v_rule rule = with_ports(rule_for(V4V_ANY, V4V_ANY, V4V_ACCEPT), &i, NULL);

		CHECK_EQUAL(rule_insert(dom0, &rule, V4V_RULE_END), 0);
	}
	look();
	generation = list.generation;
	do {
		CHECK_EQUAL(rules_list(dom0, seen, 7, entries, &list), 0);
		CHECK_EQUAL(list.total, 100);
		CHECK_EQUAL(list.nr, seen == 98 ? 2 : 7);
		CHECK_EQUAL(list.generation, generation);
		for (uint32_t i = 0; i < list.nr; i++)
			CHECK_EQUAL(entries[i].rule.src_port, seen++);
	} while (seen < list.total && !check_failed);
	CHECK_EQUAL(rules_list(dom0, 100, 7, entries, &list), 0);
	CHECK_EQUAL(list.nr, 0);
	CHECK_EQUAL(rules_list(dom0, 0xffffffffu, 7, entries, &list), 0);
	CHECK_EQUAL(list.nr, 0);
	CHECK_EQUAL(rules_list(dom0, 0, 0, entries, &list), 0);
	CHECK_EQUAL(list.nr, 0);
	CHECK_EQUAL(list.total, 100);
	CHECK_EQUAL(rules_list(dom0, 0, 0xffffffffu, entries, &list), 0);
	CHECK_EQUAL(list.nr, 100);
	CHECK_EQUAL(rule_append(dom0, V4V_ANY, 2, V4V_ACCEPT), 0);
	look();
	CHECK(list.generation != generation);
	generation = list.generation;
	machine_kill_domain(two);
	look();
	CHECK_EQUAL(list.total, 100);
	CHECK(list.generation != generation);
}

static void replace_puts_all_in_force_and_keeps_the_counters_of_what_stays(void)
{
	struct v4v_rule rules[3];

	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_ACCEPT), 0);
	CHECK_EQUAL(rule_append(dom0, 2, 1, V4V_DROP), 0);
	CHECK_EQUAL(send(one, &five), 10);
	CHECK_EQUAL(send(two, &back), -EACCES);
	CHECK_EQUAL(send(dom0, &back), 10);
	rules[0] = rule_for(0, V4V_ANY, V4V_ACCEPT);
	rules[1] = rules[2] = rule_for(1, 2, V4V_ACCEPT);
	CHECK_EQUAL(rules_replace(dom0, rules, 3, V4V_ACCEPT, 0), 0);
	look();
	CHECK_EQUAL(list.total, 3);
	CHECK_COUNTS(0, 0, 0);
	CHECK_COUNTS(1, 1, 10);
	CHECK_COUNTS(2, 0, 0);
	CHECK_EQUAL(list.policy_packets, 1);
	CHECK_EQUAL(send(two, &back), 10);
	CHECK_EQUAL(rules_replace(dom0, rules, 3, V4V_DROP, 0), 0);
	CHECK_EQUAL(send(two, &back), -EACCES);
	look();
	CHECK_EQUAL(list.policy_packets, 1);
	CHECK_COUNTS(1, 1, 10);
	CHECK_EQUAL(rules_replace(dom0, rules, 3, V4V_DROP, V4V_RULES_ZERO), 0);
	look();
	CHECK_COUNTS(1, 0, 0);
	CHECK_EQUAL(list.policy_packets, 0);
	CHECK_EQUAL(rules_replace(dom0, NULL, 0, V4V_ACCEPT, 0), 0);
	look();
	CHECK_EQUAL(list.total, 0);
	CHECK_EQUAL(send(two, &back), 10);
}

static void check_unchanged(void)
{
	look();
	CHECK_EQUAL(list.total, 1);
	CHECK_EQUAL(list.policy, V4V_ACCEPT);
	CHECK_COUNTS(0, 1, 10);
}

static void a_replacement_that_is_refused_changes_nothing(void)
{
	struct v4v_rule rules[2] = {rule_for(V4V_ANY, V4V_ANY, V4V_DROP), rule_for(1, 77, V4V_DROP)};

	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_ACCEPT), 0);
	CHECK_EQUAL(send(one, &five), 10);
	CHECK_EQUAL(rules_replace(dom0, rules, 2, V4V_DROP, 0), -ESRCH);
	check_unchanged();
	rules[1] = rule_for(1, 2, 2);
	CHECK_EQUAL(rules_replace(dom0, rules, 2, V4V_DROP, 0), -EINVAL);
	check_unchanged();
	CHECK_EQUAL(rules_replace(dom0, rules, 1, 2, 0), -EINVAL);
	CHECK_EQUAL(rules_replace(dom0, rules, 1, V4V_DROP, 2), -EINVAL);
	check_unchanged();
}

static void what_makes_no_sense_is_einval(void)
{
	struct v4v_rule_at at;
	struct v4v_policy policy = {.reserved = 1};
	struct v4v_rule rule;

	three_domains();
	for (unsigned int bit = 2; bit < 16; bit++) {
		rule = rule_for(1, 2, V4V_DROP);
		rule.flags = (uint16_t)(1u << bit);
		CHECK_EQUAL(rule_insert(dom0, &rule, 0), -EINVAL);
	}
	rule = rule_for(1, 2, 2);
	CHECK_EQUAL(rule_insert(dom0, &rule, 0), -EINVAL);
	/* A port that would be looked at by nobody. */
	rule = rule_for(1, 2, V4V_DROP);
	rule.dst_port = 5;
	CHECK_EQUAL(rule_insert(dom0, &rule, 0), -EINVAL);
	rule.dst_port = 0;
	rule.src_port = 5;
	CHECK_EQUAL(rule_insert(dom0, &rule, 0), -EINVAL);
	at = (struct v4v_rule_at){.rule = rule_for(1, 2, V4V_DROP), .reserved = 1};
	guest_write(dom0, address_of(CALL_FRAME, 0), &at, sizeof(at));
	CHECK_EQUAL(machine_hypercall(dom0, V4VOP_insert_rule, address_of(CALL_FRAME, 0)), -EINVAL);
	CHECK_EQUAL(machine_hypercall(dom0, V4VOP_delete_rule, address_of(CALL_FRAME, 0)), -EINVAL);
	guest_write(dom0, address_of(CALL_FRAME, 0), &policy, sizeof(policy));
	CHECK_EQUAL(machine_hypercall(dom0, V4VOP_set_policy, address_of(CALL_FRAME, 0)), -EINVAL);
	CHECK_EQUAL(rules_policy(dom0, 2), -EINVAL);
	CHECK_EQUAL(rules_policy(dom0, 0x10000), -EINVAL);
	look();
	CHECK_EQUAL(list.total, 0);
	CHECK_EQUAL(list.policy, V4V_ACCEPT);
}

static void bad_addresses_are_efault(void)
{
	struct v4v_replace_rules replace = {.nr = 2, .rules = address_of(DOMAIN_FRAMES, 0) - 16};
	struct v4v_list_rules pages = {.nr = 2, .entries = address_of(DOMAIN_FRAMES, 0) - 32};
	static const unsigned int operations[] = {V4VOP_insert_rule, V4VOP_delete_rule, V4VOP_set_policy,
						  V4VOP_list_rules, V4VOP_replace_rules};

	three_domains();
	for (unsigned int i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		CHECK_EQUAL(machine_hypercall(dom0, operations[i], 0), -EFAULT);
		CHECK_EQUAL(machine_hypercall(dom0, operations[i], address_of(DOMAIN_FRAMES, 0) - 4), -EFAULT);
	}
	guest_write(dom0, address_of(CALL_FRAME, 0), &replace, sizeof(replace));
	CHECK_EQUAL(machine_hypercall(dom0, V4VOP_replace_rules, address_of(CALL_FRAME, 0)), -EFAULT);
	CHECK_EQUAL(rule_append(dom0, V4V_ANY, V4V_ANY, V4V_ACCEPT), 0);
	CHECK_EQUAL(rule_append(dom0, V4V_ANY, V4V_ANY, V4V_ACCEPT), 0);
	guest_write(dom0, address_of(CALL_FRAME, 0), &pages, sizeof(pages));
	CHECK_EQUAL(machine_hypercall(dom0, V4VOP_list_rules, address_of(CALL_FRAME, 0)), -EFAULT);
	look();
	CHECK_EQUAL(list.total, 2);
}

static void rules_name_domains_that_live(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 3, V4V_ANY, V4V_DROP), -ESRCH);
	CHECK_EQUAL(rule_append(dom0, V4V_ANY, 3, V4V_DROP), -ESRCH);
	CHECK_EQUAL(rule_append(dom0, DOMID_SELF, V4V_ANY, V4V_DROP), -ESRCH);
	CHECK_EQUAL(rule_append(dom0, 0xffff, V4V_ANY, V4V_DROP), -ESRCH);
	machine_kill_domain(two);
	CHECK_EQUAL(rule_append(dom0, V4V_ANY, 2, V4V_DROP), -ESRCH);
	CHECK_EQUAL(rule_append(dom0, 0, 1, V4V_DROP), 0);
}

static void a_domains_rules_die_with_it_and_say_nothing_of_its_successor(void)
{
	struct ring ring;

	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_DROP), 0);
	CHECK_EQUAL(rule_append(dom0, 1, V4V_ANY, V4V_ACCEPT), 0);
	CHECK_EQUAL(rule_append(dom0, 2, V4V_ANY, V4V_DROP), 0);
	CHECK_EQUAL(send(one, &five), -EACCES);
	machine_kill_domain(two);
	look();
	CHECK_EQUAL(list.total, 1);
	CHECK_EQUAL(entries[0].rule.src_domid, 1);
	machine_destroy_domain(two);
	two = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&ring, two, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send(one, &ring), 10);
	CHECK_EQUAL(send(two, &back), 10);
	/* Positions close up. */
	CHECK_EQUAL(rule_append(dom0, 2, 1, V4V_DROP), 0);
	CHECK_EQUAL(rule_delete(dom0, &entries[0].rule, 0), 0);
	CHECK_EQUAL(send(two, &back), -EACCES);
}

static void death_needs_no_memory(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_DROP), 0);
	machine.failing_allocation = 1;
	machine_kill_domain(two);
	CHECK_EQUAL(machine.failing_allocation, 1);
	machine.failing_allocation = 0;
	look();
	CHECK_EQUAL(list.total, 0);
}

static void a_soft_reset_leaves_the_rules(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_DROP), 0);
	machine_soft_reset(one);
	machine_soft_reset(two);
	CHECK_EQUAL(ring_open(&five, two, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send(one, &five), -EACCES);
}

/* A domain that dies once its rule was read, and before it is in force. */
static void kill_two(struct domain *d, unsigned long address, unsigned long count)
{
	(void)d;
	(void)address;
	(void)count;
	machine.on_guest_read = NULL;
	v4v_teardown(two);
}

static void a_rule_for_a_domain_that_dies_meanwhile_is_not_taken(void)
{
	const struct v4v_rule rule = rule_for(1, 2, V4V_DROP);

	three_domains();
	machine.on_guest_read = kill_two;
	CHECK_EQUAL(rule_insert(dom0, &rule, 0), -ESRCH);
	look();
	CHECK_EQUAL(list.total, 0);
}

static void two_dies(struct domain *d)
{
	CHECK(d == two);
	machine.on_event = NULL;
	v4v_teardown(two);
}

/* The rule that let a message through goes with its receiver before the message is counted. */
static void a_rule_that_dies_while_it_judges_is_there_until_it_has(void)
{
	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_ACCEPT), 0);
	machine.on_event = two_dies;
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), 10);
	CHECK(!machine.on_event);
	look();
	CHECK_EQUAL(list.total, 0);
}

static void the_rules_are_read_once(void)
{
	struct v4v_rule rules[2] = {rule_for(1, 2, V4V_DROP), rule_for(2, 1, V4V_DROP)};

	/* The machine fails a test whose words are read twice. */
	three_domains();
	CHECK_EQUAL(rules_replace(dom0, rules, 2, V4V_ACCEPT, 0), 0);
	CHECK_EQUAL(rules_replace(dom0, rules, 2, V4V_ACCEPT, 0), 0);
}

static void every_allocation_of_a_change_may_fail(void)
{
	struct v4v_rule rules[2] = {rule_for(1, 2, V4V_ACCEPT), rule_for(2, 1, V4V_DROP)};

	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_ACCEPT), 0);
	CHECK_EQUAL(send(one, &five), 10);
	for (unsigned int operation = 0; operation < 7; operation++)
		for (unsigned int nth = 1; nth < 10; nth++) {
			long rc;

			machine.failing_allocation = nth;
			switch (operation) {
			case 0:
				rc = rules_zero(dom0);
				break;
			case 1:
				rc = rule_insert(dom0, &rules[1], 0);
				break;
			case 2:
				rc = rule_delete(dom0, &rules[1], V4V_RULE_MATCH);
				break;
			case 3:
				rc = rules_policy(dom0, V4V_DROP);
				break;
			case 4:
				rc = rules_list(dom0, 0, 1, entries, &list);
				break;
			case 5:
				rc = rules_replace(dom0, rules, 2, V4V_ACCEPT, V4V_RULES_ZERO);
				break;
			default:
				rc = rules_flush(dom0);
			}
			machine.failing_allocation = 0;
			if (!rc) {
				CHECK(nth > 1);
				break;
			}
			CHECK_EQUAL(rc, -ENOMEM);
		}
	look();
	CHECK_EQUAL(list.total, 0);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(a_machine_starts_with_no_rules_and_accepts) | TEST(only_the_control_domain_may_look_or_touch) |
	       TEST(a_dropped_message_is_eacces_at_once_and_counted) | TEST(a_refusal_says_nothing_about_rings) |
	       TEST(what_could_never_be_sent_counts_no_more_than_the_longest_message) |
	       TEST(accepted_messages_count_when_they_have_arrived) | TEST(the_first_match_wins) |
	       TEST(ports_are_those_of_the_rings_and_of_the_senders_word) |
	       TEST(a_domain_cannot_go_round_a_rule_by_another_name_of_itself) |
	       TEST(the_policy_judges_what_no_rule_does) | TEST(rules_are_inserted_where_they_are_said_to_be) |
	       TEST(rules_are_deleted_by_position_and_by_what_they_say) |
	       TEST(a_change_leaves_the_counters_of_the_others) |
	       TEST(counters_of_all_cpus_are_one_and_are_zeroed_at_once) | TEST(the_table_has_a_bound) |
	       TEST(a_long_table_is_read_in_pages_that_say_when_it_has_changed) |
	       TEST(replace_puts_all_in_force_and_keeps_the_counters_of_what_stays) |
	       TEST(a_replacement_that_is_refused_changes_nothing) | TEST(what_makes_no_sense_is_einval) |
	       TEST(bad_addresses_are_efault) | TEST(rules_name_domains_that_live) |
	       TEST(a_domains_rules_die_with_it_and_say_nothing_of_its_successor) | TEST(death_needs_no_memory) |
	       TEST(a_soft_reset_leaves_the_rules) | TEST(a_rule_for_a_domain_that_dies_meanwhile_is_not_taken) |
	       TEST(a_rule_that_dies_while_it_judges_is_there_until_it_has) | TEST(the_rules_are_read_once) | TEST(every_allocation_of_a_change_may_fail);
}
