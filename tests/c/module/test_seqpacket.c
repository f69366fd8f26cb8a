/* SOCK_SEQPACKET: records arrive whole, one by one, or not at all. */
#include "peer.h"

static struct vsock_sock *vsk;
static struct hv_ring *ring;
static unsigned char bytes[V4V_SEND_MAX + 1], got[V4V_SEND_MAX + 1];

static void connected(void)
{
	peer_start();
	peer_type = SOCK_SEQPACKET;
	vsk = user_socket(SOCK_SEQPACKET);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	CHECK_EQUAL(answers[0].message.type, SOCK_SEQPACKET);
	ring = hv_find(answers[0].message.ring, PEER);
	peer_says(PEER, V4V_OP_RESPONSE, 2000, answers[0].message.ring, 0);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_ESTABLISHED);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 3 + i / 255);
}

static void finish(void)
{
	user_close(vsk);
	peer_stop();
}

static void arrives(u32 length, u32 flags)
{
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_SEQPACKET | flags, bytes, length, false), length);
}

static void a_record_is_one_message_with_its_flag(void)
{
	connected();
	CHECK_EQUAL(user_send_flags(vsk, bytes, 3000, 0), 3000);
	CHECK_EQUAL(hv.last.type, V4V_TYPE_SEQPACKET);
	CHECK_EQUAL(hv.last.flags, 0);
	CHECK(hv.nr_sent == 3000 && memcmp(hv.sent, bytes, 3000) == 0);
	CHECK(hv.last.dst.port == 2000 && hv.last.dst.domid == PEER);
	CHECK_EQUAL(user_send_flags(vsk, bytes, 1, MSG_EOR), 1);
	CHECK_EQUAL(hv.last.type, V4V_TYPE_SEQPACKET | V4V_TYPE_EOR);
	hv.nr_sent = 0;
	CHECK_EQUAL(user_send(vsk, bytes + 5, V4V_SEND_MAX - 5), V4V_SEND_MAX - 5);
	CHECK(hv.nr_sent == V4V_SEND_MAX - 5 && memcmp(hv.sent, bytes + 5, hv.nr_sent) == 0);
	finish();
}

static void records_are_read_one_by_one(void)
{
	connected();
	CHECK_EQUAL(user_receive(vsk, got, sizeof(got)), -EAGAIN);
	arrives(100, 0);
	arrives(200, V4V_TYPE_EOR);
	arrives(300, 0);
	CHECK_EQUAL(user_receive(vsk, got, sizeof(got)), 100);
	CHECK(memcmp(got, bytes, 100) == 0 && received_flags == 0);
	CHECK_EQUAL(user_receive(vsk, got, 200), 200);
	CHECK_EQUAL(received_flags, MSG_EOR);
	CHECK_EQUAL(user_receive(vsk, got, sizeof(got)), 300);
	CHECK_EQUAL(user_receive(vsk, got, sizeof(got)), -EAGAIN);
	CHECK_EQUAL(hv_room(ring), ring->size);
	finish();
}

static void what_a_buffer_is_too_short_for_is_dropped_and_said(void)
{
	connected();
	arrives(100, V4V_TYPE_EOR);
	arrives(200, 0);
	arrives(300, 0);
	memset(got, 0xee, sizeof(got));
	CHECK_EQUAL(user_receive(vsk, got, 10), 10);
	CHECK_EQUAL(received_flags, MSG_TRUNC | MSG_EOR);
	CHECK(memcmp(got, bytes, 10) == 0 && got[10] == 0xee);
	/* Asked for, the real length is what is returned. */
	CHECK_EQUAL(user_receive_flags(vsk, got, 10, MSG_TRUNC), 200);
	CHECK_EQUAL(received_flags, MSG_TRUNC);
	CHECK_EQUAL(user_receive_flags(vsk, got, 300, MSG_TRUNC), 300);
	CHECK_EQUAL(received_flags, 0);
	CHECK_EQUAL(hv_room(ring), ring->size);
	finish();
}

static void a_peek_takes_nothing_and_shows_all(void)
{
	connected();
	arrives(100, V4V_TYPE_EOR);
	arrives(50, 0);
	CHECK_EQUAL(user_receive_flags(vsk, got, 30, MSG_PEEK), 30);
	CHECK_EQUAL(received_flags, MSG_TRUNC | MSG_EOR);
	CHECK_EQUAL(user_receive_flags(vsk, got, 30, MSG_PEEK | MSG_TRUNC), 100);
	CHECK_EQUAL(user_receive_flags(vsk, got, 400, MSG_PEEK), 100);
	CHECK_EQUAL(hv_room(ring), ring->size - 128 - 80);
	CHECK_EQUAL(user_receive(vsk, got, 400), 100);
	CHECK(memcmp(got, bytes, 100) == 0);
	CHECK_EQUAL(user_receive(vsk, got, 400), 50);
	finish();
}

/* As tools/testing/vsock has it: the record is gone, the next is not. A peek leaves it. */
static void a_fault_costs_the_record(void)
{
	connected();
	arrives(3000, 0);
	arrives(40, 0);
	CHECK_EQUAL(user_receive_fault(vsk, got, 3000, MSG_PEEK, 1000), -EFAULT);
	CHECK_EQUAL(user_receive_fault(vsk, got, 3000, 0, 1000), -EFAULT);
	CHECK_EQUAL(user_receive(vsk, got, 3000), 40);
	CHECK_EQUAL(user_receive(vsk, got, 3000), -EAGAIN);
	CHECK_EQUAL(hv_room(ring), ring->size);
	finish();
}

/* It would read as the end. */
static void empty_records_are_not_seen(void)
{
	connected();
	arrives(0, 0);
	CHECK_EQUAL(user_poll(vsk) & POLLED_IN, 0);
	CHECK_EQUAL(user_receive(vsk, got, 10), -EAGAIN);
	/* And asked for events it is all the same. */
	hv.events = 0;
	arrives(7, 0);
	CHECK_EQUAL(hv.events, 1);
	arrives(0, 0);
	CHECK_EQUAL(user_receive(vsk, got, 10), 7);
	CHECK_EQUAL(user_receive(vsk, got, 10), -EAGAIN);
	finish();
}

static void records_wrap_around_the_ring(void)
{
	connected();
	for (u32 i = 0; i < 3000; i++) {
		u32 length = 1 + i * 37 % 5000;

		arrives(length, i % 3 ? 0 : V4V_TYPE_EOR);
		memset(got, 0xee, length + 1);
		CHECK_EQUAL(user_receive(vsk, got, sizeof(got)), length);
		CHECK(memcmp(got, bytes, length) == 0 && got[length] == 0xee);
		CHECK_EQUAL(received_flags, i % 3 ? 0 : MSG_EOR);
	}
	finish();
}

static void a_full_ring_takes_all_of_a_record_or_nothing(void)
{
	connected();
	hv.room = 3008;
	CHECK_EQUAL(user_send(vsk, bytes, 3000), -EAGAIN);
	CHECK_EQUAL(hv.nr_sent, 0);
	CHECK_EQUAL(user_poll(vsk) & POLLED_OUT, 0);
	/* Nor does it begin with what fits. */
	CHECK_EQUAL(user_send(vsk, bytes, 3000), -EAGAIN);
	hv.room = 3024;
	vsk->sk.woken = 0;
	v4v_conn_event();
	CHECK_EQUAL(vsk->sk.woken, 1);
	CHECK_EQUAL(user_poll(vsk) & POLLED_OUT, POLLED_OUT);
	CHECK_EQUAL(user_send(vsk, bytes, 3000), 3000);
	CHECK_EQUAL(hv.nr_sent, 3000);
	CHECK_EQUAL(pinned_pages, 0);
	finish();
}

static void make_room(void)
{
	hv.room = 8192;
}

static void room_that_comes_while_the_writer_gives_up_is_used(void)
{
	connected();
	hv.room = 0;
	on_barrier = make_room;
	CHECK_EQUAL(user_send(vsk, bytes, 3000), 3000);
	on_barrier = NULL;
	CHECK_EQUAL(user_poll(vsk) & POLLED_OUT, POLLED_OUT);
	finish();
}

static void what_can_never_be_sent_is_emsgsize(void)
{
	connected();
	CHECK_EQUAL(user_send(vsk, bytes, V4V_SEND_MAX + 1), -EMSGSIZE);
	CHECK_EQUAL(user_send(vsk, bytes, V4V_SEND_MAX), V4V_SEND_MAX);
	/* More than the socket's own buffer: as with virtio. */
	vsk->buffer_size = 5000;
	CHECK_EQUAL(user_send(vsk, bytes, 5001), -EMSGSIZE);
	CHECK_EQUAL(user_send(vsk, bytes, 5000), 5000);
	/* More than the peer's ring holds: nobody waits for it. */
	hv.ring_size = 4096;
	CHECK_EQUAL(user_send(vsk, bytes, 4096), -EMSGSIZE);
	CHECK_EQUAL(user_send(vsk, bytes, 4080), 4080);
	finish();
}

static long gone(const struct v4v_sendv *args, const void *payload)
{
	return args->dst.port == V4V_CONTROL_PORT ? (long)args->length : -ECONNREFUSED;
}

static void a_peer_that_closed_or_died_is_an_error(void)
{
	long (*before)(const struct v4v_sendv *, const void *);

	connected();
	before = hv.on_send;
	hv.on_send = gone;
	CHECK_EQUAL(user_send(vsk, bytes, 10), -EPIPE);
	ring->shared->state = V4V_RING_PARTNER_GONE;
	CHECK_EQUAL(user_send(vsk, bytes, 10), -ECONNRESET);
	hv.on_send = before;
	finish();
}

static void what_came_before_the_end_is_read(void)
{
	connected();
	arrives(10, 0);
	arrives(20, 0);
	peer_says(PEER, V4V_OP_SHUTDOWN, 2000, ring->id.port, SHUTDOWN_MASK);
	CHECK_EQUAL(user_send(vsk, bytes, 10), -EPIPE);
	CHECK_EQUAL(user_receive(vsk, got, 100), 10);
	CHECK_EQUAL(user_receive(vsk, got, 100), 20);
	CHECK_EQUAL(user_receive(vsk, got, 100), 0);
	finish();
}

static void poll_tells_of_records_and_wakes(void)
{
	connected();
	CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
	hv.events = 0;
	arrives(1, 0);
	CHECK_EQUAL(hv.events, 1);
	vsk->sk.woken = 0;
	v4v_conn_event();
	CHECK_EQUAL(vsk->sk.woken, 1);
	/* One record is enough, whatever SO_RCVLOWAT says: recv() would not wait. */
	vsk->sk.sk_rcvlowat = 100;
	CHECK_EQUAL(user_poll(vsk), POLLED_IN | POLLED_OUT);
	CHECK_EQUAL(user_receive(vsk, got, 10), 1);
	CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
	finish();
}

static void a_listener_takes_its_own_type_only(void)
{
	struct vsock_sock *listener, *child;

	peer_start();
	listener = user_listen(SOCK_SEQPACKET, LISTEN_PORT);
	peer_type = SOCK_STREAM;
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_RESET);
	peer_type = SOCK_DGRAM;
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(answers[1].message.op, V4V_OP_RESET);
	peer_type = SOCK_SEQPACKET;
	peer_says(PEER, V4V_OP_REQUEST, V4V_DGRAM_PORTS, 0, 0);
	CHECK_EQUAL(answers[2].message.op, V4V_OP_RESET);
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(answers[3].message.op, V4V_OP_RESPONSE);
	child = user_accept(listener);
	CHECK(child && child->sk.sk_type == SOCK_SEQPACKET);
	CHECK_EQUAL(user_send(child, bytes, 10), 10);
	CHECK_EQUAL(hv.last.type, V4V_TYPE_SEQPACKET);
	user_close(child);
	user_close(listener);
	peer_stop();
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(a_record_is_one_message_with_its_flag) | TEST(records_are_read_one_by_one) |
	       TEST(what_a_buffer_is_too_short_for_is_dropped_and_said) | TEST(a_peek_takes_nothing_and_shows_all) |
	       TEST(a_fault_costs_the_record) | TEST(empty_records_are_not_seen) | TEST(records_wrap_around_the_ring) |
	       TEST(a_full_ring_takes_all_of_a_record_or_nothing) |
	       TEST(room_that_comes_while_the_writer_gives_up_is_used) | TEST(what_can_never_be_sent_is_emsgsize) |
	       TEST(a_peer_that_closed_or_died_is_an_error) | TEST(what_came_before_the_end_is_read) |
	       TEST(poll_tells_of_records_and_wakes) | TEST(a_listener_takes_its_own_type_only);
}
