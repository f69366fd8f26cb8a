/* What the debug key tells: the accounts by which a leak of rings or waiters is seen from outside. */
#include "test.h"

static void check_console(const char *expected)
{
	const char *printed = machine_press('4');

	if (strcmp(printed, expected) != 0) {
		printf("# printed:\n%s# instead of:\n%s", printed, expected);
		check_failed = true;
	}
}

static void the_key_tells_rings_bytes_and_waiters_of_each_domain(void)
{
	struct domain *one = machine_create_domain(1), *two = machine_create_domain(2);
	struct ring small, large;

	check_console("'4' pressed -> dumping V4V rings\n"
		      "V4V: d1: 0 rings, 0 bytes, 0 waiters\n"
		      "V4V: d2: 0 rings, 0 bytes, 0 waiters\n");
	CHECK_EQUAL(ring_open(&small, two, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	CHECK_EQUAL(ring_open(&large, two, 6, 1, 4 * V4V_RING_MIN, RING_FRAME + 2), 0);
	CHECK_EQUAL(send_pattern(one, &small, V4V_RING_MIN - HEADER_BYTES, 1, 0), V4V_RING_MIN - HEADER_BYTES);
	CHECK_EQUAL(send_pattern(one, &small, 1, 1, 0), -EAGAIN);
	check_console("'4' pressed -> dumping V4V rings\n"
		      "V4V: d1: 0 rings, 0 bytes, 0 waiters\n"
		      "V4V: d2: 2 rings, 20480 bytes, 1 waiters\n");
	CHECK_EQUAL(ring_close(&small), 0);
	check_console("'4' pressed -> dumping V4V rings\n"
		      "V4V: d1: 0 rings, 0 bytes, 0 waiters\n"
		      "V4V: d2: 1 rings, 16384 bytes, 0 waiters\n");
}

static void the_key_tells_of_a_dead_domain_that_it_has_nothing(void)
{
	struct domain *d = machine_create_domain(3);
	struct ring ring;

	CHECK_EQUAL(ring_open(&ring, d, 5, V4V_ANY, V4V_RING_MIN, RING_FRAME), 0);
	machine_kill_domain(d);
	check_console("'4' pressed -> dumping V4V rings\n"
		      "V4V: d3: 0 rings, 0 bytes, 0 waiters\n");
}

static void the_key_passes_over_domains_without_v4v(void)
{
	*shim_opt_v4v = false;
	machine_create_domain(1);
	check_console("'4' pressed -> dumping V4V rings\n");
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(the_key_tells_rings_bytes_and_waiters_of_each_domain) |
	       TEST(the_key_tells_of_a_dead_domain_that_it_has_nothing) |
	       TEST(the_key_passes_over_domains_without_v4v);
}
