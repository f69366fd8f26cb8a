/* Who is told of what: owners of messages, senders of room. */
#include "test.h"

static struct domain *sender, *owner;
static struct ring ring;

static void two_domains(uint32_t size)
{
	sender = machine_create_domain(1);
	owner = machine_create_domain(2);
	CHECK_EQUAL(ring_open(&ring, owner, 5, V4V_ANY, size, RING_FRAME), 0);
}

/* Leaves `room` bytes free. */
static void fill(uint32_t room)
{
	uint32_t length = ring.size - room - HEADER_BYTES;

	CHECK_EQUAL(send_pattern(sender, &ring, length, 1, 0), length);
	CHECK_EQUAL(ring_room(&ring), room);
	CHECK_EQUAL(events(owner), 1);
}

static void make_room(uint32_t room)
{
	ring_set_rx(&ring, ring_words(&ring).tx - (ring.size - room));
}

/* A message of `length` bytes, and whether its owner is told. */
static void sent_and_told(uint32_t length, unsigned int told)
{
	CHECK_EQUAL(send_pattern(sender, &ring, length, 1, 0), length);
	CHECK_EQUAL(events(owner), told);
	CHECK_EQUAL(events(sender), 0);
	ring_set_rx(&ring, ring_words(&ring).tx);
}

static void the_owner_is_told_of_the_message_that_passes_its_position(void)
{
	two_domains(V4V_RING_MIN);
	for (unsigned int i = 0; i < 3; i++) {
		/* Where it is at first, near the end of the counters, across it. */
		if (i) {
			ring_set_rx(&ring, i == 1 ? 0u - 4096 : 0u - 16);
			machine_move_ring(owner, 5, V4V_ANY, ring.rx);
		}
		ring_event_at(&ring, ring.rx);
		sent_and_told(10, 1);
		sent_and_told(10, 0);
		/* The next message ends at the position, the one after it passes. */
		ring_event_at(&ring, ring.rx + 32);
		sent_and_told(10, 0);
		sent_and_told(0, 1);
		sent_and_told(500, 0);
		ring_event_at(&ring, ring.rx + 496);
		sent_and_told(496, 1);
		ring_event_at(&ring, ring.rx - 16);
		sent_and_told(10, 0);
		ring_event_at(&ring, ring.rx + 0x80000000u);
		sent_and_told(10, 0);
	}
}

/* What the owner asks for while the hypervisor is at it must not be lost. */
static void the_position_is_the_owners_alone(void)
{
	two_domains(V4V_RING_MIN);
	sent_and_told(10, 1);
	CHECK_EQUAL(ring_words(&ring).event_at, 0);
	ring_event_at(&ring, 32);
	sent_and_told(10, 1);
	CHECK_EQUAL(ring_words(&ring).event_at, 32);
}

static void a_refused_message_tells_nobody(void)
{
	struct v4v_sendv args;

	two_domains(V4V_RING_MIN);
	args = addressed(&ring, 10, 0);
	CHECK_EQUAL(sendv(sender, &args, NULL, 0), -EINVAL);
	CHECK_EQUAL(events(owner), 0);
	sent_and_told(10, 1);
}

/* The event comes after the index: the owner that wakes must find the message. */
static uint32_t tx_at_event;

static void note_tx(struct domain *d)
{
	if (d == owner)
		tx_at_event = ring_words(&ring).tx;
}

static void the_message_is_there_when_the_event_comes(void)
{
	two_domains(V4V_RING_MIN);
	machine.on_event = note_tx;
	CHECK_EQUAL(send_pattern(sender, &ring, 16, 1, 0), 16);
	CHECK_EQUAL(tx_at_event, 32);
}

/* The owner sets its position and looks at tx again: whichever comes first, it hears of the message. */
static void ask_for_an_event(bool full)
{
	if (full)
		ring_event_at(&ring, 32);
}

static void an_owner_that_asks_while_the_message_comes_is_told(void)
{
	two_domains(V4V_RING_MIN);
	sent_and_told(16, 1);
	machine.on_barrier = ask_for_an_event;
	sent_and_told(16, 1);
}

static unsigned int full_barriers, write_barriers;

static void count_barriers(bool full)
{
	if (full)
		full_barriers++;
	else if (!ring_words(&ring).tx)
		write_barriers++;
}

static void there_is_a_barrier_before_the_index_and_one_behind_it(void)
{
	two_domains(V4V_RING_MIN);
	full_barriers = write_barriers = 0;
	machine.on_barrier = count_barriers;
	CHECK_EQUAL(send_pattern(sender, &ring, 16, 1, 0), 16);
	machine.on_barrier = NULL;
	CHECK_EQUAL(write_barriers, 1);
	CHECK_EQUAL(full_barriers, 1);
}

static void a_sender_without_room_is_told_when_there_is_enough_for_it(void)
{
	two_domains(V4V_RING_MIN);
	fill(64);
	CHECK_EQUAL(send_pattern(sender, &ring, 1000, 1, 0), -EAGAIN);
	CHECK_EQUAL(ring_words(&ring).waiting, 1);
	/* Room for all but a unit of it: not worth waking up for. */
	make_room(HEADER_BYTES + 1008 - V4V_MESSAGE_ALIGN);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(sender), 0);
	CHECK_EQUAL(ring_words(&ring).waiting, 1);
	make_room(HEADER_BYTES + 1008);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(sender), 1);
	CHECK_EQUAL(ring_words(&ring).waiting, 0);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(sender), 0);
	CHECK_EQUAL(events(owner), 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 1000, 1, 0), 1000);
}

static void a_stream_is_told_of_a_quarter_of_the_ring_or_room_for_the_rest(void)
{
	static const struct {
		uint32_t length, needed;
	} cases[] = {{V4V_RING_MIN, V4V_RING_MIN / 4}, {100, HEADER_BYTES + 112}};

	for (unsigned int i = 0; i < 2; i++) {
		two_domains(V4V_RING_MIN);
		fill(0);
		CHECK_EQUAL(send_pattern(sender, &ring, cases[i].length, 1, V4V_SEND_PARTIAL), -EAGAIN);
		make_room(cases[i].needed - V4V_MESSAGE_ALIGN);
		CHECK_EQUAL(ring_notify(&ring), 0);
		CHECK_EQUAL(events(sender), 0);
		make_room(cases[i].needed);
		CHECK_EQUAL(ring_notify(&ring), 0);
		CHECK_EQUAL(events(sender), 1);
		machine_stop();
		machine_start();
	}
}

static void a_part_that_was_taken_waits_for_the_rest(void)
{
	two_domains(V4V_RING_MIN);
	fill(64);
	CHECK_EQUAL(send_pattern(sender, &ring, 200, 1, V4V_SEND_PARTIAL), 48);
	CHECK_EQUAL(ring_words(&ring).waiting, 1);
	CHECK_EQUAL(events(sender), 0);
	make_room(HEADER_BYTES + 160);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(sender), 1);
}

static void the_least_of_what_a_domain_waits_for_counts(void)
{
	two_domains(V4V_RING_MIN);
	fill(0);
	CHECK_EQUAL(send_pattern(sender, &ring, 1000, 1, 0), -EAGAIN);
	CHECK_EQUAL(send_pattern(sender, &ring, 48, 1, 0), -EAGAIN);
	CHECK_EQUAL(send_pattern(sender, &ring, 2000, 1, 0), -EAGAIN);
	make_room(64);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(sender), 1);
}

static void every_waiting_domain_is_told_for_itself(void)
{
	struct domain *third;

	two_domains(V4V_RING_MIN);
	third = machine_create_domain(3);
	fill(0);
	CHECK_EQUAL(send_pattern(sender, &ring, 2000, 1, 0), -EAGAIN);
	CHECK_EQUAL(send_pattern(third, &ring, 100, 1, 0), -EAGAIN);
	make_room(HEADER_BYTES + 112);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(third), 1);
	CHECK_EQUAL(events(sender), 0);
	CHECK_EQUAL(ring_words(&ring).waiting, 1);
	make_room(V4V_RING_MIN);
	CHECK_EQUAL(ring_notify(&ring), 0);
	CHECK_EQUAL(events(third), 0);
	CHECK_EQUAL(events(sender), 1);
	CHECK_EQUAL(ring_words(&ring).waiting, 0);
}

/* The owner took everything after the sender looked, saw no `waiting` and says nothing. */
static void take_all(bool full)
{
	if (full)
		ring_set_rx(&ring, ring_words(&ring).tx);
}

static void room_that_is_made_while_the_sender_is_noted_is_not_missed(void)
{
	for (uint32_t flags = 0; flags <= V4V_SEND_PARTIAL; flags++) {
		two_domains(V4V_RING_MIN);
		fill(0);
		machine.on_barrier = take_all;
		CHECK_EQUAL(send_pattern(sender, &ring, 1000, 1, flags), -EAGAIN);
		machine.on_barrier = NULL;
		CHECK_EQUAL(events(sender), 1);
		CHECK_EQUAL(ring_words(&ring).waiting, 0);
		CHECK_EQUAL(send_pattern(sender, &ring, 1000, 1, flags), 1000);
		machine_stop();
		machine_start();
	}
}

static void a_ring_that_goes_tells_who_waits(void)
{
	two_domains(V4V_RING_MIN);
	fill(0);
	CHECK_EQUAL(send_pattern(sender, &ring, 1000, 1, 0), -EAGAIN);
	CHECK_EQUAL(ring_close(&ring), 0);
	CHECK_EQUAL(events(sender), 1);
	CHECK_EQUAL(send_pattern(sender, &ring, 1000, 1, 0), -ECONNREFUSED);
}

/* Its memory may be being saved: nothing of a message may be in one part of it and not in another. */
static void a_domain_that_is_shut_down_takes_nothing_until_it_goes_on(void)
{
	struct domain *third;
	uint32_t tx;

	two_domains(V4V_RING_MIN);
	third = machine_create_domain(3);
	sent_and_told(10, 1);
	tx = ring_words(&ring).tx;
	owner->is_shut_down = true;
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -EAGAIN);
	CHECK_EQUAL(send_pattern(sender, &ring, 100, 1, V4V_SEND_PARTIAL), -EAGAIN);
	CHECK_EQUAL(send_pattern(third, &ring, 0, 1, 0), -EAGAIN);
	/* What never fits is no matter of waiting. */
	CHECK_EQUAL(send_pattern(sender, &ring, V4V_RING_MIN, 1, 0), -EMSGSIZE);
	CHECK_EQUAL(ring_words(&ring).tx, tx);
	CHECK_EQUAL(events(owner) + events(sender) + events(third), 0);
	machine_resume(owner);
	CHECK_EQUAL(events(sender), 1);
	CHECK_EQUAL(events(third), 1);
	CHECK_EQUAL(ring_words(&ring).waiting, 0);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), 10);
	/* Nobody waits: nobody is told. */
	CHECK_EQUAL(events(sender), 0);
	owner->is_shut_down = true;
	machine_resume(owner);
	CHECK_EQUAL(events(sender), 0);
}

static void shut_it_down(void)
{
	owner->is_shut_down = true;
}

static void what_is_being_copied_when_a_domain_shuts_down_does_not_show(void)
{
	struct v4v_ring before;

	two_domains(V4V_RING_MIN);
	before = ring_words(&ring);
	machine.on_frame_written = shut_it_down;
	CHECK_EQUAL(send_pattern(sender, &ring, 1000, 1, 0), -EAGAIN);
	machine.on_frame_written = NULL;
	CHECK_EQUAL(ring_words(&ring).tx, before.tx);
	CHECK_EQUAL(events(owner), 0);
	machine_resume(owner);
	CHECK_EQUAL(events(sender), 1);
	CHECK_EQUAL(send_pattern(sender, &ring, 1000, 2, 0), 1000);
	CHECK(takes_pattern(&ring, 1, 1000, 2));
}

static void who_waits_for_a_domain_that_is_shut_down_is_told_of_its_end(void)
{
	two_domains(V4V_RING_MIN);
	owner->is_shut_down = true;
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -EAGAIN);
	machine_kill_domain(owner);
	CHECK_EQUAL(events(sender), 1);
	CHECK_EQUAL(send_pattern(sender, &ring, 10, 1, 0), -ECONNREFUSED);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(the_owner_is_told_of_the_message_that_passes_its_position) |
	       TEST(the_position_is_the_owners_alone) | TEST(a_refused_message_tells_nobody) |
	       TEST(the_message_is_there_when_the_event_comes) |
	       TEST(an_owner_that_asks_while_the_message_comes_is_told) | TEST(there_is_a_barrier_before_the_index_and_one_behind_it) |
	       TEST(a_sender_without_room_is_told_when_there_is_enough_for_it) |
	       TEST(a_stream_is_told_of_a_quarter_of_the_ring_or_room_for_the_rest) |
	       TEST(a_part_that_was_taken_waits_for_the_rest) | TEST(the_least_of_what_a_domain_waits_for_counts) |
	       TEST(every_waiting_domain_is_told_for_itself) |
	       TEST(room_that_is_made_while_the_sender_is_noted_is_not_missed) | TEST(a_ring_that_goes_tells_who_waits) |
	       TEST(a_domain_that_is_shut_down_takes_nothing_until_it_goes_on) |
	       TEST(what_is_being_copied_when_a_domain_shuts_down_does_not_show) |
	       TEST(who_waits_for_a_domain_that_is_shut_down_is_told_of_its_end);
}
