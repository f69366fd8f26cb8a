/* What one ring gave back serves the next of its size, within bounds and for a while. */
#include "test.h"

#include <linux/workqueue.h>

#include "area.h"
#include "v4v.h"

#define SIZE V4V_RING_MIN

static void what_was_given_back_is_taken_again(void)
{
	unsigned char *area = v4v_area_get(SIZE), *other;

	CHECK(area);
	memset(area, 0xaa, V4V_FRAME_SIZE + SIZE);
	time_stands = true;
	v4v_area_put(area, SIZE);
	other = v4v_area_get(2 * SIZE);
	CHECK(other != area);
	CHECK(v4v_area_get(SIZE) == area);
	/* The page that hypervisor and reader share is new, the data's are nobody's business. */
	for (unsigned int i = 0; i < V4V_FRAME_SIZE; i++)
		CHECK_EQUAL(area[i], 0);
	v4v_area_put(other, 2 * SIZE);
	v4v_area_put(area, SIZE);
	time_stands = false;
	v4v_area_exit();
	CHECK_EQUAL(kernel_blocks, 0);
}

static void only_so_much_is_kept(void)
{
	unsigned long before = shim_pages;
	void *areas[3];

	/* Room for two. */
	shim_pages = 64 * 2 * SIZE / PAGE_SIZE;
	time_stands = true;
	for (unsigned int i = 0; i < 3; i++)
		areas[i] = v4v_area_get(SIZE);
	CHECK_EQUAL(kernel_blocks, 3);
	for (unsigned int i = 0; i < 3; i++)
		v4v_area_put(areas[i], SIZE);
	CHECK_EQUAL(kernel_blocks, 2);
	time_stands = false;
	shim_pages = before;
	v4v_area_exit();
	CHECK_EQUAL(kernel_blocks, 0);
}

static void nothing_is_kept_for_long(void)
{
	v4v_area_put(v4v_area_get(SIZE), SIZE);
	CHECK_EQUAL(kernel_blocks, 0);
	v4v_area_put(NULL, 0);
}

static void without_memory_there_is_none(void)
{
	failing_allocation = 1;
	CHECK(!v4v_area_get(SIZE));
}

int main(void)
{
	return TEST(what_was_given_back_is_taken_again) | TEST(only_so_much_is_kept) | TEST(nothing_is_kept_for_long) |
	       TEST(without_memory_there_is_none);
}
