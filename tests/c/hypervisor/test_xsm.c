/* What a security module is asked, and what becomes of those to whom it says no. */
#include "rule_calls.h"
#include "test.h"

static struct domain *dom0, *one, *two;
/* Of domain 2, for everybody. */
static struct ring five;
static struct v4v_rule_entry entries[V4V_RULES_MAX];
static struct v4v_list_rules list;

/* The last question, and how many there were. */
static struct {
	enum xsm_hook hook;
	int d, t;
	unsigned int count;
} asked;
static int answers[XSM_CHANGE_RULES + 1];

static int answer(enum xsm_hook hook, const struct domain *d, const struct domain *t)
{
	asked.hook = hook;
	asked.d = d->domain_id;
	asked.t = t ? t->domain_id : -1;
	asked.count++;
	return answers[hook];
}

static void three_domains(void)
{
	dom0 = machine_create_domain(0);
	one = machine_create_domain(1);
	two = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&five, two, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	memset(answers, 0, sizeof(answers));
	memset(&asked, 0, sizeof(asked));
	machine.xsm = answer;
}

#define CHECK_ASKED(n, what, from, to)            \
	do {                                      \
		CHECK_EQUAL(asked.count, n);      \
		CHECK_EQUAL(asked.hook, what);    \
		CHECK_EQUAL(asked.d, from);       \
		CHECK_EQUAL(asked.t, to);         \
	} while (0)

static void a_send_is_about_sender_and_receiver_and_asked_for_each_time(void)
{
	struct v4v_sendv args;

	three_domains();
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), 10);
	CHECK_ASKED(1, XSM_SEND, 1, 2);
	CHECK_EQUAL(send_pattern(dom0, &five, 10, 1, 0), 10);
	CHECK_ASKED(2, XSM_SEND, 0, 2);
	/* A domain to itself, under either of its numbers. */
	CHECK_EQUAL(send_pattern(two, &five, 10, 1, 0), 10);
	CHECK_ASKED(3, XSM_SEND, 2, 2);
	args = addressed(&five, 0, 0);
	args.dst.domid = DOMID_SELF;
	CHECK_EQUAL(sendv(two, &args, NULL, 0), 0);
	CHECK_ASKED(4, XSM_SEND, 2, 2);
}

/* The error is the module's: -EPERM of silo, -EACCES of flask. */
static void a_refused_message_leaves_no_trace(void)
{
	static const int errors[] = {-EPERM, -EACCES};

	three_domains();
	CHECK_EQUAL(rule_append(dom0, 1, 2, V4V_DROP), 0);
	CHECK_EQUAL(rule_append(dom0, 0, 2, V4V_ACCEPT), 0);
	events(two);
	for (unsigned int i = 0; i < 2; i++) {
		answers[XSM_SEND] = errors[i];
		/* Whether a rule drops it, lets it pass, or none matches. */
		CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), errors[i]);
		CHECK_EQUAL(send_pattern(dom0, &five, 10, 1, 0), errors[i]);
		CHECK_EQUAL(send_pattern(two, &five, 10, 1, 0), errors[i]);
	}
	CHECK_EQUAL(ring_words(&five).tx, 0);
	CHECK_EQUAL(events(two), 0);
	CHECK_EQUAL(rules_list(dom0, 0, V4V_RULES_MAX, entries, &list), 0);
	for (unsigned int i = 0; i < 2; i++) {
		CHECK_EQUAL(entries[i].packets, 0);
		CHECK_EQUAL(entries[i].bytes, 0);
	}
	CHECK_EQUAL(list.policy_packets, 0);
	answers[XSM_SEND] = 0;
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), -EACCES);
	CHECK_EQUAL(send_pattern(dom0, &five, 10, 1, 0), 10);
	CHECK_EQUAL(rules_list(dom0, 0, V4V_RULES_MAX, entries, &list), 0);
	CHECK_EQUAL(entries[0].packets, 1);
	CHECK_EQUAL(entries[1].packets, 1);
}

static void a_refused_sender_does_not_learn_what_rings_there_are(void)
{
	struct ring none = {.owner = two, .id = {.port = 77, .partner = V4V_ANY}, .size = V4V_RING_MIN};

	three_domains();
	none.owner = two;
	answers[XSM_SEND] = -EPERM;
	CHECK_EQUAL(send_pattern(one, &none, 10, 1, 0), -EPERM);
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), -EPERM);
	/* Nor of a message that is too long for any. */
	CHECK_EQUAL(send_pattern(one, &five, 5000, 1, 0), -EPERM);
}

static void a_refused_sender_does_not_wait(void)
{
	three_domains();
	CHECK_EQUAL(send_pattern(dom0, &five, 4080, 1, 0), 4080);
	answers[XSM_SEND] = -EPERM;
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), -EPERM);
	CHECK_EQUAL(ring_words(&five).waiting, 0);
	/* Who waited before it was refused is told, tries again, and is refused. */
	answers[XSM_SEND] = 0;
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), -EAGAIN);
	answers[XSM_SEND] = -EPERM;
	ring_set_rx(&five, 4096);
	CHECK_EQUAL(ring_notify(&five), 0);
	CHECK_EQUAL(events(one), 1);
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), -EPERM);
}

static void domains_that_are_not_there_are_no_question(void)
{
	struct v4v_sendv args;
	struct ring ring;

	three_domains();
	args = addressed(&five, 0, 0);
	args.dst.domid = 9;
	CHECK_EQUAL(sendv(one, &args, NULL, 0), -ECONNREFUSED);
	CHECK_EQUAL(ring_open(&ring, one, 6, 9, V4V_RING_MIN, RING_FRAME), -ESRCH);
	machine_kill_domain(two);
	CHECK_EQUAL(ring_open(&ring, one, 6, 2, V4V_RING_MIN, RING_FRAME), -ESRCH);
	CHECK_EQUAL(asked.count, 0);
}

static void a_ring_is_about_its_owner_and_its_partner(void)
{
	struct ring ring;

	three_domains();
	CHECK_EQUAL(ring_open(&ring, one, 6, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_ASKED(1, XSM_REGISTER_ANY, 1, -1);
	CHECK_EQUAL(ring_open(&ring, one, 6, 2, V4V_RING_MIN, RING_FRAME + 2), 0);
	CHECK_ASKED(2, XSM_REGISTER_SINGLE, 1, 2);
	CHECK_EQUAL(ring_open(&ring, one, 6, 1, V4V_RING_MIN, RING_FRAME + 4), 0);
	CHECK_ASKED(3, XSM_REGISTER_SINGLE, 1, 1);
	/* What a domain does with rings of its own is its own affair. */
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(ring_close(&ring), 0);
	CHECK_EQUAL(asked.count, 3);
}

static void a_refused_ring_is_not_there_and_costs_nothing(void)
{
	static const uint16_t partners[] = {V4V_ANY, 2};
	struct ring ring;
	unsigned int blocks;

	three_domains();
	blocks = machine.heap_blocks;
	answers[XSM_REGISTER_ANY] = -EACCES;
	answers[XSM_REGISTER_SINGLE] = -EPERM;
	guest_fill(one, address_of(RING_FRAME, 0), 0x55, FRAME_SIZE);
	for (unsigned int i = 0; i < 2000; i++) {
		CHECK_EQUAL(ring_open(&ring, one, 6, partners[i % 2], V4V_RING_MIN, RING_FRAME),
			    i % 2 ? -EPERM : -EACCES);
		CHECK_EQUAL(unregister(one, 6, partners[i % 2]), -ENOENT);
	}
	CHECK_EQUAL(machine.heap_blocks, blocks);
	/* Its memory is as it was. */
	CHECK_EQUAL(ring_words(&ring).tx, 0x55555555);
	memset(answers, 0, sizeof(answers));
	CHECK_EQUAL(ring_open(&ring, one, 6, 2, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send_pattern(two, &ring, 10, 1, 0), 10);
}

/* The module's word and no other: also against the control domain, and for one that is not. */
static void reading_and_changing_the_rules_are_two_questions(void)
{
	three_domains();
	answers[XSM_CHANGE_RULES] = -EACCES;
	CHECK_EQUAL(rules_list(one, 0, V4V_RULES_MAX, entries, &list), 0);
	CHECK_ASKED(1, XSM_LIST_RULES, 1, -1);
	for (unsigned int cmd = V4VOP_insert_rule; cmd <= V4VOP_replace_rules; cmd++)
		if (cmd != V4VOP_list_rules) {
			CHECK_EQUAL(machine_hypercall(dom0, cmd, address_of(CALL_FRAME, 0)), -EACCES);
			CHECK_EQUAL(asked.hook, XSM_CHANGE_RULES);
		}
	answers[XSM_CHANGE_RULES] = 0;
	answers[XSM_LIST_RULES] = -EPERM;
	CHECK_EQUAL(rules_policy(one, V4V_DROP), 0);
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), -EACCES);
	CHECK_EQUAL(rules_list(dom0, 0, V4V_RULES_MAX, entries, &list), -EPERM);
}

/* As silo decides: between unprivileged domains nothing but what a domain has with itself. */
static int silo(enum xsm_hook hook, const struct domain *d, const struct domain *t)
{
	if (hook == XSM_REGISTER_SINGLE || hook == XSM_SEND)
		return d->is_privileged || t->is_privileged || d == t ? 0 : -EPERM;
	return hook == XSM_REGISTER_ANY || d->is_privileged ? 0 : -EPERM;
}

static void silo_leaves_dom0_with_each_domain_and_no_two_domains(void)
{
	struct ring ring, of_dom0;

	three_domains();
	machine.xsm = silo;
	CHECK_EQUAL(ring_open(&of_dom0, dom0, 6, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(ring_open(&ring, one, 6, 2, V4V_RING_MIN, RING_FRAME), -EPERM);
	CHECK_EQUAL(ring_open(&ring, one, 6, 0, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send_pattern(dom0, &ring, 10, 1, 0), 10);
	CHECK_EQUAL(send_pattern(one, &of_dom0, 10, 1, 0), 10);
	CHECK_EQUAL(send_pattern(one, &five, 10, 1, 0), -EPERM);
	CHECK_EQUAL(send_pattern(dom0, &five, 10, 1, 0), 10);
	CHECK_EQUAL(send_pattern(two, &five, 10, 1, 0), 10);
	CHECK_EQUAL(rules_policy(one, V4V_ACCEPT), -EPERM);
	CHECK_EQUAL(rules_policy(dom0, V4V_ACCEPT), 0);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(a_send_is_about_sender_and_receiver_and_asked_for_each_time) |
	       TEST(a_refused_message_leaves_no_trace) | TEST(a_refused_sender_does_not_learn_what_rings_there_are) |
	       TEST(a_refused_sender_does_not_wait) | TEST(domains_that_are_not_there_are_no_question) |
	       TEST(a_ring_is_about_its_owner_and_its_partner) | TEST(a_refused_ring_is_not_there_and_costs_nothing) |
	       TEST(reading_and_changing_the_rules_are_two_questions) |
	       TEST(silo_leaves_dom0_with_each_domain_and_no_two_domains);
}
