/* Control messages that must wait: each is said in the end, in its order, and only so many. */
#include "peer.h"

static u16 full;
static unsigned int refusals;

static long full_domain(u16 to)
{
	return to == full ? -EAGAIN : 1;
}

static int say(u16 to, u32 flags)
{
	const struct v4v_control message = {.version = V4V_CONTROL_VERSION, .op = V4V_OP_SHUTDOWN, .flags = flags};

	return v4v_control_send(to, &message);
}

static void event(void)
{
	v4v_control_event();
	run_work();
}

static void a_message_without_room_waits_and_is_sent_later(void)
{
	peer_start();
	full = PEER;
	control_result = full_domain;
	for (u32 i = 0; i < 5; i++)
		CHECK_EQUAL(say(PEER, i), 0);
	CHECK_EQUAL(say(STRANGER, 9), 0);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].to, STRANGER);
	event();
	CHECK_EQUAL(nr_answers, 1);
	control_result = NULL;
	/* Room now, but what waits comes first. */
	CHECK_EQUAL(say(PEER, 5), 0);
	CHECK_EQUAL(nr_answers, 1);
	event();
	CHECK_EQUAL(nr_answers, 7);
	for (u32 i = 0; i < 6; i++)
		CHECK_EQUAL(answers[1 + i].message.flags, i);
	event();
	CHECK_EQUAL(nr_answers, 7);
	CHECK_EQUAL(say(PEER, 7), 0);
	CHECK_EQUAL(nr_answers, 8);
	peer_stop();
}

/* The other side makes room between two of the calls that try what waits. */
static long full_for_the_first(u16 to)
{
	return to == PEER && !refusals++ ? -EAGAIN : 1;
}

static void none_overtakes_another_when_room_comes_in_between(void)
{
	peer_start();
	full = PEER;
	control_result = full_domain;
	for (u32 i = 0; i < 3; i++)
		CHECK_EQUAL(say(PEER, i), 0);
	refusals = 0;
	control_result = full_for_the_first;
	event();
	event();
	CHECK_EQUAL(nr_answers, 3);
	for (u32 i = 0; i < 3; i++)
		CHECK_EQUAL(answers[i].message.flags, i);
	peer_stop();
}

static long no_memory(u16 to)
{
	return to == PEER ? -ENOMEM : 1;
}

/* For the call, or for the hypervisor to note who waits: that passes, and the message still counts. */
static void a_waiting_message_survives_a_shortage_of_memory(void)
{
	peer_start();
	full = PEER;
	control_result = full_domain;
	CHECK_EQUAL(say(PEER, 1), 0);
	control_result = no_memory;
	event();
	control_result = NULL;
	event();
	CHECK_EQUAL(nr_answers, 1);
	peer_stop();
}

static long gone(u16 to)
{
	return to == PEER ? -ECONNREFUSED : 1;
}

static void what_waits_for_a_domain_that_is_gone_is_dropped(void)
{
	peer_start();
	full = PEER;
	control_result = full_domain;
	CHECK_EQUAL(say(PEER, 1), 0);
	control_result = gone;
	event();
	control_result = NULL;
	CHECK_EQUAL(say(PEER, 2), 0);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].message.flags, 2);
	CHECK_EQUAL(say(PEER, 3), 0);
	peer_stop();
}

static void no_more_than_a_bound_waits(void)
{
	unsigned int blocks;

	peer_start();
	blocks = kernel_blocks;
	full = PEER;
	control_result = full_domain;
	for (u32 i = 0; i < 5000; i++)
		say(PEER, i);
	CHECK(kernel_blocks - blocks <= 2049);
	CHECK_EQUAL(say(PEER, 1), -ENOBUFS);
	/* The others are still served. */
	CHECK_EQUAL(say(STRANGER, 1), 0);
	peer_stop();
}

static long all_full(u16 to)
{
	return -EAGAIN;
}

/* One domain that takes no messages must not cost the others theirs when they have no room for a moment. */
static void each_domain_has_its_own_share_of_what_waits(void)
{
	peer_start();
	full = PEER;
	control_result = full_domain;
	for (u32 i = 0; i < 5000; i++)
		peer_says(PEER, V4V_OP_REQUEST, 2000 + i, 0, 0);
	control_result = all_full;
	for (u32 i = 0; i < 500; i++)
		CHECK_EQUAL(say(STRANGER, i), 0);
	/* Each costs one refusal, however much waits. */
	hv.sends = 0;
	event();
	CHECK_EQUAL(hv.sends, 2);
	control_result = full_domain;
	nr_answers = 0;
	event();
	CHECK_EQUAL(nr_answers, ARRAY_SIZE(answers));
	for (u32 i = 0; i < ARRAY_SIZE(answers); i++)
		CHECK(answers[i].to == STRANGER && answers[i].message.flags == i);
	hv.sends = 0;
	event();
	CHECK_EQUAL(hv.sends, 1);
	peer_stop();
}

static void says_more(void)
{
	on_unlocked = NULL;
	CHECK_EQUAL(say(PEER, 7), 0);
	CHECK_EQUAL(say(STRANGER, 8), 0);
}

static void what_is_said_while_others_are_sent_keeps_its_place(void)
{
	peer_start();
	control_result = all_full;
	CHECK_EQUAL(say(PEER, 1), 0);
	CHECK_EQUAL(say(PEER, 2), 0);
	control_result = NULL;
	on_unlocked = says_more;
	event();
	CHECK_EQUAL(nr_answers, 4);
	CHECK(answers[0].message.flags == 1 && answers[1].message.flags == 8);
	CHECK(answers[2].message.flags == 2 && answers[3].message.flags == 7);
	/* The last that waits is on its way; what comes now waits behind it no more. */
	control_result = all_full;
	CHECK_EQUAL(say(PEER, 1), 0);
	control_result = NULL;
	on_unlocked = says_more;
	event();
	CHECK_EQUAL(nr_answers, 7);
	CHECK(answers[4].message.flags == 1 && answers[5].message.flags == 8 && answers[6].message.flags == 7);
	peer_stop();
}

static long room_comes_at_once(u16 to)
{
	control_result = NULL;
	v4v_control_event();
	return -EAGAIN;
}

/* The event comes after the refusal and before anything is noted as waiting: it is the only one. */
static void room_that_comes_before_a_message_waits_is_used(void)
{
	peer_start();
	control_result = room_comes_at_once;
	CHECK_EQUAL(say(PEER, 3), 0);
	CHECK_EQUAL(nr_answers, 0);
	run_work();
	CHECK_EQUAL(nr_answers, 1);
	peer_stop();
}

static void without_memory_nothing_waits(void)
{
	peer_start();
	control_result = all_full;
	for (unsigned int nth = 1; nth <= 2; nth++) {
		failing_allocation = nth;
		CHECK_EQUAL(say(PEER, 1), -ENOBUFS);
	}
	failing_allocation = 0;
	hv.sends = 0;
	event();
	CHECK_EQUAL(hv.sends, 0);
	peer_stop();
}

/* A domain that asks and asks, and takes no answer, must not cost more with each question. */
static void a_full_domain_is_tried_once_an_event(void)
{
	peer_start();
	full = PEER;
	control_result = full_domain;
	for (u32 i = 0; i < 100; i++)
		peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	hv.sends = 0;
	event();
	CHECK_EQUAL(hv.sends, 1);
	peer_stop();
}

static void messages_that_are_none_are_ignored(void)
{
	unsigned char bytes[600] = {0};
	struct v4v_control message = {.version = V4V_CONTROL_VERSION, .op = V4V_OP_REQUEST, .type = SOCK_STREAM};

	peer_start();
	/* All but the length is right. */
	memcpy(bytes, &message, sizeof(message));
	for (u32 length = 0; length < sizeof(bytes); length++)
		if (length != sizeof(message))
			peer_puts(PEER, bytes, length, V4V_TYPE_CONTROL);
	peer_puts(PEER, &message, sizeof(message), V4V_TYPE_STREAM);
	message.version = 2;
	peer_puts(PEER, &message, sizeof(message), V4V_TYPE_CONTROL);
	message.version = V4V_CONTROL_VERSION;
	for (unsigned int op = 0; op < 256; op++)
		if (op < V4V_OP_REQUEST || op > V4V_OP_RESET) {
			message.op = (u8)op;
			peer_puts(PEER, &message, sizeof(message), V4V_TYPE_CONTROL);
		}
	CHECK_EQUAL(nr_answers, 0);
	/* All room is given back: the next is heard. */
	CHECK_EQUAL(hv_room(hv_find(V4V_CONTROL_PORT, V4V_ANY)), 32 * 1024);
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(nr_answers, 1);
	peer_stop();
}

static void a_ring_full_of_messages_is_worked_off(void)
{
	struct hv_ring *ring;
	struct v4v_control message = {.version = V4V_CONTROL_VERSION, .op = V4V_OP_RESET};
	unsigned int n = 0;

	peer_start();
	ring = hv_find(V4V_CONTROL_PORT, V4V_ANY);
	while (hv_put(ring, PEER, V4V_TYPE_CONTROL, &message, sizeof(message), false) >= 0)
		n++;
	CHECK(n > 512);
	v4v_control_event();
	run_work();
	CHECK_EQUAL(hv_room(ring), ring->size);
	/* And the next one is heard of. */
	hv.events = 0;
	hv_put(ring, PEER, V4V_TYPE_CONTROL, &message, sizeof(message), false);
	CHECK_EQUAL(hv.events, 1);
	peer_stop();
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(a_message_without_room_waits_and_is_sent_later) |
	       TEST(none_overtakes_another_when_room_comes_in_between) |
	       TEST(a_waiting_message_survives_a_shortage_of_memory) |
	       TEST(what_waits_for_a_domain_that_is_gone_is_dropped) | TEST(no_more_than_a_bound_waits) |
	       TEST(each_domain_has_its_own_share_of_what_waits) |
	       TEST(what_is_said_while_others_are_sent_keeps_its_place) | TEST(without_memory_nothing_waits) |
	       TEST(room_that_comes_before_a_message_waits_is_used) |
	       TEST(a_full_domain_is_tried_once_an_event) |
	       TEST(messages_that_are_none_are_ignored) | TEST(a_ring_full_of_messages_is_worked_off);
}
