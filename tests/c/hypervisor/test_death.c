/* Domains die, with rings, as partners and while they wait; what they had goes, and those who care are told. */
#include "test.h"

#include "private.h"

static struct domain *sender, *owner;
static struct ring ring;

static void two_domains(uint16_t partner)
{
	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&ring, owner, 5, partner, V4V_RING_MIN, RING_FRAME), 0);
}

/* machine_kill_domain() itself fails the test if a frame is still in use when the memory is taken back. */
static void the_rings_of_a_dying_domain_go(void)
{
	struct ring other;
	unsigned int blocks;

	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	blocks = machine.heap_blocks;
	for (uint32_t port = 0; port < 300; port++)
		CHECK_EQUAL(ring_open(&other, owner, port, port & 1 ? V4V_ANY : 1, V4V_RING_MIN, RING_FRAME + 2 * port), 0);
	machine_kill_domain(owner);
	CHECK_EQUAL(machine.heap_blocks, blocks);
	other.id.port = 7;
	CHECK_EQUAL(send_pattern(sender, &other, 10, 1, 0), -ECONNREFUSED);
	machine_destroy_domain(owner);
	CHECK_EQUAL(send_pattern(sender, &(struct ring){.owner = sender, .id = {.port = 7}}, 10, 1, 0), -ECONNREFUSED);
}

static void who_waits_for_a_dying_domain_is_told(void)
{
	two_domains(V4V_ANY);
	CHECK_EQUAL(send_pattern(sender, &ring, 4080, 1, 0), 4080);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -EAGAIN);
	machine_kill_domain(owner);
	CHECK_EQUAL(events(sender), 1);
}

static void a_domain_that_dies_waiting_waits_no_more(void)
{
	struct domain *third;

	two_domains(V4V_ANY);
	third = machine_create_domain(3);
	CHECK_EQUAL(send_pattern(sender, &ring, 4080, 1, 0), 4080);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -EAGAIN);
	CHECK_EQUAL(send_pattern(third, &ring, 10, 1, 0), -EAGAIN);
	machine_kill_domain(sender);
	machine_destroy_domain(sender);
	ring_set_rx(&ring, 4096);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(third), 1);
	CHECK_EQUAL(ring_words(&ring).waiting, 0);
}

static void a_ring_whose_partner_died_says_so_and_its_owner_is_told_once(void)
{
	struct ring second, open;

	two_domains(1);
	CHECK_EQUAL(ring_open(&second, owner, 6, 1, V4V_RING_MIN, RING_FRAME + 2), 0);
	CHECK_EQUAL(ring_open(&open, owner, 6, V4V_ANY, V4V_RING_MIN, RING_FRAME + 4), 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), 10);
	CHECK_EQUAL(events(owner), 1);
	machine_kill_domain(sender);
	CHECK_EQUAL(ring_words(&ring).state, V4V_RING_PARTNER_GONE);
	CHECK_EQUAL(ring_words(&second).state, V4V_RING_PARTNER_GONE);
	CHECK_EQUAL(ring_words(&open).state, 0);
	CHECK_EQUAL(events(owner), 1);
	/* What came before is still there. */
	CHECK(takes_pattern(&ring, 1, 10, 1));
	CHECK_EQUAL(ring_close(&ring), 0);
}

static void a_new_domain_with_the_number_does_not_inherit_the_ring(void)
{
	struct ring fresh;

	two_domains(1);
	machine_kill_domain(sender);
	machine_destroy_domain(sender);
	sender = machine_create_domain(1);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -ECONNREFUSED);
	CHECK_EQUAL(ring_words(&ring).tx, 0);
	CHECK_EQUAL(ring_open(&fresh, owner, 6, 1, V4V_RING_MIN, RING_FRAME + 2), 0);
	CHECK_EQUAL(send_pattern(sender, &fresh, 10, 1, 0), 10);
	/* Its death is the number's second: the old ring says nothing new, the new one does. */
	events(owner);
	machine_kill_domain(sender);
	CHECK_EQUAL(ring_words(&fresh).state, V4V_RING_PARTNER_GONE);
	CHECK_EQUAL(events(owner), 1);
}

static void a_dying_domain_gets_no_new_ring(void)
{
	two_domains(V4V_ANY);
	/* Between domain_kill() and the end of its memory; a hypercall may have been on its way. */
	v4v_teardown(owner);
	CHECK_EQUAL(ring_open(&ring, owner, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), -ESRCH);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -ECONNREFUSED);
	CHECK_EQUAL(unregister(owner, 5, V4V_ANY), -ENOENT);
	/* Torn down twice, as when domain_kill() is continued. */
	v4v_teardown(owner);
	machine_kill_domain(owner);
}

/* The partner is marked dead after the hypercall has found it alive. */
static void partner_dies(bool full)
{
	if (full)
		sender->v4v->dead = true;
}

static void a_partner_that_dies_during_the_registration_is_esrch(void)
{
	unsigned int blocks;

	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	blocks = machine.heap_blocks;
	machine.on_barrier = partner_dies;
	CHECK_EQUAL(ring_open(&ring, owner, 5, 1, V4V_RING_MIN, RING_FRAME), -ESRCH);
	machine.on_barrier = NULL;
	CHECK_EQUAL(machine.heap_blocks, blocks);
	CHECK_EQUAL(unregister(owner, 5, 1), -ENOENT);
}

static void a_domain_dies_that_has_a_ring_for_itself(void)
{
	owner = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&ring, owner, 5, 2, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send_pattern(owner, &ring, 4080, 1, 0), 4080);
	CHECK_EQUAL(send_pattern(owner, &ring, 10, 1, 0), -EAGAIN);
	machine_kill_domain(owner);
	machine_destroy_domain(owner);
}

static void a_soft_reset_is_a_death_and_a_birth(void)
{
	struct ring back;

	two_domains(1);
	CHECK_EQUAL(ring_open(&back, sender, 8, 2, V4V_RING_MIN, RING_FRAME), 0);
	machine_soft_reset(sender);
	CHECK_EQUAL(ring_words(&ring).state, V4V_RING_PARTNER_GONE);
	CHECK_EQUAL(events(owner), 1);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -ECONNREFUSED);
	CHECK_EQUAL(send_pattern(owner, &back, 10, 1, 0), -ECONNREFUSED);
	CHECK_EQUAL(ring_open(&back, sender, 8, 2, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send_pattern(owner, &back, 10, 1, 0), 10);
	CHECK(takes_pattern(&back, 2, 10, 1));
}

/* The toolstack may reset a domain between two parts of domain_kill(). */
static void a_soft_reset_does_not_bring_a_dying_domain_back(void)
{
	struct ring late;

	two_domains(1);
	sender->is_dying = DOMDYING_dying;
	v4v_teardown(sender);
	machine_soft_reset(sender);
	/* A ring for it would wait for ever, and then take what a later domain of its number sends. */
	CHECK_EQUAL(ring_open(&late, owner, 6, 1, V4V_RING_MIN, RING_FRAME + 2), -ESRCH);
	CHECK_EQUAL(ring_open(&late, sender, 6, V4V_ANY, V4V_RING_MIN, RING_FRAME), -ESRCH);
	machine_kill_domain(sender);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(the_rings_of_a_dying_domain_go) | TEST(who_waits_for_a_dying_domain_is_told) |
	       TEST(a_domain_that_dies_waiting_waits_no_more) |
	       TEST(a_ring_whose_partner_died_says_so_and_its_owner_is_told_once) |
	       TEST(a_new_domain_with_the_number_does_not_inherit_the_ring) | TEST(a_dying_domain_gets_no_new_ring) |
	       TEST(a_partner_that_dies_during_the_registration_is_esrch) |
	       TEST(a_domain_dies_that_has_a_ring_for_itself) | TEST(a_soft_reset_is_a_death_and_a_birth) |
	       TEST(a_soft_reset_does_not_bring_a_dying_domain_back);
}
