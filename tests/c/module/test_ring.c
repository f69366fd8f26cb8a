/* Bytes come out of a ring as they went in, whatever the messages they came in and the reads that ask for them. */
#include "test.h"

#include "ring.h"

#define SIZE V4V_RING_MIN
#define PORT 1024u
#define PEER 3u

static struct v4v_rx rx;
static struct hv_ring *ring;
static unsigned char bytes[3 * SIZE], got[3 * SIZE];

static void open_ring(void)
{
	CHECK_EQUAL(v4v_rx_open(&rx, PORT, PEER, SIZE), 0);
	ring = hv_find(PORT, PEER);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
}

static void start_at(u32 position)
{
	hv_move(ring, position);
	rx.scanned = rx.taken = position;
}

static ssize_t take(u32 length, bool peek)
{
	struct iov_iter to = {.buffer = got, .count = length};

	memset(got, 0xee, sizeof(got));
	return v4v_rx_take(&rx, &to, length, peek);
}

static void takes(u32 from, u32 length)
{
	CHECK_EQUAL(take(length, false), length);
	CHECK(memcmp(got, bytes + from, length) == 0);
	CHECK_EQUAL(got[length], 0xee);
}

static void messages_arrive_at_every_start_and_length(void)
{
	static const u32 lengths[] = {1, 2, 15, 16, 17, 31, 32, 33, 100, 1000, 2047, 4063, 4064, 4065, 4079, 4080};

	open_ring();
	for (u32 start = 0; start < SIZE; start += V4V_MESSAGE_ALIGN)
		for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			start_at(start);
			CHECK_EQUAL(hv_put(ring, PEER, 2, bytes, lengths[i], false), lengths[i]);
			CHECK_EQUAL(v4v_rx_available(&rx), lengths[i]);
			takes(0, lengths[i]);
			v4v_rx_release(&rx);
			CHECK_EQUAL(hv_room(ring), SIZE);
		}
	v4v_rx_free(&rx);
}

static void positions_wrap_at_two_to_the_thirty_two(void)
{
	open_ring();
	start_at(0u - 2048);
	for (u32 i = 0; i < 50; i++) {
		CHECK_EQUAL(hv_put(ring, PEER, 2, bytes + i, 301 + i, false), 301 + i);
		takes(i, 301 + i);
		v4v_rx_release(&rx);
		CHECK_EQUAL(hv_room(ring), SIZE);
	}
	v4v_rx_free(&rx);
}

static void one_read_takes_from_many_messages_and_many_reads_from_one(void)
{
	u32 put = 0, taken = 0;

	open_ring();
	for (u32 i = 1; i < 60; i++)
		put += (u32)hv_put(ring, PEER, 2, bytes + put, i, false);
	CHECK_EQUAL(v4v_rx_available(&rx), put);
	for (u32 i = 1; taken < put; i = i % 37 + 1) {
		u32 n = i < put - taken ? i : put - taken;

		takes(taken, n);
		taken += n;
		CHECK_EQUAL(v4v_rx_available(&rx), put - taken);
	}
	CHECK_EQUAL(take(1, false), 0);
	v4v_rx_free(&rx);
}

static void a_peek_takes_nothing(void)
{
	open_ring();
	hv_put(ring, PEER, 2, bytes, 100, false);
	hv_put(ring, PEER, 2, bytes + 100, 100, false);
	takes(0, 7);
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQUAL(take(500, true), 193);
		CHECK(memcmp(got, bytes + 7, 193) == 0);
	}
	CHECK_EQUAL(v4v_rx_available(&rx), 193);
	takes(7, 193);
	CHECK_EQUAL(take(1, true), 0);
	v4v_rx_free(&rx);
}

/* The reader's buffer ends in memory that is not there: what was not copied is still to be read. */
static void a_fault_loses_no_byte(void)
{
	open_ring();
	start_at(SIZE - 64);
	hv_put(ring, PEER, 2, bytes, 100, false);
	hv_put(ring, PEER, 2, bytes + 100, 100, false);
	for (u32 fault = 1; fault < 200; fault++) {
		struct iov_iter to = {.buffer = got, .count = 200, .fault_at = fault};
		u32 at = ring->shared->rx;
		struct v4v_rx before = rx;

		CHECK_EQUAL(v4v_rx_take(&rx, &to, 200, false), fault);
		CHECK(memcmp(got, bytes, fault) == 0);
		takes(fault, 200 - fault);
		CHECK_EQUAL(v4v_rx_available(&rx), 0);
		CHECK_EQUAL(ring->shared->rx, at);
		rx = before;
	}
	CHECK_EQUAL(v4v_rx_take(&rx, &(struct iov_iter){.buffer = got, .count = 0, .fault_at = 1}, 200, false), -EFAULT);
	takes(0, 200);
	v4v_rx_free(&rx);
}

static void messages_of_no_bytes_are_skipped(void)
{
	open_ring();
	hv_put(ring, PEER, 2, bytes, 0, false);
	CHECK_EQUAL(v4v_rx_available(&rx), 0);
	CHECK_EQUAL(take(10, false), 0);
	hv_put(ring, PEER, 2, bytes, 0, false);
	hv_put(ring, PEER, 2, bytes, 5, false);
	hv_put(ring, PEER, 2, bytes, 0, false);
	hv_put(ring, PEER, 2, bytes + 5, 5, false);
	takes(0, 10);
	v4v_rx_release(&rx);
	CHECK_EQUAL(hv_room(ring), SIZE);
	v4v_rx_free(&rx);
}

static void room_is_given_back_in_whole_units_and_not_before_it_is_read(void)
{
	open_ring();
	hv_put(ring, PEER, 2, bytes, 100, false);
	for (u32 i = 1; i <= 100; i++) {
		takes(i - 1, 1);
		CHECK_EQUAL(ring->shared->rx, i == 1 ? 0 : (HEADER_BYTES + i - 1) / 16 * 16);
		v4v_rx_release(&rx);
		CHECK_EQUAL(hv.notified, 0);
		CHECK_EQUAL(ring->shared->rx, i < 100 ? (HEADER_BYTES + i) / 16 * 16 : HEADER_BYTES + 112);
	}
	v4v_rx_free(&rx);
}

static void who_waits_is_told_once_a_quarter_is_free(void)
{
	open_ring();
	hv_put(ring, PEER, 2, bytes, SIZE - HEADER_BYTES, false);
	takes(0, 1000);
	v4v_rx_release(&rx);
	CHECK_EQUAL(hv.notified, 0);
	CHECK_EQUAL(hv_put(ring, PEER, 2, bytes, 2000, false), -EAGAIN);
	/* 1008 bytes free after this, 16 short of the quarter. */
	takes(1000, 1);
	v4v_rx_release(&rx);
	CHECK_EQUAL(hv.notified, 0);
	takes(1001, 7);
	v4v_rx_release(&rx);
	CHECK_EQUAL(hv.notified, 1);
	v4v_rx_release(&rx);
	CHECK_EQUAL(hv.notified, 1);
	v4v_rx_free(&rx);
}

static void a_sender_begins_to_wait(void)
{
	ring->shared->waiting = 1;
}

static void who_begins_to_wait_during_the_release_is_told(void)
{
	open_ring();
	hv_put(ring, PEER, 2, bytes, SIZE - HEADER_BYTES, false);
	takes(0, 3000);
	on_barrier = a_sender_begins_to_wait;
	v4v_rx_release(&rx);
	CHECK_EQUAL(hv.notified, 1);
	on_barrier = NULL;
	v4v_rx_free(&rx);
}

static void a_message_comes(void)
{
	hv_put(ring, PEER, 2, bytes, 4, false);
	on_barrier = NULL;
}

static void arming_asks_for_an_event_and_notices_what_came_meanwhile(void)
{
	open_ring();
	hv_put(ring, PEER, 2, bytes, 4, false);
	takes(0, 4);
	hv.events = 0;
	hv_put(ring, PEER, 2, bytes, 4, false);
	takes(0, 4);
	CHECK_EQUAL(hv.events, 0);
	CHECK(v4v_rx_arm(&rx));
	CHECK(!v4v_rx_news(&rx));
	hv_put(ring, PEER, 2, bytes, 4, false);
	CHECK_EQUAL(hv.events, 1);
	CHECK(v4v_rx_news(&rx));
	CHECK(!v4v_rx_arm(&rx));
	CHECK_EQUAL(v4v_rx_available(&rx), 4);
	CHECK(!v4v_rx_news(&rx));
	on_barrier = a_message_comes;
	CHECK(!v4v_rx_arm(&rx));
	v4v_rx_free(&rx);
}

static unsigned int relaxed;

static void a_message_comes_at_the_fifth_look(void)
{
	if (++relaxed == 5)
		hv_put(ring, PEER, 2, bytes, 4, false);
}

/* A sleep of @ns. */
static void sleeps(u64 ns)
{
	v4v_rx_asleep(&rx);
	shim_clock += ns;
	v4v_rx_awake(&rx, 100000);
}

static void looking_out_is_tried_only_while_it_pays(void)
{
	open_ring();
	CHECK(!v4v_rx_spin(&rx, 100000));
	CHECK_EQUAL(rx.spin_ns, 0);
	sleeps(5000);
	CHECK_EQUAL(rx.spin_ns, 10000);
	for (unsigned int i = 0; i < 10; i++)
		sleeps(50000);
	CHECK_EQUAL(rx.spin_ns, 100000);
	/* Not asleep: nothing is learned. */
	v4v_rx_awake(&rx, 100000);
	CHECK_EQUAL(rx.spin_ns, 100000);
	sleeps(150000);
	CHECK_EQUAL(rx.spin_ns, 0);
	v4v_rx_free(&rx);
}

static void looking_out_needs_no_event_and_ends(void)
{
	u64 before;

	open_ring();
	rx.spin_ns = 50000;
	CHECK(v4v_rx_arm(&rx));
	hv.events = 0;
	relaxed = 0;
	on_relax = a_message_comes_at_the_fifth_look;
	CHECK(v4v_rx_spin(&rx, 100000));
	CHECK_EQUAL(relaxed, 5);
	CHECK_EQUAL(hv.events, 0);
	takes(0, 4);
	on_relax = NULL;
	before = shim_clock;
	CHECK(!v4v_rx_spin(&rx, 20000));
	CHECK(shim_clock - before >= 20000 && shim_clock - before < 21000);
	signal_came = true;
	before = shim_clock;
	CHECK(!v4v_rx_spin(&rx, 20000));
	CHECK(shim_clock - before < 1000);
	signal_came = false;
	/* Whoever sleeps now is told. */
	CHECK(v4v_rx_arm(&rx));
	hv_put(ring, PEER, 2, bytes, 4, false);
	CHECK_EQUAL(hv.events, 1);
	v4v_rx_free(&rx);
}

/* As poll() does that waits for more than there is (SO_RCVLOWAT). */
static void arming_with_bytes_unread_asks_for_the_next(void)
{
	open_ring();
	hv_put(ring, PEER, 2, bytes, 100, false);
	takes(0, 1);
	hv.events = 0;
	CHECK(v4v_rx_arm(&rx));
	hv_put(ring, PEER, 2, bytes, 4, false);
	CHECK_EQUAL(hv.events, 1);
	v4v_rx_free(&rx);
}

/* Of many sockets that have news, an interrupt is to wake those only whose readers do not know of it. */
static void a_reader_is_told_of_each_arrival_once(void)
{
	open_ring();
	CHECK(!v4v_rx_untold(&rx));
	for (int i = 0; i < 2; i++) {
		hv_put(ring, PEER, 2, bytes, 4, false);
		CHECK(v4v_rx_untold(&rx));
		CHECK(!v4v_rx_untold(&rx));
	}
	/* Who has looked and asks anew knows what is there. */
	takes(0, 4);
	CHECK(v4v_rx_arm(&rx));
	CHECK(!v4v_rx_untold(&rx));
	/* Positions come round: what was told four gigabytes ago is nothing to go by. */
	start_at((u32)-32);
	CHECK(v4v_rx_arm(&rx));
	hv_put(ring, PEER, 2, bytes, 16, false);
	CHECK_EQUAL(ring->shared->tx, 0);
	CHECK(v4v_rx_untold(&rx));
	v4v_rx_free(&rx);
}

static void the_end_of_the_partner_shows(void)
{
	open_ring();
	CHECK(!v4v_rx_partner_gone(&rx));
	ring->shared->state = V4V_RING_PARTNER_GONE;
	CHECK(v4v_rx_partner_gone(&rx));
	v4v_rx_free(&rx);
}

static void a_ring_that_cannot_be_had_leaves_nothing(void)
{
	for (unsigned int nth = 1; nth <= 2; nth++) {
		failing_allocation = nth;
		CHECK_EQUAL(v4v_rx_open(&rx, PORT, PEER, SIZE), -ENOMEM);
		CHECK_EQUAL(kernel_blocks, 0);
		CHECK(!rx.shared && !rx.registered);
	}
	hv.register_error = -ENOSPC;
	CHECK_EQUAL(v4v_rx_open(&rx, PORT, PEER, SIZE), -ENOSPC);
	CHECK_EQUAL(kernel_blocks, 0);
	v4v_rx_free(&rx);
	v4v_rx_unregister(&rx);
}

/* No ring takes more than a quarter of what is left, so that the hundredth connection has one, too. */
static void rings_get_smaller_as_memory_does(void)
{
	struct v4v_rx rings[100];
	u64 sum = 0;

	shim_pages = (128ul << 20) / PAGE_SIZE;
	CHECK_EQUAL(v4v_rx_affordable(1 << 20, 16384), 1 << 20);
	CHECK_EQUAL(v4v_rx_affordable(V4V_RING_MAX, 16384), V4V_RING_MAX);
	for (u32 i = 0; i < ARRAY_SIZE(rings); i++) {
		u32 size = v4v_rx_affordable(1 << 20, 16384);

		CHECK(size >= 16384 && (i || size == 1 << 20));
		if (i >= 60) {
			memset(&rings[i], 0, sizeof(rings[i]));
			continue;
		}
		CHECK_EQUAL(v4v_rx_open(&rings[i], PORT + i, PEER, size), 0);
		sum += size;
	}
	CHECK(sum <= 17ul << 20);
	CHECK(v4v_rx_affordable(1 << 20, 16384) < 1 << 20);
	for (u32 i = 0; i < ARRAY_SIZE(rings); i++)
		v4v_rx_free(&rings[i]);
	CHECK_EQUAL(v4v_rx_affordable(V4V_RING_MAX, 16384), V4V_RING_MAX);
	/* The hypervisor's own limit counts on a large machine. */
	shim_pages = (1ul << 40) / PAGE_SIZE;
	CHECK_EQUAL(v4v_rx_affordable(1u << 30, 16384), 1 << 24);
}

/* A domain with much memory is not refused the ring that the hypervisor counts as its last. */
static void all_rings_that_the_hypervisor_allows_fit(void)
{
	static struct v4v_rx rings[V4V_RINGS_MAX];

	shim_pages = (1ul << 40) / PAGE_SIZE;
	for (u32 i = 0; i < V4V_RINGS_MAX; i++) {
		u32 size = v4v_rx_affordable(1 << 20, 16384);

		CHECK(i >= 16 || size == 1 << 20);
		CHECK_EQUAL(v4v_rx_open(&rings[i], PORT + i, PEER, size), 0);
	}
	for (u32 i = 0; i < V4V_RINGS_MAX; i++)
		v4v_rx_free(&rings[i]);
	CHECK_EQUAL(v4v_rx_affordable(1 << 20, 16384), 1 << 20);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(rings_get_smaller_as_memory_does) | TEST(all_rings_that_the_hypervisor_allows_fit) | TEST(messages_arrive_at_every_start_and_length) | TEST(positions_wrap_at_two_to_the_thirty_two) |
	       TEST(one_read_takes_from_many_messages_and_many_reads_from_one) | TEST(a_peek_takes_nothing) |
	       TEST(a_fault_loses_no_byte) | TEST(messages_of_no_bytes_are_skipped) |
	       TEST(room_is_given_back_in_whole_units_and_not_before_it_is_read) |
	       TEST(who_waits_is_told_once_a_quarter_is_free) | TEST(who_begins_to_wait_during_the_release_is_told) |
	       TEST(arming_asks_for_an_event_and_notices_what_came_meanwhile) |
	       TEST(arming_with_bytes_unread_asks_for_the_next) | TEST(a_reader_is_told_of_each_arrival_once) |
	       TEST(looking_out_is_tried_only_while_it_pays) | TEST(looking_out_needs_no_event_and_ends) | TEST(the_end_of_the_partner_shows) |
	       TEST(a_ring_that_cannot_be_had_leaves_nothing);
}
