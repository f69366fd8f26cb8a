// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: connections.
 *
 * Data never wait in this module: what a socket sends is in its peer's ring
 * when the call returns, so a shutdown that is sent later (by way of the
 * control ring) arrives after the data, and closing loses nothing.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/log2.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "connection.h"

/* Below this a connection costs more calls than it saves memory. */
#define SMALLEST_RING	(16 * 1024)

static LIST_HEAD(conns);
static DEFINE_SPINLOCK(conns_lock);
static u32 next_port;
/* What waits for RCU, and resets that the interrupt cannot do itself. */
static struct workqueue_struct *conn_queue;

static struct sock *sock_of(const struct v4v_conn *conn)
{
	return sk_vsock(conn->vsk);
}

static void list_conn(struct v4v_conn *conn)
{
	spin_lock_bh(&conns_lock);
	list_add_rcu(&conn->list, &conns);
	conn->listed = true;
	spin_unlock_bh(&conns_lock);
}

static void unlist_conn(struct v4v_conn *conn)
{
	spin_lock_bh(&conns_lock);
	if (conn->listed)
		list_del_rcu(&conn->list);
	conn->listed = false;
	spin_unlock_bh(&conns_lock);
}

/* The socket whose data ring has this port and takes from this peer, held. */
static struct sock *find_sock(u16 peer, u32 port)
{
	struct v4v_conn *conn;
	struct sock *found = NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(conn, &conns, list) {
		struct sock *sk = sock_of(conn);

		if (conn->rx.id.port == port && conn->rx.id.partner == peer &&
		    refcount_inc_not_zero(&sk->sk_refcnt)) {
			found = sk;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static void reset_locked(struct v4v_conn *conn)
{
	struct sock *sk = sock_of(conn);

	if (sk->sk_state == TCP_SYN_SENT) {
		sk->sk_state = TCP_CLOSE;
		if (sk->sk_socket)
			sk->sk_socket->state = SS_UNCONNECTED;
	}
	sk->sk_err = ECONNRESET;
	WRITE_ONCE(conn->vsk->peer_shutdown, SHUTDOWN_MASK);
	sock_set_flag(sk, SOCK_DONE);
	sk->sk_state_change(sk);
	sk_error_report(sk);
}

/* The partner's domain died: the hypervisor said so in the ring. */
static void partner_gone(struct work_struct *work)
{
	struct v4v_conn *conn = container_of(work, struct v4v_conn, gone_work);
	struct sock *sk = sock_of(conn);

	lock_sock(sk);
	if (conn->vsk->trans == conn && conn->listed && !sk->sk_err)
		reset_locked(conn);
	release_sock(sk);
	sock_put(sk);
}

struct v4v_conn *v4v_conn_create(struct vsock_sock *vsk)
{
	struct v4v_conn *conn = kzalloc(sizeof(*conn), GFP_KERNEL);

	if (!conn)
		return NULL;
	conn->vsk = vsk;
	INIT_WORK(&conn->gone_work, partner_gone);
	/* The interrupt reaches the socket through the list, without a reference. */
	sock_set_flag(sk_vsock(vsk), SOCK_RCU_FREE);
	return conn;
}

static void free_conn(struct work_struct *work)
{
	struct v4v_conn *conn = container_of(to_rcu_work(work), struct v4v_conn, free_work);

	v4v_rx_free(&conn->rx);
	kfree(conn);
}

void v4v_conn_free(struct v4v_conn *conn)
{
	if (!conn)
		return;
	unlist_conn(conn);
	v4v_rx_unregister(&conn->rx);
	INIT_RCU_WORK(&conn->free_work, free_conn);
	queue_rcu_work(conn_queue, &conn->free_work);
}

static int open_ring_of(struct v4v_conn *conn, u16 peer, u32 size)
{
	int err, tries;

	for (tries = 0; tries < 8; tries++) {
		u32 port;

		spin_lock_bh(&conns_lock);
		if (next_port < V4V_FIRST_DATA_PORT)
			next_port = V4V_FIRST_DATA_PORT + get_random_u32_below(1U << 30);
		port = next_port++;
		spin_unlock_bh(&conns_lock);

		err = v4v_rx_open(&conn->rx, port, peer, size);
		if (err != -EEXIST)
			break;
	}
	return err;
}

/*
 * Registers a receive ring of the size that the socket asks for, or of what is
 * left: with many connections a smaller ring is better than none.
 */
static int open_ring(struct v4v_conn *conn, u16 peer)
{
	u32 size = clamp_t(u64, conn->vsk->buffer_size, V4V_RING_MIN, V4V_RING_MAX);
	int err;

	for (size = roundup_pow_of_two(size); ; size /= 2) {
		err = open_ring_of(conn, peer, size);
		if ((err != -ENOSPC && err != -ENOMEM) || size <= SMALLEST_RING)
			break;
	}
	if (err)
		return err;
	conn->peer = peer;
	conn->tx.dst.domid = peer;
	conn->tx.src_port = conn->rx.id.port;
	conn->tx_blocked = false;
	list_conn(conn);
	return 0;
}

static void set_peer_ring(struct v4v_conn *conn, u32 ring)
{
	conn->peer_ring = ring;
	conn->tx.dst.port = ring;
}

static int tell(struct v4v_conn *conn, enum v4v_control_op op, u32 flags)
{
	struct v4v_control message = {
		.version = V4V_CONTROL_VERSION,
		.op = op,
		.type = sock_of(conn)->sk_type,
		.src_port = conn->vsk->local_addr.svm_port,
		.dst_port = conn->vsk->remote_addr.svm_port,
		.ring = conn->rx.id.port,
		.about = conn->peer_ring,
		.flags = flags,
	};

	return v4v_control_send(conn->peer, &message);
}

static void refuse(u16 peer, const struct v4v_control *message)
{
	struct v4v_control answer = {
		.version = V4V_CONTROL_VERSION,
		.op = V4V_OP_RESET,
		.type = message->type,
		.src_port = message->dst_port,
		.dst_port = message->src_port,
		.about = message->ring,
	};

	v4v_control_send(peer, &answer);
}

/* Takes the ring away from a connection that may get another one later. */
static void drop_ring(struct v4v_conn *conn)
{
	unlist_conn(conn);
	v4v_rx_unregister(&conn->rx);
	conn->established = false;
	set_peer_ring(conn, 0);
}

int v4v_conn_connect(struct v4v_conn *conn)
{
	u32 cid = conn->vsk->remote_addr.svm_cid;
	int err;

	/* A second attempt on the same socket, after one that failed. */
	if (conn->rx.shared) {
		drop_ring(conn);
		synchronize_rcu();
		v4v_rx_free(&conn->rx);
	}
	err = open_ring(conn, cid - V4V_CID_OFFSET);
	if (!err) {
		err = tell(conn, V4V_OP_REQUEST, 0);
		if (err)
			drop_ring(conn);
	}
	/* No such domain, or one without this module. */
	return err == -ESRCH || err == -ECONNREFUSED ? -EHOSTUNREACH : err;
}

void v4v_conn_shutdown(struct v4v_conn *conn, int how)
{
	if (conn->established)
		tell(conn, V4V_OP_SHUTDOWN, how);
}

void v4v_conn_close(struct v4v_conn *conn, enum v4v_control_op op)
{
	if (!conn->listed)
		return;
	/* An unanswered request is taken back; the peer knows it by our ring. */
	if (conn->established || op == V4V_OP_RESET)
		tell(conn, op, SHUTDOWN_MASK);
	drop_ring(conn);
}

static struct sock *accept_child(struct sock *listener, u16 peer, const struct v4v_control *message)
{
	struct sock *child = vsock_create_connected(listener);
	struct vsock_sock *vchild;
	struct v4v_conn *conn;
	int err;

	if (!child)
		return NULL;
	lock_sock_nested(child, SINGLE_DEPTH_NESTING);
	vchild = vsock_sk(child);
	vsock_addr_init(&vchild->local_addr, v4v_cid(v4v_own_domid), message->dst_port);
	vsock_addr_init(&vchild->remote_addr, v4v_cid(peer), message->src_port);
	err = vsock_assign_transport(vchild, vsock_sk(listener));
	if (err || vchild->transport != &v4v_transport)
		goto fail;

	conn = vchild->trans;
	if (open_ring(conn, peer))
		goto fail;
	set_peer_ring(conn, message->ring);
	conn->established = true;
	child->sk_state = TCP_ESTABLISHED;
	if (tell(conn, V4V_OP_RESPONSE, 0)) {
		drop_ring(conn);
		goto fail;
	}
	sk_acceptq_added(listener);
	vsock_insert_connected(vchild);
	vsock_enqueue_accept(listener, child);
	release_sock(child);
	return child;
fail:
	release_sock(child);
	sock_put(child);
	return NULL;
}

void v4v_conn_requested(u16 peer, const struct v4v_control *message)
{
	struct sock *listener, *child = NULL;
	struct sockaddr_vm addr;

	vsock_addr_init(&addr, v4v_cid(v4v_own_domid), message->dst_port);
	listener = message->type == SOCK_STREAM && message->ring >= V4V_FIRST_DATA_PORT ?
		   vsock_find_bound_socket(&addr) : NULL;
	if (!listener) {
		refuse(peer, message);
		return;
	}
	lock_sock(listener);
	if (listener->sk_state == TCP_LISTEN && listener->sk_type == message->type &&
	    listener->sk_shutdown != SHUTDOWN_MASK && !sk_acceptq_is_full(listener))
		child = accept_child(listener, peer, message);
	if (child)
		listener->sk_data_ready(listener);
	else
		refuse(peer, message);
	release_sock(listener);
	sock_put(listener);
}

void v4v_conn_answered(u16 peer, const struct v4v_control *message)
{
	struct sock *sk = find_sock(peer, message->about);
	struct v4v_conn *conn;

	if (!sk) {
		/* Too late: the socket was closed, or gave up. */
		refuse(peer, message);
		return;
	}
	lock_sock(sk);
	conn = vsock_sk(sk)->trans;
	if (sk->sk_state == TCP_SYN_SENT && conn && conn->listed &&
	    conn->rx.id.port == message->about && message->ring >= V4V_FIRST_DATA_PORT) {
		set_peer_ring(conn, message->ring);
		conn->established = true;
		sk->sk_state = TCP_ESTABLISHED;
		if (sk->sk_socket)
			sk->sk_socket->state = SS_CONNECTED;
		vsock_insert_connected(vsock_sk(sk));
		sk->sk_state_change(sk);
	} else if (!conn || !conn->established) {
		refuse(peer, message);
	}
	release_sock(sk);
	sock_put(sk);
}

void v4v_conn_shut_down(u16 peer, const struct v4v_control *message)
{
	struct sock *sk = find_sock(peer, message->about);
	struct vsock_sock *vsk;
	struct v4v_conn *conn;

	if (!sk)
		return;
	lock_sock(sk);
	vsk = vsock_sk(sk);
	conn = vsk->trans;
	/* While we waited for the lock the socket may have got another peer. */
	if (conn && conn->listed && conn->rx.id.port == message->about) {
		WRITE_ONCE(vsk->peer_shutdown,
			   vsk->peer_shutdown | (message->flags & SHUTDOWN_MASK));
		if (vsk->peer_shutdown == SHUTDOWN_MASK)
			sock_set_flag(sk, SOCK_DONE);
		sk->sk_state_change(sk);
	}
	release_sock(sk);
	sock_put(sk);
}

void v4v_conn_reset(u16 peer, const struct v4v_control *message)
{
	struct sock *sk = find_sock(peer, message->about);
	struct v4v_conn *conn;

	if (!sk)
		return;
	lock_sock(sk);
	conn = vsock_sk(sk)->trans;
	if (conn && conn->listed && conn->rx.id.port == message->about)
		reset_locked(conn);
	release_sock(sk);
	sock_put(sk);
}

void v4v_conn_event(void)
{
	struct v4v_conn *conn;

	rcu_read_lock();
	list_for_each_entry_rcu(conn, &conns, list) {
		struct sock *sk = sock_of(conn);

		if (v4v_rx_news(&conn->rx))
			sk->sk_data_ready(sk);
		if (READ_ONCE(conn->tx_blocked)) {
			WRITE_ONCE(conn->tx_blocked, false);
			sk->sk_write_space(sk);
		}
		if (unlikely(v4v_rx_partner_gone(&conn->rx)) && !sk->sk_err &&
		    refcount_inc_not_zero(&sk->sk_refcnt) &&
		    !queue_work(conn_queue, &conn->gone_work))
			sock_put(sk);
	}
	rcu_read_unlock();
}

int v4v_conn_init(void)
{
	conn_queue = alloc_workqueue("v4v_conn", WQ_UNBOUND, 0);
	return conn_queue ? 0 : -ENOMEM;
}

void v4v_conn_exit(void)
{
	WARN_ON(!list_empty(&conns));
	/* What RCU queued, and then what that put on the workqueue. */
	rcu_barrier();
	destroy_workqueue(conn_queue);
}
