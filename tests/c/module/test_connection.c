/* Connections from the first message to the last, and what a third domain can say to them: nothing. */
#include "peer.h"

static struct vsock_sock *vsk, *listener, *child;
static unsigned char bytes[3000], got[3000];

/* The ring that the module has registered for the connection it asked for last. */
static u32 own_ring(void)
{
	return answers[nr_answers - 1].message.ring;
}

static void connecting(void)
{
	peer_start();
	vsk = user_socket();
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].to, PEER);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_REQUEST);
	CHECK_EQUAL(answers[0].message.dst_port, LISTEN_PORT);
	CHECK(hv_find(own_ring(), PEER));
}

static void connected(void)
{
	connecting();
	peer_says(PEER, V4V_OP_RESPONSE, 2000, own_ring(), 0);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_ESTABLISHED);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 3);
}

static void finish(void)
{
	user_close(vsk);
	peer_stop();
}

static void bytes_go_both_ways(void)
{
	struct hv_ring *ring;

	connected();
	CHECK_EQUAL(user_send(vsk, bytes, 3000), 3000);
	CHECK(hv.nr_sent == 3000 && memcmp(hv.sent, bytes, 3000) == 0);
	CHECK(hv.last.dst.port == 2000 && hv.last.dst.domid == PEER);
	ring = hv_find(own_ring(), PEER);
	CHECK_EQUAL(user_receive(vsk, got, 10), -EAGAIN);
	hv.events = 0;
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 3000, false), 3000);
	CHECK_EQUAL(hv.events, 1);
	vsk->sk.woken = 0;
	v4v_conn_event();
	CHECK_EQUAL(vsk->sk.woken, 1);
	CHECK_EQUAL(user_receive(vsk, got, 3000), 3000);
	CHECK(memcmp(got, bytes, 3000) == 0);
	CHECK_EQUAL(hv_room(ring), ring->size);
	finish();
}

/* Closing says so once, and gives the ring back at once: the peer's next message is refused. */
static void closing_tells_the_peer_and_gives_the_ring_back(void)
{
	u32 ring;

	connected();
	ring = own_ring();
	user_close(vsk);
	CHECK_EQUAL(nr_answers, 2);
	CHECK_EQUAL(answers[1].message.op, V4V_OP_SHUTDOWN);
	CHECK_EQUAL(answers[1].message.flags, SHUTDOWN_MASK);
	CHECK_EQUAL(answers[1].message.about, 2000);
	CHECK(!hv_find(ring, PEER));
	peer_stop();
}

static void a_full_peer_blocks_and_its_event_wakes(void)
{
	connected();
	hv.room = 1008;
	CHECK_EQUAL(user_send(vsk, bytes, 3000), 992);
	CHECK_EQUAL(user_send(vsk, bytes, 1), -EAGAIN);
	vsk->sk.woken = 0;
	hv.room = 4096;
	v4v_conn_event();
	CHECK_EQUAL(vsk->sk.woken, 1);
	CHECK_EQUAL(user_send(vsk, bytes, 3000), 3000);
	finish();
}

static void make_room(void)
{
	hv.room = 8192;
}

/* The event came after the ring was found full and before that was noted. */
static void room_that_comes_while_the_writer_gives_up_is_used(void)
{
	connected();
	hv.room = 0;
	on_barrier = make_room;
	CHECK_EQUAL(user_send(vsk, bytes, 3000), 3000);
	on_barrier = NULL;
	CHECK_EQUAL(user_send(vsk, bytes, 1), 1);
	finish();
}

static void nobody_else_can_answer_shut_down_or_reset(void)
{
	connecting();
	peer_says(STRANGER, V4V_OP_RESPONSE, 2000, own_ring(), 0);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_SYN_SENT);
	forget_answers();
	user_cancel(vsk);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_RESET);
	finish();

	connected();
	peer_says(STRANGER, V4V_OP_SHUTDOWN, 2000, own_ring(), SHUTDOWN_MASK);
	peer_says(STRANGER, V4V_OP_RESET, 2000, own_ring(), 0);
	peer_says(PEER, V4V_OP_RESET, 2000, own_ring() + 1, 0);
	CHECK_EQUAL(vsk->peer_shutdown, 0);
	CHECK_EQUAL(vsk->sk.sk_err, 0);
	/* A second answer changes nothing, nor does one with a ring that is none of a connection. */
	peer_says(PEER, V4V_OP_RESPONSE, 3000, own_ring(), 0);
	CHECK_EQUAL(user_send(vsk, bytes, 1), 1);
	CHECK_EQUAL(hv.last.dst.port, 2000);
	finish();
}

static void an_answer_with_a_fixed_ring_is_refused(void)
{
	connecting();
	peer_says(PEER, V4V_OP_RESPONSE, V4V_CONTROL_PORT, own_ring(), 0);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_SYN_SENT);
	CHECK_EQUAL(answers[nr_answers - 1].message.op, V4V_OP_RESET);
	finish();
}

static void a_reset_ends_it_from_both_states(void)
{
	connecting();
	peer_says(PEER, V4V_OP_RESET, 0, own_ring(), 0);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_CLOSE);
	CHECK_EQUAL(vsk->sk.sk_err, ECONNRESET);
	finish();

	connected();
	peer_says(PEER, V4V_OP_RESET, 0, own_ring(), 0);
	CHECK_EQUAL(vsk->sk.sk_err, ECONNRESET);
	CHECK_EQUAL(vsk->peer_shutdown, SHUTDOWN_MASK);
	finish();
}

static void the_partners_death_is_a_reset(void)
{
	connected();
	hv_find(own_ring(), PEER)->shared->state = V4V_RING_PARTNER_GONE;
	v4v_conn_event();
	v4v_conn_event();
	run_work();
	CHECK_EQUAL(vsk->sk.sk_err, ECONNRESET);
	finish();
	/* The socket closes before the work comes to it. */
	connected();
	hv_find(own_ring(), PEER)->shared->state = V4V_RING_PARTNER_GONE;
	v4v_conn_event();
	finish();
}

static long nobody(u16 to)
{
	return to == PEER ? -ECONNREFUSED : 1;
}

static void a_domain_without_the_module_is_ehostunreach(void)
{
	peer_start();
	control_result = nobody;
	vsk = user_socket();
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), -EHOSTUNREACH);
	CHECK_EQUAL(hv.nr_rings, 1);
	control_result = NULL;
	/* The same socket may try again. */
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	finish();
}

static void a_request_is_accepted_and_answered(void)
{
	peer_start();
	listener = user_listen(LISTEN_PORT);
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_RESPONSE);
	CHECK_EQUAL(answers[0].message.about, 2000);
	CHECK(hv_find(own_ring(), PEER));
	child = user_accept(listener);
	CHECK(child && child->remote_addr.svm_cid == PEER + V4V_CID_OFFSET && child->remote_addr.svm_port == 60000);
	peer_says(PEER, V4V_OP_SHUTDOWN, 0, own_ring(), SEND_SHUTDOWN);
	CHECK_EQUAL(user_receive(child, got, 1), 0);
	CHECK_EQUAL(user_send(child, bytes, 100), 100);
	user_close(child);
	user_close(listener);
	peer_stop();
}

static void requests_that_cannot_be_served_are_refused(void)
{
	peer_start();
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(answers[nr_answers - 1].message.op, V4V_OP_RESET);
	CHECK_EQUAL(answers[nr_answers - 1].message.about, 2000);
	listener = user_listen(LISTEN_PORT);
	peer_says(PEER, V4V_OP_REQUEST, V4V_FIRST_DATA_PORT - 1, 0, 0);
	CHECK_EQUAL(answers[nr_answers - 1].message.op, V4V_OP_RESET);
	hv.register_error = -ENOSPC;
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(answers[nr_answers - 1].message.op, V4V_OP_RESET);
	hv.register_error = 0;
	for (unsigned int nth = 1; nth <= 4; nth++) {
		/* Socket, connection, ring (a smaller one will do), its frames (likewise). */
		static const u8 expected[] = {V4V_OP_RESET, V4V_OP_RESET, V4V_OP_RESPONSE, V4V_OP_RESPONSE};

		failing_allocation = nth;
		peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
		CHECK_EQUAL(failing_allocation, 0);
		CHECK_EQUAL(answers[nr_answers - 1].message.op, expected[nth - 1]);
	}
	forget_answers();
	for (unsigned int i = 0; i < 20; i++)
		peer_says(PEER, V4V_OP_REQUEST, 3000 + i, 0, 0);
	CHECK_EQUAL(answers[19].message.op, V4V_OP_RESET);
	CHECK(hv.nr_rings < 10);
	user_close(listener);
	peer_stop();
}

/* The first attempt failed; before its late end is looked at, the socket is on its way to another domain. */
static void connects_elsewhere(struct sock *sk)
{
	on_lock_sock = NULL;
	vsock_sk(sk)->sk.sk_state = TCP_CLOSE;
	CHECK_EQUAL(user_connect(vsock_sk(sk), v4v_cid(STRANGER), LISTEN_PORT), 0);
}

static void a_late_shutdown_does_not_reach_the_next_connection(void)
{
	connecting();
	on_lock_sock = connects_elsewhere;
	peer_says(PEER, V4V_OP_SHUTDOWN, 2000, own_ring(), SHUTDOWN_MASK);
	on_lock_sock = NULL;
	CHECK_EQUAL(answers[nr_answers - 1].to, STRANGER);
	CHECK_EQUAL(vsk->peer_shutdown, 0);
	finish();
}

static void a_late_reset_does_not_reach_the_next_connection(void)
{
	connecting();
	on_lock_sock = connects_elsewhere;
	peer_says(PEER, V4V_OP_RESET, 2000, own_ring(), 0);
	on_lock_sock = NULL;
	CHECK_EQUAL(vsk->sk.sk_err, 0);
	finish();
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(bytes_go_both_ways) | TEST(closing_tells_the_peer_and_gives_the_ring_back) |
	       TEST(a_full_peer_blocks_and_its_event_wakes) | TEST(room_that_comes_while_the_writer_gives_up_is_used) |
	       TEST(nobody_else_can_answer_shut_down_or_reset) | TEST(an_answer_with_a_fixed_ring_is_refused) |
	       TEST(a_reset_ends_it_from_both_states) | TEST(the_partners_death_is_a_reset) |
	       TEST(a_domain_without_the_module_is_ehostunreach) | TEST(a_request_is_accepted_and_answered) |
	       TEST(requests_that_cannot_be_served_are_refused) | TEST(a_late_shutdown_does_not_reach_the_next_connection) |
	       TEST(a_late_reset_does_not_reach_the_next_connection);
}
