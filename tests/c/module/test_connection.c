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
	vsk = user_socket(SOCK_STREAM);
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

static void an_answer_after_the_end_is_refused(void)
{
	u32 ring;

	connecting();
	ring = own_ring();
	user_cancel(vsk);
	CHECK(!hv_find(ring, PEER));
	forget_answers();
	peer_says(PEER, V4V_OP_RESPONSE, 2000, ring, 0);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_RESET);
	CHECK_EQUAL(answers[0].message.about, 2000);
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
	/* Once: SO_ERROR takes it away. */
	vsk->sk.sk_err = 0;
	v4v_conn_event();
	run_work();
	CHECK_EQUAL(vsk->sk.sk_err, 0);
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
	vsk = user_socket(SOCK_STREAM);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), -EHOSTUNREACH);
	CHECK_EQUAL(hv.nr_rings, 1);
	control_result = NULL;
	/* The same socket may try again. */
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	finish();
}

static long denied(u16 to)
{
	return to == PEER ? -EACCES : 1;
}

/* A rule of the hypervisor: connect() hears of it at once, and leaves nothing behind. */
static void a_denied_request_is_eacces(void)
{
	peer_start();
	control_result = denied;
	vsk = user_socket(SOCK_STREAM);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), -EACCES);
	CHECK_EQUAL(hv.nr_rings, 1);
	CHECK_EQUAL(nr_answers, 0);
	control_result = NULL;
	/* The rule is gone. */
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	finish();
}

/* XSM: silo allows no ring for another domU, so connect() gets no further. */
static void a_ring_that_is_not_allowed_is_eperm(void)
{
	peer_start();
	hv.register_error = -EPERM;
	vsk = user_socket(SOCK_STREAM);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), -EPERM);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_CLOSE);
	CHECK_EQUAL(hv.nr_rings, 1);
	CHECK_EQUAL(nr_answers, 0);
	hv.register_error = 0;
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	finish();
}

/* Requests come in and answers do not get out: no connection that only one side knows of. */
static void a_denied_answer_leaves_nothing_behind(void)
{
	peer_start();
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
	control_result = denied;
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(hv.nr_rings, 1);
	CHECK(!user_accept(listener));
	control_result = NULL;
	user_close(listener);
	peer_stop();
}

static long nothing_gets_out(const struct v4v_sendv *args, const void *payload)
{
	return -EACCES;
}

static void a_connection_that_is_denied_later_sends_no_more_and_closes(void)
{
	u32 ring;

	connected();
	ring = own_ring();
	hv.on_send = nothing_gets_out;
	CHECK_EQUAL(user_send(vsk, bytes, 3000), -EACCES);
	/* What comes in is no matter of that rule. */
	CHECK_EQUAL(hv_put(hv_find(ring, PEER), PEER, V4V_TYPE_STREAM, bytes, 100, false), 100);
	CHECK_EQUAL(user_receive(vsk, got, 100), 100);
	user_close(vsk);
	CHECK(!hv_find(ring, PEER));
	peer_stop();
}

static void a_request_is_accepted_and_answered(void)
{
	peer_start();
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
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

/* The peer gives up while its connection waits for accept(), which then finds one that has ended. */
static void a_reset_before_accept_leaves_a_connection_that_has_ended(void)
{
	peer_start();
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_RESPONSE);
	peer_says(PEER, V4V_OP_RESET, 0, own_ring(), 0);
	child = user_accept(listener);
	CHECK(child);
	CHECK_EQUAL(child->sk.sk_err, ECONNRESET);
	CHECK_EQUAL(child->peer_shutdown, SHUTDOWN_MASK);
	user_close(child);
	/* Nobody accepts the second one: it goes with the listener. */
	peer_says(PEER, V4V_OP_REQUEST, 2001, 0, 0);
	peer_says(PEER, V4V_OP_RESET, 0, own_ring(), 0);
	CHECK_EQUAL(hv.nr_rings, 2);
	user_close(listener);
	CHECK_EQUAL(hv.nr_rings, 1);
	/* Nor is the place in the queue lost: as many as it holds can come. */
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
	for (unsigned int i = 0; i < 30; i++) {
		peer_says(PEER, V4V_OP_REQUEST, 3000 + i, 0, 0);
		CHECK_EQUAL(answers[nr_answers - 1].message.op, V4V_OP_RESPONSE);
		peer_says(PEER, V4V_OP_RESET, 0, own_ring(), 0);
		child = user_accept(listener);
		CHECK(child);
		user_close(child);
		forget_answers();
	}
	user_close(listener);
	peer_stop();
}

static void requests_that_cannot_be_served_are_refused(void)
{
	peer_start();
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(answers[nr_answers - 1].message.op, V4V_OP_RESET);
	CHECK_EQUAL(answers[nr_answers - 1].message.about, 2000);
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
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

static unsigned int accept_all(u16 peer, struct vsock_sock **children, unsigned int n)
{
	do {
		peer_says(peer, V4V_OP_REQUEST, 2000 + n, 0, 0);
		children[n] = user_accept(listener);
	} while (children[n] && ++n < V4V_RINGS_MAX);
	return n;
}

/* A domain that connects and connects must not take all of this one's rings. */
static void one_domain_leaves_rings_to_the_others(void)
{
	static struct vsock_sock *children[V4V_RINGS_MAX];
	unsigned int first, n;

	peer_start();
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
	first = accept_all(PEER, children, 0);
	CHECK_EQUAL(first, V4V_RINGS_MAX / 2);
	n = accept_all(STRANGER, children, first);
	CHECK_EQUAL(n, V4V_RINGS_MAX / 2 + V4V_RINGS_MAX / 4);
	/* Who connects from here has the rest. */
	vsk = user_socket(SOCK_STREAM);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	user_close(vsk);
	/* And what is closed can be had again. */
	user_close(children[0]);
	children[0] = NULL;
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	children[0] = user_accept(listener);
	CHECK(!children[0]);
	user_close(children[--n]);
	peer_says(STRANGER, V4V_OP_REQUEST, 2000, 0, 0);
	children[0] = user_accept(listener);
	CHECK(children[0]);
	for (unsigned int i = 0; i < n; i++)
		if (children[i])
			user_close(children[i]);
	user_close(listener);
	peer_stop();
}

/* Not reset by the core on the next attempt: it must not be there. */
static void after_a_refusal_the_same_socket_connects(void)
{
	connecting();
	peer_says(PEER, V4V_OP_RESET, 0, own_ring(), 0);
	CHECK_EQUAL(vsk->sk.sk_err, ECONNRESET);
	CHECK_EQUAL(user_poll(vsk), 0);
	forget_answers();
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	CHECK_EQUAL(nr_answers, 1);
	peer_says(PEER, V4V_OP_RESPONSE, 2000, own_ring(), 0);
	CHECK_EQUAL(vsk->sk.sk_err, 0);
	CHECK_EQUAL(user_send(vsk, bytes, 10), 10);
	CHECK_EQUAL(user_receive(vsk, got, 10), -EAGAIN);
	CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
	CHECK_EQUAL(hv.nr_rings, 2);
	finish();
}

/*
 * An answer and a reset, both before connect() has gone on: it fails, and the core has the socket among those that are
 * connected. The next attempt must not put it there twice.
 */
static void a_reset_right_behind_the_answer_leaves_no_trace(void)
{
	connected();
	peer_says(PEER, V4V_OP_RESET, 0, own_ring(), 0);
	CHECK_EQUAL(user_connected(vsk), -ECONNRESET);
	CHECK(vsk->connected);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	CHECK(!vsk->connected);
	peer_says(PEER, V4V_OP_RESPONSE, 2001, own_ring(), 0);
	CHECK_EQUAL(user_connected(vsk), 0);
	CHECK_EQUAL(vsk->peer_shutdown, 0);
	CHECK_EQUAL(vsk->sk.flags & 1u << SOCK_DONE, 0);
	CHECK_EQUAL(user_send(vsk, bytes, 10), 10);
	finish();
}

static void nothing_of_a_failed_attempt_shows_in_the_next(void)
{
	u32 ring;

	connecting();
	ring = own_ring();
	peer_says(PEER, V4V_OP_SHUTDOWN, 2000, ring, SHUTDOWN_MASK);
	CHECK_EQUAL(vsk->peer_shutdown, 0);
	for (unsigned int i = 0; i < 3; i++)
		peer_says(PEER, V4V_OP_RESET, 0, ring, 0);
	CHECK_EQUAL(vsk->sk.errors, 1);
	/* Nor does what becomes of that domain. */
	CHECK(!hv_find(ring, PEER));
	((struct v4v_conn *)vsk->trans)->rx.shared->state = V4V_RING_PARTNER_GONE;
	v4v_conn_event();
	run_work();
	CHECK_EQUAL(user_connected(vsk), -ECONNRESET);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(STRANGER), LISTEN_PORT), 0);
	peer_says(STRANGER, V4V_OP_RESPONSE, 2001, own_ring(), 0);
	CHECK_EQUAL(vsk->peer_shutdown, 0);
	CHECK_EQUAL(user_send(vsk, bytes, 10), 10);
	finish();
}

static void ten_bytes_come(void)
{
	on_barrier = NULL;
	hv_put(hv_find(answers[0].message.ring, PEER), PEER, V4V_TYPE_STREAM, bytes, 10, false);
}

static unsigned int barriers;

/* The first is that of the room given back. */
static void ten_bytes_come_at_the_second(void)
{
	if (++barriers == 2)
		ten_bytes_come();
}

/* epoll(7): a read that brings less than was asked for is as good as EAGAIN. */
static void a_short_read_is_the_end_for_who_polls_edge_triggered(void)
{
	struct hv_ring *ring;

	connected();
	ring = hv_find(own_ring(), PEER);
	for (unsigned int polled = 0; polled < 2; polled++) {
		vsk->sk.polled = polled;
		CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
		hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 100, false);
		CHECK_EQUAL(user_receive(vsk, got, 1000), 100);
		/* A reader that does not poll asks when it comes again. */
		hv.events = 0;
		hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 100, false);
		CHECK_EQUAL(hv.events, polled);
		hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 100, false);
		CHECK_EQUAL(user_receive(vsk, got, 100), 100);
		CHECK_EQUAL(user_receive(vsk, got, 1000), 100);
	}
	/* What comes between the read and the request for an event. */
	hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 5, false);
	vsk->sk.woken = 0;
	barriers = 0;
	on_barrier = ten_bytes_come_at_the_second;
	CHECK_EQUAL(user_receive(vsk, got, 1000), 5);
	CHECK_EQUAL(vsk->sk.woken, 1);
	CHECK_EQUAL(user_receive(vsk, got, 1000), 10);
	finish();
}

static void partner_dies(struct hv_ring *ring)
{
	ring->shared->state = V4V_RING_PARTNER_GONE;
	v4v_conn_event();
}

/* Its one event comes when the ring is registered and nobody can find it yet. */
static void a_partner_that_dies_while_the_ring_is_made_is_noticed(void)
{
	peer_start();
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
	hv.on_register = partner_dies;
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	child = user_accept(listener);
	CHECK(child);
	CHECK_EQUAL(user_receive(child, got, 1), -ECONNRESET);
	user_close(child);
	user_close(listener);
	vsk = user_socket(SOCK_STREAM);
	hv.on_register = partner_dies;
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	run_work();
	CHECK_EQUAL(user_connected(vsk), -ECONNRESET);
	finish();
}

/* Half a buffer goes, the other half is not there: no event follows, so nothing may wait for one. */
static void a_buffer_that_ends_in_nothing_blocks_nobody(void)
{
	static unsigned char pages[3 * 4096] __attribute__((aligned(4096)));

	connected();
	CHECK_EQUAL(user_send_fault(vsk, pages, sizeof(pages), 5000), 5000);
	CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
	CHECK_EQUAL(user_send_fault(vsk, pages, 4096, 1), 1);
	CHECK_EQUAL(user_send(vsk, bytes, 3000), 3000);
	/* With a ring that is full on the way it is the same. */
	hv.room = 2048;
	on_barrier = make_room;
	CHECK_EQUAL(user_send_fault(vsk, pages, sizeof(pages), 5000), 5000);
	on_barrier = NULL;
	CHECK_EQUAL(user_send(vsk, bytes, 1), 1);
	finish();
}

static void a_failed_connect_leaves_the_socket_closed(void)
{
	peer_start();
	control_result = nobody;
	vsk = user_socket(SOCK_STREAM);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), -EHOSTUNREACH);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_CLOSE);
	control_result = NULL;
	hv.register_error = -EBUSY;
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), -EBUSY);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_CLOSE);
	/* The hypervisor's quota is no disk that is full. */
	hv.register_error = -ENOSPC;
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), -ENOBUFS);
	hv.register_error = 0;
	finish();
}

static void each_way_is_shut_down_by_itself(void)
{
	connected();
	user_shutdown(vsk, SEND_SHUTDOWN);
	CHECK_EQUAL(answers[1].message.op, V4V_OP_SHUTDOWN);
	CHECK_EQUAL(answers[1].message.flags, SEND_SHUTDOWN);
	CHECK_EQUAL(user_send(vsk, bytes, 1), -EPIPE);
	hv_put(hv_find(answers[0].message.ring, PEER), PEER, V4V_TYPE_STREAM, bytes, 5, false);
	CHECK_EQUAL(user_receive(vsk, got, 10), 5);
	user_shutdown(vsk, RCV_SHUTDOWN);
	CHECK_EQUAL(answers[2].message.flags, RCV_SHUTDOWN);
	CHECK_EQUAL(user_receive(vsk, got, 10), 0);
	finish();

	/* The peer's: it will not read, and still writes. */
	connected();
	peer_says(PEER, V4V_OP_SHUTDOWN, 2000, own_ring(), RCV_SHUTDOWN);
	CHECK_EQUAL(user_send(vsk, bytes, 1), -EPIPE);
	CHECK_EQUAL(user_receive(vsk, got, 10), -EAGAIN);
	peer_says(PEER, V4V_OP_SHUTDOWN, 2000, own_ring(), SEND_SHUTDOWN);
	CHECK_EQUAL(user_receive(vsk, got, 10), 0);
	CHECK(vsk->sk.flags & 1u << SOCK_DONE);
	finish();
}

/* shutdown() before the answer is there: the peer hears of it with the answer. */
static void a_shutdown_while_connecting_is_said_later(void)
{
	connecting();
	vsk->sk.sk_shutdown = SEND_SHUTDOWN;
	peer_says(PEER, V4V_OP_RESPONSE, 2000, own_ring(), 0);
	CHECK_EQUAL(nr_answers, 2);
	CHECK_EQUAL(answers[1].message.op, V4V_OP_SHUTDOWN);
	CHECK_EQUAL(answers[1].message.about, 2000);
	CHECK_EQUAL(answers[1].message.flags, SEND_SHUTDOWN);
	finish();
}

static void poll_waits_for_so_rcvlowat_but_not_for_ever(void)
{
	struct hv_ring *ring;
	unsigned char *big;

	connected();
	ring = hv_find(own_ring(), PEER);
	vsk->sk.sk_rcvlowat = 100;
	hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 1, false);
	CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
	/* The rest is heard of, byte by byte. */
	for (unsigned int i = 1; i < 100; i++) {
		CHECK_EQUAL(user_poll(vsk) & POLLED_IN, 0);
		hv.events = 0;
		hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 1, false);
		CHECK_EQUAL(hv.events, 1);
	}
	CHECK_EQUAL(user_poll(vsk), POLLED_IN | POLLED_OUT);
	CHECK_EQUAL(user_receive(vsk, got, 1000), 100);
	/* More than the ring will ever hold: when it is full, that is all there will be. */
	vsk->sk.sk_rcvlowat = 1024 * 1024;
	while (hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 3000, true) == 3000)
		CHECK_EQUAL(user_poll(vsk) & POLLED_IN, 0);
	CHECK_EQUAL(hv_room(ring), 0);
	CHECK_EQUAL(user_poll(vsk), POLLED_IN | POLLED_OUT);
	/* Also with room for a header, which is none for a byte. */
	while (user_receive(vsk, got, 3000) > 0)
		continue;
	CHECK_EQUAL(hv_room(ring), ring->size);
	big = calloc(1, ring->size);
	hv_put(ring, PEER, V4V_TYPE_STREAM, big, ring->size - 4 * HEADER_BYTES, false);
	CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
	hv_put(ring, PEER, V4V_TYPE_STREAM, big, 8, false);
	CHECK_EQUAL(hv_room(ring), HEADER_BYTES);
	CHECK_EQUAL(user_poll(vsk), POLLED_IN | POLLED_OUT);
	free(big);
	finish();
}

static void nothing_sent_is_unsent_and_no_skb_is_read(void)
{
	connected();
	CHECK_EQUAL(user_send(vsk, bytes, 100), 100);
	CHECK_EQUAL(vsk->transport->unsent_bytes(vsk), 0);
	CHECK_EQUAL(vsk->transport->read_skb(vsk, NULL), -EOPNOTSUPP);
	finish();
}

static void messages_of_no_bytes_do_not_take_the_event_away(void)
{
	struct hv_ring *ring;

	connected();
	ring = hv_find(own_ring(), PEER);
	hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 0, false);
	CHECK_EQUAL(user_receive(vsk, got, 10), -EAGAIN);
	hv.events = 0;
	hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 5, false);
	CHECK_EQUAL(hv.events, 1);
	CHECK_EQUAL(user_receive(vsk, got, 10), 5);
	finish();
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

static void free_nothing(struct vsock_sock *sock)
{
	sock->trans = NULL;
}

static void goes_elsewhere(struct sock *sk)
{
	static const struct vsock_transport other = {.destruct = free_nothing, .release = free_nothing};
	static unsigned char foreign[sizeof(struct v4v_conn)];

	on_lock_sock = NULL;
	vsk->transport->release(vsk);
	vsk->transport->destruct(vsk);
	memset(foreign, 0xff, sizeof(foreign));
	((struct v4v_conn *)foreign)->rx.id = (struct v4v_ring_id){answers[0].message.ring, PEER, 0};
	vsk->transport = &other;
	vsk->trans = foreign;
	sk->sk_state = TCP_CLOSE;
}

/* It connects again by another transport (loopback), and what was on its way to us finds that one's data. */
static void a_socket_that_goes_to_another_transport_is_let_alone(void)
{
	static const enum v4v_control_op ops[] = {V4V_OP_RESPONSE, V4V_OP_SHUTDOWN, V4V_OP_RESET};

	for (unsigned int i = 0; i < 5; i++) {
		connecting();
		on_lock_sock = goes_elsewhere;
		if (i < 3) {
			peer_says(PEER, ops[i], 2000, answers[0].message.ring, SHUTDOWN_MASK);
		} else if (i == 3) {
			hv_find(answers[0].message.ring, PEER)->shared->state = V4V_RING_PARTNER_GONE;
			v4v_conn_event();
			run_work();
		} else {
			hv_become(OWN_DOMAIN);
			v4v_conn_outdate();
			v4v_conn_resumed(OWN_DOMAIN);
		}
		CHECK(!on_lock_sock);
		on_lock_sock = NULL;
		CHECK(vsk->peer_shutdown == 0 && vsk->sk.sk_err == 0 && vsk->sk.sk_state == TCP_CLOSE);
		finish();
	}
}

/* What SO_VM_SOCKETS_BUFFER_SIZE says, or the module where the socket has the core's default; it stays as it is then. */
static void a_ring_is_as_large_as_its_socket_asked_when_it_connected(void)
{
	static const struct {
		u64 asked;
		u32 size;
	} sizes[] = {{0, 4096},	       {1, 4096},	    {4097, 8192},	  {100000, 131072},
		     {262143, 262144}, {262144, 1048576},   {262145, 524288},	  {4194303, 4194304},
		     {4194305, 4194304}, {1ull << 32, 4194304}, {~0ull, 4194304}};
	struct hv_ring *ring;

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		peer_start();
		vsk = user_socket(SOCK_STREAM);
		vsk->buffer_size = sizes[i].asked;
		CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
		CHECK_EQUAL(hv_find(own_ring(), PEER)->size, sizes[i].size);
		finish();
	}
	/* There is no credit to run short of: the ring takes what it took before. */
	connected();
	ring = hv_find(own_ring(), PEER);
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 3000, false), 3000);
	vsk->buffer_size = 1;
	CHECK_EQUAL(user_receive(vsk, got, 1000), 1000);
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, 3000, false), 3000);
	CHECK_EQUAL(ring->size, 1048576);
	CHECK_EQUAL(user_receive(vsk, got, 3000), 3000);
	CHECK_EQUAL(user_receive(vsk, got, 3000), 2000);
	finish();
	/* An accepted one is its listener's heir. */
	peer_start();
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
	listener->buffer_size = 20000;
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(hv_find(own_ring(), PEER)->size, 32768);
	child = user_accept(listener);
	user_close(child);
	user_close(listener);
	peer_stop();
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(a_socket_that_goes_to_another_transport_is_let_alone) | TEST(after_a_refusal_the_same_socket_connects) | TEST(a_failed_connect_leaves_the_socket_closed) |
	       TEST(each_way_is_shut_down_by_itself) | TEST(a_shutdown_while_connecting_is_said_later) |
	       TEST(poll_waits_for_so_rcvlowat_but_not_for_ever) | TEST(nothing_sent_is_unsent_and_no_skb_is_read) |
	       TEST(messages_of_no_bytes_do_not_take_the_event_away) | TEST(an_answer_after_the_end_is_refused) |
	       TEST(a_reset_right_behind_the_answer_leaves_no_trace) |
	       TEST(nothing_of_a_failed_attempt_shows_in_the_next) |
	       TEST(a_partner_that_dies_while_the_ring_is_made_is_noticed) |
	       TEST(a_buffer_that_ends_in_nothing_blocks_nobody) | TEST(one_domain_leaves_rings_to_the_others) |
	       TEST(a_short_read_is_the_end_for_who_polls_edge_triggered) |
	       TEST(bytes_go_both_ways) | TEST(closing_tells_the_peer_and_gives_the_ring_back) |
	       TEST(a_full_peer_blocks_and_its_event_wakes) | TEST(room_that_comes_while_the_writer_gives_up_is_used) |
	       TEST(nobody_else_can_answer_shut_down_or_reset) | TEST(an_answer_with_a_fixed_ring_is_refused) |
	       TEST(a_reset_ends_it_from_both_states) | TEST(the_partners_death_is_a_reset) |
	       TEST(a_domain_without_the_module_is_ehostunreach) | TEST(a_denied_request_is_eacces) |
	       TEST(a_ring_that_is_not_allowed_is_eperm) |
	       TEST(a_reset_before_accept_leaves_a_connection_that_has_ended) |
	       TEST(a_denied_answer_leaves_nothing_behind) |
	       TEST(a_connection_that_is_denied_later_sends_no_more_and_closes) | TEST(a_request_is_accepted_and_answered) |
	       TEST(requests_that_cannot_be_served_are_refused) | TEST(a_late_shutdown_does_not_reach_the_next_connection) |
	       TEST(a_late_reset_does_not_reach_the_next_connection) |
	       TEST(a_ring_is_as_large_as_its_socket_asked_when_it_connected);
}
