/*
 * FUZZ_COUNT (default 300000) steps of a sender that chooses lengths and types as it likes, a hypervisor that puts them
 * into a ring by the book, and a reader with reads, peeks, faults and releases at any time, by a seeded generator
 * (FUZZ_SEED, default 1). What is read is what was sent, once and in order; the index given back always makes sense.
 */
#include <stdlib.h>

#include "random.h"
#include "test.h"

#include "ring.h"

#define MOST 65536u
#define PEER 3u

uint64_t random_state;

static struct v4v_rx rx;
static struct hv_ring *ring;
/* What was sent and not read, its first byte at `first`. */
static unsigned char expected[2 * MOST], got[MOST];
static u32 first, last;

static void put(void)
{
	static unsigned char payload[MOST];
	u32 length = once_in(4) ? 0 : once_in(2) ? below(40) : below(once_in(10) ? 2 * ring->size : 2000);
	long taken;

	length = length < MOST ? length : MOST;
	for (u32 i = 0; i < length; i++)
		payload[i] = (unsigned char)(any() >> 5);
	taken = hv_put(ring, PEER, any(), payload, length, once_in(2));
	if (taken <= 0)
		return;
	if (last + (u32)taken > sizeof(expected)) {
		memmove(expected, expected + first, last - first);
		last -= first;
		first = 0;
	}
	memcpy(expected + last, payload, (size_t)taken);
	last += (u32)taken;
}

static void take(void)
{
	bool peek = once_in(4);
	u32 length = once_in(3) ? below(64) : below(MOST), unread = last - first;
	struct iov_iter to = {.buffer = got, .count = length, .fault_at = once_in(6) ? 1 + below(3000) : 0};
	ssize_t n = v4v_rx_take(&rx, &to, length, peek);
	u32 most = length < unread ? length : unread;

	if (to.fault_at && to.fault_at < most)
		most = to.fault_at;
	if (n != (ssize_t)most)
		violation("a read of %u of %u bytes gives %ld", length, unread, (long)n);
	else if (memcmp(got, expected + first, most) != 0)
		violation("other bytes are read than were sent");
	else if (!peek)
		first += most;
}

static void step(void)
{
	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		put();
		break;
	case 3:
	case 4:
		take();
		break;
	case 5:
		v4v_rx_release(&rx);
		break;
	case 6:
		ring->shared->waiting = once_in(2);
		break;
	default:
		if (v4v_rx_arm(&rx) && rx.scanned != ring->tx)
			violation("an event is waited for that has come");
	}
	/* Not each time: a read must find out for itself what is new. */
	if (once_in(2) && v4v_rx_available(&rx) != last - first)
		violation("%lu bytes are said to be there, %u are", (unsigned long)v4v_rx_available(&rx), last - first);
	if (ring->shared->rx % V4V_MESSAGE_ALIGN || hv_room(ring) > ring->size)
		violation("the index %u makes no sense", ring->shared->rx);
}

/* All is read: but for messages of no bytes behind it, all room is there again. */
static void drain(void)
{
	struct iov_iter to = {.buffer = got, .count = MOST};

	v4v_rx_take(&rx, &to, MOST, false);
	v4v_rx_release(&rx);
	first = last = 0;
	for (u32 at = ring->shared->rx; at != ring->tx; at += HEADER_BYTES)
		if (((struct v4v_message *)(rx.data + at % ring->size))->length)
			return violation("a message was not read to its end");
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

static unsigned long seed, steps;

static void whatever_comes_is_read_as_it_was_sent(void)
{
	unsigned long count = from_environment("FUZZ_COUNT", 300000);

	seed = from_environment("FUZZ_SEED", 1);
	for (; steps < count && !check_failed; seed++) {
		u32 position;

		random_start(seed);
		position = odd_number() & ~15u;
		CHECK_EQUAL(v4v_rx_open(&rx, 1024, PEER, V4V_RING_MIN << below(4)), 0);
		ring = hv_find(1024, PEER);
		hv_move(ring, position);
		rx.scanned = rx.taken = position;
		first = last = 0;
		for (unsigned int i = 0; i < 500 && !check_failed; i++, steps++)
			step();
		drain();
		v4v_rx_free(&rx);
		if (check_failed)
			printf("# FUZZ_SEED=%lu\n", seed);
	}
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(whatever_comes_is_read_as_it_was_sent);
}
