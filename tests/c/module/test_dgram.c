/* SOCK_DGRAM: from any domain, with its sender's address, kept or refused but not lost in silence. */
#include <linux/capability.h>
#include <linux/skbuff.h>

#include "dgram.h"
#include "peer.h"

#define PORT 3000u
#define ANY UINT32_MAX

static struct vsock_sock *vsk;
static struct hv_ring *ring;
static struct sockaddr_vm from;
static unsigned char bytes[V4V_DGRAM_MAX + 1], got[V4V_DGRAM_MAX + 1];

static void bound(void)
{
	peer_start();
	vsk = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_bind(vsk, ANY, PORT), 0);
	ring = hv_find(V4V_DGRAM_PORTS + PORT, V4V_ANY);
	CHECK(ring);
	CHECK_EQUAL(vsk->local_addr.svm_port, PORT);
	hv.put_port = V4V_DGRAM_PORTS + 77;
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 3 + i / 255);
}

static void finish(void)
{
	user_close(vsk);
	peer_stop();
}

static long put(u16 domid, u32 length)
{
	return hv_put(ring, domid, V4V_TYPE_DGRAM, bytes, length, false);
}

static void event(void)
{
	v4v_conn_event();
	run_work();
}

static void a_datagram_comes_with_its_senders_address(void)
{
	static const u32 lengths[] = {1, 2047, 2048, 2049, 4096, 60000, V4V_DGRAM_MAX};

	bound();
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), -EAGAIN);
	for (unsigned int i = 0; i < ARRAY_SIZE(lengths) * 9; i++) {
		u32 length = lengths[i % ARRAY_SIZE(lengths)];

		CHECK_EQUAL(put(PEER, length), length);
		CHECK_EQUAL(user_receive_from(vsk, &from, got, sizeof(got), 0), length);
		CHECK(memcmp(got, bytes, length) == 0 && received_flags == 0);
		CHECK(from.svm_cid == v4v_cid(PEER) && from.svm_port == 77);
		CHECK_EQUAL(put(STRANGER, 5), 5);
		CHECK_EQUAL(user_receive_from(vsk, &from, got, sizeof(got), 0), 5);
		CHECK_EQUAL(from.svm_cid, v4v_cid(STRANGER));
		CHECK_EQUAL(hv_room(ring), ring->size);
	}
	finish();
}

/* poll() looks at the queue and nowhere else. */
static void an_event_brings_datagrams_to_the_queue(void)
{
	bound();
	hv.events = 0;
	put(PEER, 10);
	CHECK_EQUAL(hv.events, 1);
	CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
	vsk->sk.woken = 0;
	event();
	CHECK_EQUAL(vsk->sk.woken, 1);
	CHECK_EQUAL(user_poll(vsk), POLLED_IN | POLLED_OUT);
	CHECK_EQUAL(hv_room(ring), ring->size);
	/* And the next is heard of again. */
	put(PEER, 20);
	CHECK_EQUAL(hv.events, 2);
	event();
	CHECK_EQUAL(user_receive_from(vsk, NULL, got, 100, 0), 10);
	CHECK_EQUAL(user_receive_from(vsk, NULL, got, 100, 0), 20);
	CHECK_EQUAL(user_poll(vsk), POLLED_OUT);
	finish();
}

static void one_comes(struct hv_ring *made)
{
	hv.put_port = V4V_DGRAM_PORTS + 77;
	hv_put(made, PEER, V4V_TYPE_DGRAM, bytes, 10, false);
	v4v_conn_event();
}

/* Its event comes when the ring is registered and nobody can find it yet; poll() must hear of it all the same. */
static void what_comes_while_binding_is_heard_of(void)
{
	peer_start();
	vsk = user_socket(SOCK_DGRAM);
	hv.on_register = one_comes;
	CHECK_EQUAL(user_bind(vsk, ANY, PORT), 0);
	run_work();
	CHECK_EQUAL(user_poll(vsk), POLLED_IN | POLLED_OUT);
	finish();
}

static void an_empty_datagram_is_one(void)
{
	bound();
	put(PEER, 0);
	event();
	CHECK_EQUAL(user_poll(vsk) & POLLED_IN, POLLED_IN);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), 0);
	CHECK_EQUAL(from.svm_cid, v4v_cid(PEER));
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), -EAGAIN);
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 9, bytes, 0), 0);
	CHECK_EQUAL(hv.last.length, 0);
	CHECK_EQUAL(hv.last.dst.port, V4V_DGRAM_PORTS + 9);
	finish();
}

static void a_short_buffer_cuts_and_says_so(void)
{
	bound();
	put(PEER, 100);
	put(PEER, 100);
	memset(got, 0xee, sizeof(got));
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, MSG_PEEK | MSG_TRUNC), 100);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, MSG_PEEK), 10);
	CHECK_EQUAL(received_flags, MSG_TRUNC);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), 10);
	CHECK(received_flags == MSG_TRUNC && memcmp(got, bytes, 10) == 0 && got[10] == 0xee);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, MSG_TRUNC), 100);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, MSG_OOB), -EOPNOTSUPP);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, MSG_ERRQUEUE), -EOPNOTSUPP);
	finish();
}

static void sending_names_the_ports_and_binds_first(void)
{
	struct vsock_sock *other;

	bound();
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(STRANGER), 50, bytes, 3000), 3000);
	CHECK(hv.last.dst.domid == STRANGER && hv.last.dst.port == V4V_DGRAM_PORTS + 50);
	CHECK(hv.last.src_port == V4V_DGRAM_PORTS + PORT && hv.last.type == V4V_TYPE_DGRAM && hv.last.flags == 0);
	CHECK(hv.nr_sent == 3000 && memcmp(hv.sent, bytes, 3000) == 0);
	other = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_send_to(other, v4v_cid(PEER), 50, bytes, 1), 1);
	CHECK(other->local_addr.svm_port > LAST_RESERVED_PORT && other->local_addr.svm_port < V4V_DGRAM_PORTS);
	CHECK_EQUAL(hv.last.src_port, V4V_DGRAM_PORTS + other->local_addr.svm_port);
	user_close(other);
	finish();
}

static void binding_has_its_rules(void)
{
	struct vsock_sock *other, *more[10];

	bound();
	other = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_bind(vsk, ANY, 4000), -EINVAL);
	CHECK_EQUAL(user_bind(other, ANY, PORT), -EADDRINUSE);
	CHECK_EQUAL(user_bind(other, v4v_cid(PEER), 4000), -EADDRNOTAVAIL);
	CHECK_EQUAL(user_bind(other, ANY, V4V_DGRAM_PORTS), -EADDRNOTAVAIL);
	CHECK_EQUAL(user_bind(other, ANY, LAST_RESERVED_PORT), -EACCES);
	hv.register_error = -ENOSPC;
	CHECK_EQUAL(user_bind(other, ANY, ANY), -ENOBUFS);
	hv.register_error = 0;
	for (unsigned int nth = 1; nth <= 2; nth++) {
		failing_allocation = nth;
		CHECK_EQUAL(user_bind(other, ANY, ANY), -ENOMEM);
	}
	failing_allocation = 0;
	privileged = true;
	CHECK_EQUAL(user_bind(other, v4v_cid(OWN_DOMAIN), LAST_RESERVED_PORT), 0);
	privileged = false;
	user_close(other);
	/* Many that ask for any: each has its own. */
	for (unsigned int i = 0; i < ARRAY_SIZE(more); i++) {
		more[i] = user_socket(SOCK_DGRAM);
		CHECK_EQUAL(user_bind(more[i], ANY, ANY), 0);
	}
	CHECK_EQUAL(hv.nr_rings, 2 + ARRAY_SIZE(more));
	for (unsigned int i = 0; i < ARRAY_SIZE(more); i++)
		user_close(more[i]);
	finish();
}

static void no_address_that_is_none_is_sent_to(void)
{
	bound();
	CHECK_EQUAL(user_send_to(vsk, 1, 50, bytes, 1), -EINVAL);
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(V4V_ANY), 50, bytes, 1), -EINVAL);
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), V4V_DGRAM_PORTS, bytes, 1), -EINVAL);
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 50, bytes, V4V_DGRAM_MAX + 1), -EMSGSIZE);
	CHECK_EQUAL(hv.sends, 0);
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 50, bytes, V4V_DGRAM_MAX), V4V_DGRAM_MAX);
	finish();
}

static long nobody(const struct v4v_sendv *args, const void *payload)
{
	return -ECONNREFUSED;
}

static long denied(const struct v4v_sendv *args, const void *payload)
{
	return -EACCES;
}

static void a_sender_is_told_what_becomes_of_it(void)
{
	bound();
	hv.room = 96;
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 50, bytes, 100), -ENOBUFS);
	CHECK_EQUAL(hv.nr_sent, 0);
	/* Another may have room: nothing is remembered. */
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 51, bytes, 80), 80);
	hv.room = ~0u;
	hv.ring_size = 4096;
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 50, bytes, 5000), -EMSGSIZE);
	hv.on_send = nobody;
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 50, bytes, 1), -ECONNREFUSED);
	hv.on_send = denied;
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 50, bytes, 1), -EACCES);
	CHECK_EQUAL(pinned_pages, 0);
	finish();
}

/* SO_RCVBUF bounds the queue, the ring holds the rest, and nothing is lost on the way between them. */
static void what_the_queue_has_no_room_for_stays_in_the_ring(void)
{
	unsigned int sent = 0;

	bound();
	vsk->sk.sk_rcvbuf = 3000;
	while (put(PEER, 1000) >= 0) {
		sent++;
		event();
	}
	CHECK(sent > 100);
	CHECK(vsk->sk.sk_rmem_alloc.value < 3000 + 1256);
	for (unsigned int i = 0; i < sent; i++) {
		/* Each read brings the next into the queue, for who polls. */
		CHECK_EQUAL(user_poll(vsk) & POLLED_IN, POLLED_IN);
		CHECK_EQUAL(user_receive_from(vsk, &from, got, sizeof(got), 0), 1000);
	}
	CHECK_EQUAL(user_receive_from(vsk, &from, got, sizeof(got), 0), -EAGAIN);
	CHECK_EQUAL(hv_room(ring), ring->size);
	hv.events = 0;
	put(PEER, 1);
	CHECK_EQUAL(hv.events, 1);
	finish();
}

static void reader_comes(void)
{
	on_barrier = NULL;
	skb_free_datagram(&vsk->sk, skb_recv_datagram(&vsk->sk, 0, &(int){0}));
}

/* The reader takes the last of the queue after it was found full, and before that was noted. */
static void a_reader_that_comes_while_the_queue_is_found_full_is_seen(void)
{
	bound();
	vsk->sk.sk_rcvbuf = 1000;
	put(PEER, 1000);
	event();
	put(PEER, 20);
	on_barrier = reader_comes;
	event();
	on_barrier = NULL;
	CHECK_EQUAL(user_poll(vsk) & POLLED_IN, POLLED_IN);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, sizeof(got), 0), 20);
	finish();
}

static void a_connected_socket_hears_its_peer_only(void)
{
	bound();
	user_connect_datagrams(vsk, v4v_cid(PEER), 77);
	put(STRANGER, 1);
	put(PEER, 2);
	hv.put_port++;
	put(PEER, 3);
	event();
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), 2);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), -EAGAIN);
	CHECK_EQUAL(((struct v4v_conn *)vsk->trans)->dropped, 2);
	CHECK_EQUAL(hv_room(ring), ring->size);
	finish();
}

static void what_is_no_datagram_is_dropped(void)
{
	bound();
	hv_put(ring, STRANGER, V4V_TYPE_STREAM, bytes, 10, false);
	hv_put(ring, STRANGER, V4V_TYPE_CONTROL, bytes, 10, false);
	hv_put(ring, STRANGER, V4V_TYPE_DGRAM, bytes, V4V_DGRAM_MAX + 1, false);
	hv.put_port = V4V_DGRAM_PORTS - 1;
	put(STRANGER, 10);
	event();
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), -EAGAIN);
	CHECK_EQUAL(((struct v4v_conn *)vsk->trans)->dropped, 4);
	CHECK_EQUAL(hv_room(ring), ring->size);
	/* No memory for one, or a filter that does not want it. */
	hv.put_port = V4V_DGRAM_PORTS;
	put(PEER, 10);
	failing_allocation = 1;
	event();
	put(PEER, 10);
	vsk->sk.refuses_skb = true;
	event();
	vsk->sk.refuses_skb = false;
	CHECK_EQUAL(((struct v4v_conn *)vsk->trans)->dropped, 6);
	CHECK_EQUAL(hv_room(ring), ring->size);
	finish();
}

/* The work of one round is bounded, and what is left is done in the next. */
static void a_flood_is_worked_off_in_turns(void)
{
	unsigned int n = 0;

	bound();
	while (hv_put(ring, STRANGER, 99, bytes, 1, false) >= 0)
		n++;
	CHECK(n > 1000);
	lock_sock(&vsk->sk);
	CHECK(v4v_dgram_pull(vsk->trans));
	release_sock(&vsk->sk);
	CHECK(hv_room(ring) < ring->size / 2);
	v4v_conn_event();
	run_work();
	CHECK_EQUAL(hv_room(ring), ring->size);
	CHECK_EQUAL(((struct v4v_conn *)vsk->trans)->dropped, n);
	/* Also if it was a reader who began. */
	while (hv_put(ring, STRANGER, 99, bytes, 1, false) >= 0)
		continue;
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), -EAGAIN);
	run_work();
	CHECK_EQUAL(hv_room(ring), ring->size);
	finish();
}

static void closing_with_datagrams_unread_leaves_nothing(void)
{
	bound();
	put(PEER, 10);
	put(PEER, 5000);
	v4v_conn_event();
	run_work();
	put(PEER, 10);
	v4v_conn_event();
	user_close(vsk);
	CHECK_EQUAL(nr_answers, 0);
	run_work();
	peer_stop();
	peer_start();
	failing_allocation = 1;
	CHECK(!user_socket(SOCK_DGRAM));
	vsk = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 10, 0), -EAGAIN);
	finish();
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(a_datagram_comes_with_its_senders_address) | TEST(what_comes_while_binding_is_heard_of) | TEST(an_event_brings_datagrams_to_the_queue) |
	       TEST(an_empty_datagram_is_one) | TEST(a_short_buffer_cuts_and_says_so) |
	       TEST(sending_names_the_ports_and_binds_first) | TEST(binding_has_its_rules) |
	       TEST(no_address_that_is_none_is_sent_to) | TEST(a_sender_is_told_what_becomes_of_it) |
	       TEST(what_the_queue_has_no_room_for_stays_in_the_ring) |
	       TEST(a_reader_that_comes_while_the_queue_is_found_full_is_seen) |
	       TEST(a_connected_socket_hears_its_peer_only) | TEST(what_is_no_datagram_is_dropped) |
	       TEST(a_flood_is_worked_off_in_turns) | TEST(closing_with_datagrams_unread_leaves_nothing);
}
