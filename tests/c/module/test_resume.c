/* After save and restore this is another domain: its sockets know it, and what can go on does. */
#include "peer.h"

#define NOW 21u
#define ANY UINT32_MAX

static unsigned char bytes[1000], got[1000];

static void resume_as(u16 domid)
{
	if (domid != OWN_DOMAIN)
		hv_become(domid);
	v4v_control_resume();
	run_work();
}

static struct vsock_sock *connected(u32 peer_ring)
{
	struct vsock_sock *vsk = user_socket(SOCK_STREAM);

	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	peer_says(PEER, V4V_OP_RESPONSE, peer_ring, answers[nr_answers - 1].message.ring, 0);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_ESTABLISHED);
	return vsk;
}

static void a_cancelled_suspend_changes_nothing(void)
{
	struct vsock_sock *vsk;

	peer_start();
	vsk = connected(2000);
	resume_as(OWN_DOMAIN);
	CHECK_EQUAL(vsk->sk.sk_err, 0);
	CHECK_EQUAL(v4v_own_domid, OWN_DOMAIN);
	CHECK_EQUAL(user_send(vsk, bytes, 10), 10);
	user_close(vsk);
	peer_stop();
}

static void connections_are_reset_and_what_came_is_read(void)
{
	struct vsock_sock *established, *connecting, *listener;

	peer_start();
	listener = user_listen(SOCK_STREAM, LISTEN_PORT);
	peer_says(PEER, V4V_OP_REQUEST, 4000, 0, 0);
	established = connected(2000);
	hv_put(hv_find(answers[nr_answers - 1].message.ring, PEER), PEER, V4V_TYPE_STREAM, bytes, 100, false);
	connecting = user_socket(SOCK_STREAM);
	CHECK_EQUAL(user_connect(connecting, v4v_cid(PEER), LISTEN_PORT), 0);
	forget_answers();

	resume_as(NOW);
	CHECK_EQUAL(v4v_own_domid, NOW);
	CHECK_EQUAL(v4v_transport.get_local_cid(), NOW + V4V_CID_OFFSET);
	CHECK_EQUAL(established->sk.sk_err, ECONNRESET);
	CHECK_EQUAL(user_receive(established, got, 1000), 100);
	CHECK_EQUAL(user_receive(established, got, 1000), -ECONNRESET);
	CHECK_EQUAL(user_send(established, bytes, 10), -EPIPE);
	CHECK_EQUAL(connecting->sk.sk_err, ECONNRESET);
	CHECK_EQUAL(connecting->sk.sk_state, TCP_CLOSE);
	/* The former domain's peers are told nothing by this one. */
	user_shutdown(established, SEND_SHUTDOWN);
	user_close(established);
	CHECK_EQUAL(nr_answers, 0);

	/* Again: each was told once. */
	connecting->sk.sk_err = 0;
	v4v_conn_resumed(OWN_DOMAIN);
	CHECK_EQUAL(connecting->sk.sk_err, 0);
	CHECK_EQUAL(user_connect(connecting, v4v_cid(PEER), LISTEN_PORT), 0);
	peer_says(PEER, V4V_OP_RESPONSE, 2001, answers[0].message.ring, 0);
	CHECK_EQUAL(user_send(connecting, bytes, 10), 10);

	/* One that waits to be accepted is reset, too; the listener goes on. */
	peer_says(PEER, V4V_OP_REQUEST, 4001, 0, 0);
	CHECK_EQUAL(answers[nr_answers - 1].message.op, V4V_OP_RESPONSE);
	/* What is new since is left alone. */
	v4v_conn_resumed(OWN_DOMAIN);
	CHECK_EQUAL(user_send(connecting, bytes, 10), 10);
	for (unsigned int i = 0; i < 2; i++) {
		struct vsock_sock *child = user_accept(listener);

		CHECK_EQUAL(user_receive(child, got, 10), child->remote_addr.svm_cid == v4v_cid(PEER) &&
							  child->local_addr.svm_cid == v4v_cid(NOW) ? -EAGAIN : -ECONNRESET);
		user_close(child);
	}
	user_close(connecting);
	user_close(listener);
	peer_stop();
}

static void the_control_ring_is_registered_anew(void)
{
	struct hv_ring *ring;

	peer_start();
	for (u32 i = 0; i < 10; i++)
		peer_says(PEER, V4V_OP_RESET, 0, 5000, 0);
	/* Half of one is on its way. */
	resume_as(NOW);
	ring = hv_find(V4V_CONTROL_PORT, V4V_ANY);
	CHECK(ring);
	CHECK_EQUAL(ring->shared->rx, 0);
	hv.events = 0;
	forget_answers();
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(hv.events, 1);
	CHECK_EQUAL(nr_answers, 1);
	peer_stop();
}

static long full(u16 to)
{
	return -EAGAIN;
}

static void what_waited_is_forgotten(void)
{
	peer_start();
	control_result = full;
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	resume_as(NOW);
	control_result = NULL;
	v4v_control_event();
	run_work();
	CHECK_EQUAL(nr_answers, 0);
	peer_says(PEER, V4V_OP_REQUEST, 2000, 0, 0);
	CHECK_EQUAL(nr_answers, 1);
	/* Nor does it count against the bound of what may wait. */
	control_result = full;
	while (!v4v_control_send(PEER, &answers[0].message))
		continue;
	resume_as(NOW + 1);
	CHECK_EQUAL(v4v_control_send(PEER, &answers[0].message), 0);
	peer_stop();
}

static void datagram_sockets_go_on(void)
{
	struct vsock_sock *vsk, *unbound;
	struct sockaddr_vm from;
	struct hv_ring *ring;

	peer_start();
	hv.put_port = V4V_DGRAM_PORTS + 5;
	unbound = user_socket(SOCK_DGRAM);
	vsk = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_bind(vsk, ANY, 3000), 0);
	ring = hv_find(V4V_DGRAM_PORTS + 3000, V4V_ANY);
	hv_put(ring, PEER, V4V_TYPE_DGRAM, bytes, 10, false);
	resume_as(NOW);
	ring = hv_find(V4V_DGRAM_PORTS + 3000, V4V_ANY);
	CHECK(ring);
	/* What had come before, and what comes now. */
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_DGRAM, bytes, 20, false), 20);
	v4v_conn_event();
	run_work();
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 100, 0), 10);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 100, 0), 20);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 100, 0), -EAGAIN);
	/* Without a ring it is of no use, and says so; what was in the former one is not read twice. */
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_DGRAM, bytes, 30, false), 30);
	hv_become(NOW + 1);
	v4v_control_resume();
	hv.register_error = -ENOSPC;
	run_work();
	hv.register_error = 0;
	CHECK_EQUAL(vsk->sk.sk_err, ENETDOWN);
	vsk->sk.sk_err = 0;
	v4v_conn_event();
	run_work();
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 100, 0), 30);
	CHECK_EQUAL(user_receive_from(vsk, &from, got, 100, 0), -EAGAIN);
	user_close(vsk);
	user_close(unbound);
	peer_stop();
}

static void who_is_bound_to_this_domain_stays_so(void)
{
	struct vsock_sock *own = NULL, *any, *other, *dgram;

	peer_start();
	/* The core's table has no datagram sockets. */
	dgram = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_bind(dgram, v4v_cid(OWN_DOMAIN), 3000), 0);
	own = user_listen(SOCK_STREAM, 60);
	own->local_addr.svm_cid = v4v_cid(OWN_DOMAIN);
	any = user_listen(SOCK_STREAM, 61);
	other = user_listen(SOCK_STREAM, 62);
	other->local_addr.svm_cid = 1;
	resume_as(NOW);
	CHECK_EQUAL(own->local_addr.svm_cid, v4v_cid(NOW));
	CHECK_EQUAL(dgram->local_addr.svm_cid, v4v_cid(NOW));
	CHECK_EQUAL(any->local_addr.svm_cid, VMADDR_CID_ANY);
	CHECK_EQUAL(other->local_addr.svm_cid, 1);
	user_close(dgram);
	user_close(own);
	user_close(any);
	user_close(other);
	peer_stop();
}

/* Between the resume and the work that follows it: others act already. */
static void closing_a_socket_of_the_former_domain_takes_no_ring_of_this_one(void)
{
	struct vsock_sock *former, *now;

	peer_start();
	former = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_bind(former, ANY, 3000), 0);
	hv_become(NOW);
	v4v_control_resume();
	now = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_bind(now, ANY, 3000), 0);
	user_close(former);
	CHECK(hv_find(V4V_DGRAM_PORTS + 3000, V4V_ANY));
	run_work();
	CHECK(hv_find(V4V_DGRAM_PORTS + 3000, V4V_ANY));
	CHECK_EQUAL(now->sk.sk_err, 0);
	user_close(now);
	peer_stop();
}

static void resumes(struct hv_ring *ring)
{
	hv_become(NOW);
	v4v_control_resume();
}

/* Its ring is registered, and is so no more when it could be found: nobody else will notice. */
static void a_resume_while_a_ring_is_made_is_noticed(void)
{
	struct vsock_sock *vsk, *dgram;

	peer_start();
	vsk = user_socket(SOCK_STREAM);
	hv.on_register = resumes;
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), -ENETDOWN);
	CHECK_EQUAL(vsk->sk.sk_state, TCP_CLOSE);
	run_work();
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	dgram = user_socket(SOCK_DGRAM);
	hv.on_register = resumes;
	CHECK_EQUAL(user_bind(dgram, ANY, 3000), -ENETDOWN);
	run_work();
	CHECK_EQUAL(user_bind(dgram, ANY, 3000), 0);
	user_close(dgram);
	user_close(vsk);
	peer_stop();
}

static struct vsock_sock *again;

static void tries_again(struct sock *sk)
{
	again->sk.sk_state = TCP_CLOSE;
	CHECK_EQUAL(user_connect(again, v4v_cid(PEER), LISTEN_PORT), 0);
}

/* The program was faster than the work: its new connection is none of the former domain. */
static void what_connects_again_meanwhile_is_let_alone(void)
{
	peer_start();
	again = user_socket(SOCK_STREAM);
	CHECK_EQUAL(user_connect(again, v4v_cid(PEER), LISTEN_PORT), 0);
	hv_become(NOW);
	v4v_control_resume();
	on_lock_sock = tries_again;
	run_work();
	CHECK(!on_lock_sock);
	CHECK_EQUAL(again->sk.sk_err, 0);
	peer_says(PEER, V4V_OP_RESPONSE, 2000, answers[nr_answers - 1].message.ring, 0);
	CHECK_EQUAL(user_send(again, bytes, 10), 10);
	user_close(again);
	peer_stop();
}

/* Migrated to a host that has none. */
static void without_v4v_connections_end(void)
{
	struct vsock_sock *vsk;

	peer_start();
	vsk = connected(2000);
	hv_become(NOW);
	hv.absent = true;
	v4v_control_resume();
	run_work();
	CHECK_EQUAL(vsk->sk.sk_err, ECONNRESET);
	user_close(vsk);
	peer_stop();
}

/* More than the worker moves in one go, and than a queue has room for: what cannot be kept is counted. */
static void no_datagram_is_lost_without_being_counted(void)
{
	const unsigned int many = 700;

	for (unsigned int short_queue = 0; short_queue < 2; short_queue++) {
		struct vsock_sock *vsk;
		struct hv_ring *ring;
		unsigned int came = 0;
		ssize_t n;

		peer_start();
		hv.put_port = V4V_DGRAM_PORTS + 5;
		vsk = user_socket(SOCK_DGRAM);
		if (short_queue)
			vsk->sk.sk_rcvbuf = 3000;
		CHECK_EQUAL(user_bind(vsk, ANY, 3000), 0);
		ring = hv_find(V4V_DGRAM_PORTS + 3000, V4V_ANY);
		for (unsigned int i = 0; i < many; i++)
			CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_DGRAM, bytes, 1 + i % 50, false), 1 + i % 50);
		resume_as(NOW);
		for (; (n = user_receive_from(vsk, NULL, got, 100, 0)) > 0; came++)
			CHECK_EQUAL(n, 1 + came % 50);
		CHECK_EQUAL(n, -EAGAIN);
		CHECK(short_queue ? came > 0 && came < many : came == many);
		CHECK_EQUAL(((struct v4v_conn *)vsk->trans)->dropped, many - came);
		/* The new ring has none of them. */
		ring = hv_find(V4V_DGRAM_PORTS + 3000, V4V_ANY);
		CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_DGRAM, bytes, 20, false), 20);
		v4v_conn_event();
		run_work();
		CHECK_EQUAL(user_receive_from(vsk, NULL, got, 100, 0), 20);
		user_close(vsk);
		peer_stop();
	}
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(a_cancelled_suspend_changes_nothing) | TEST(connections_are_reset_and_what_came_is_read) |
	       TEST(the_control_ring_is_registered_anew) | TEST(what_waited_is_forgotten) | TEST(datagram_sockets_go_on) |
	       TEST(no_datagram_is_lost_without_being_counted) |
	       TEST(who_is_bound_to_this_domain_stays_so) |
	       TEST(closing_a_socket_of_the_former_domain_takes_no_ring_of_this_one) |
	       TEST(a_resume_while_a_ring_is_made_is_noticed) | TEST(what_connects_again_meanwhile_is_let_alone) |
	       TEST(without_v4v_connections_end);
}
