/* Memory runs out at each place where it is asked for: an error, and nothing is left behind or lost. */
#include "test.h"

static void every_allocation_of_a_registration_may_fail(void)
{
	struct domain *d = machine_create_domain(1);
	unsigned int blocks = machine.heap_blocks, failures = 0;
	struct ring ring;

	for (unsigned int nth = 1; nth < 10; nth++) {
		long rc;

		machine.failing_allocation = nth;
		rc = ring_open(&ring, d, 5, V4V_ANY, 128 * V4V_FRAME_SIZE, RING_FRAME);
		if (!rc)
			break;
		CHECK_EQUAL(rc, -ENOMEM);
		CHECK_EQUAL(machine.heap_blocks, blocks);
		failures++;
	}
	machine.failing_allocation = 0;
	/* The ring, its list of frames, its mapping. */
	CHECK_EQUAL(failures, 3);
	CHECK_EQUAL(send_pattern(d, &ring, 1000, 1, 0), 1000);
	CHECK(takes_pattern(&ring, 1, 1000, 1));
}

static void a_sender_that_cannot_be_noted_is_enomem(void)
{
	struct domain *sender = machine_create_domain(1), *owner = machine_create_domain(2);
	struct ring ring;

	CHECK_EQUAL(ring_open(&ring, owner, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 4000, 1, 0), 4000);
	for (uint32_t flags = 0; flags <= V4V_SEND_PARTIAL; flags++) {
		machine.failing_allocation = 1;
		CHECK_EQUAL(send_pattern(sender, &ring, 100, 1, flags), -ENOMEM);
		CHECK_EQUAL(machine.failing_allocation, 0);
		CHECK_EQUAL(ring_words(&ring).waiting, 0);
		CHECK_EQUAL(ring_words(&ring).tx, 4016);
	}
	CHECK_EQUAL(send_pattern(sender, &ring, 100, 1, 0), -EAGAIN);
	CHECK_EQUAL(ring_words(&ring).waiting, 1);
}

static void a_message_that_fits_allocates_nothing(void)
{
	struct domain *d = machine_create_domain(1);
	struct ring ring;

	CHECK_EQUAL(ring_open(&ring, d, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	machine.failing_allocation = 1;
	CHECK_EQUAL(send_pattern(d, &ring, 4080, 1, 0), 4080);
	CHECK_EQUAL(machine.failing_allocation, 1);
}

static void a_domain_is_not_created_without_memory_for_it(void)
{
	/* The table of rules, its policy. */
	for (unsigned int nth = 1; nth <= 2; nth++) {
		machine.failing_allocation = nth;
		CHECK(!machine_create_domain(1));
		CHECK_EQUAL(machine.heap_blocks, 0);
	}
	machine.failing_allocation = 3;
	CHECK(!machine_create_domain(1));
	CHECK_EQUAL(machine.heap_blocks, 2);
	CHECK(machine_create_domain(1));
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(every_allocation_of_a_registration_may_fail) | TEST(a_sender_that_cannot_be_noted_is_enomem) |
	       TEST(a_message_that_fits_allocates_nothing) | TEST(a_domain_is_not_created_without_memory_for_it);
}
