/* Rings of datagrams, as the control ring is: one message at a time, whole. */
#include "test.h"

#include "ring.h"

#define SIZE V4V_RING_MIN

static struct v4v_rx rx;
static struct hv_ring *ring;
static unsigned char bytes[SIZE], got[SIZE];
static struct v4v_message header;

static void open_ring(void)
{
	CHECK_EQUAL(v4v_rx_open(&rx, 1, V4V_ANY, SIZE), 0);
	ring = hv_find(1, V4V_ANY);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 5 + 1);
}

static void each_message_comes_whole_and_by_itself(void)
{
	open_ring();
	for (u32 i = 0; i < 3000; i++) {
		u32 length = i % 33, second = (i + 7) % 33;

		CHECK_EQUAL(hv_put(ring, 7, i, bytes + i % 100, length, false), length);
		CHECK_EQUAL(hv_put(ring, 8, i + 1, bytes, second, false), second);
		CHECK_EQUAL(v4v_rx_message(&rx, &header, got, 32), length);
		CHECK(header.length == length && header.type == i && header.src.domid == 7 && header.src.port == 9);
		CHECK(memcmp(got, bytes + i % 100, length) == 0);
		CHECK_EQUAL(v4v_rx_message(&rx, &header, got, 32), second);
		CHECK(header.src.domid == 8 && memcmp(got, bytes, second) == 0);
		CHECK_EQUAL(v4v_rx_message(&rx, &header, got, 32), -EAGAIN);
		CHECK_EQUAL(v4v_rx_available(&rx), 0);
		v4v_rx_release(&rx);
		CHECK_EQUAL(hv_room(ring), SIZE);
	}
	v4v_rx_free(&rx);
}

/* A stranger may send what he likes to the control ring. */
static void a_message_that_is_too_long_is_dropped_and_the_next_is_not(void)
{
	open_ring();
	for (u32 length = 33; length < SIZE - 64; length += 61) {
		CHECK_EQUAL(hv_put(ring, 7, 1, bytes, length, false), length);
		CHECK_EQUAL(hv_put(ring, 7, 1, bytes, 32, false), 32);
		memset(got, 0xee, sizeof(got));
		CHECK_EQUAL(v4v_rx_message(&rx, &header, got, 32), -EMSGSIZE);
		CHECK_EQUAL(got[0], 0xee);
		CHECK_EQUAL(v4v_rx_message(&rx, &header, got, 32), 32);
		CHECK(memcmp(got, bytes, 32) == 0 && got[32] == 0xee);
		v4v_rx_release(&rx);
		CHECK_EQUAL(hv_room(ring), SIZE);
	}
	v4v_rx_free(&rx);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(each_message_comes_whole_and_by_itself) |
	       TEST(a_message_that_is_too_long_is_dropped_and_the_next_is_not);
}
