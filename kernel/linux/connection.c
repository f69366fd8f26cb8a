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
#include "dgram.h"
#include "move.h"

/* Below this a connection costs more calls than it saves memory. */
#define SMALLEST_RING	(16 * 1024)

static LIST_HEAD(conns);
static DEFINE_SPINLOCK(conns_lock);
static u32 next_port;
/* Goes up when this becomes another domain. */
static u32 generation;
/* What waits for RCU, and what the interrupt cannot do itself. */
static struct workqueue_struct *conn_queue;
static void sweep(struct work_struct *unused);
static DECLARE_WORK(sweep_work, sweep);

static struct sock *sock_of(const struct v4v_conn *conn)
{
	return sk_vsock(conn->vsk);
}

/*
 * Socket locked: its connection, unless it has gone to another transport while we
 * waited for the lock.
 */
static struct v4v_conn *conn_of(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	return vsk->transport == &v4v_transport ? vsk->trans : NULL;
}

static bool is_dgram(const struct v4v_conn *conn)
{
	return sock_of(conn)->sk_type == SOCK_DGRAM;
}

/* The partner's domain died (the hypervisor said so in the ring), or datagrams came. */
static bool needs_worker(const struct v4v_conn *conn)
{
	if (is_dgram(conn))
		return v4v_rx_news(&conn->rx) || READ_ONCE(conn->unfinished);
	return unlikely(v4v_rx_partner_gone(&conn->rx)) && !READ_ONCE(conn->gone);
}

/*
 * Lets events find a ring that was registered in generation @registered_in. False
 * if this has become another domain since, and the hypervisor knows it no more.
 */
static bool list_conn(struct v4v_conn *conn, u32 registered_in)
{
	bool current_ring;

	conn->gone = false;
	conn->generation = registered_in;
	conn->held = false;
	conn->unfinished = false;
	conn->tx_blocked = false;
	conn->tx.src_port = conn->rx.id.port;
	conn->tx.bytes = 0;
	conn->tx.messages = 0;
	conn->tx_waits = 0;
	conn->rx_waits = 0;
	conn->events = 0;
	conn->dropped = 0;

	spin_lock_bh(&conns_lock);
	current_ring = registered_in == generation;
	if (current_ring) {
		list_add_rcu(&conn->list, &conns);
		conn->listed = true;
	}
	spin_unlock_bh(&conns_lock);
	if (!current_ring)
		return false;

	if (!is_dgram(conn))
		v4v_stats_opened(conn->peer);
	/* Who died, or what came, after the ring was registered: that event has found nothing. */
	smp_mb();
	if (needs_worker(conn))
		v4v_conn_sweep();
	return true;
}

static void unlist_conn(struct v4v_conn *conn)
{
	struct v4v_counters counters;

	if (!conn->listed)
		return;
	spin_lock_bh(&conns_lock);
	list_del_rcu(&conn->list);
	conn->listed = false;
	spin_unlock_bh(&conns_lock);

	if (!is_dgram(conn)) {
		v4v_conn_counters(conn, &counters);
		v4v_stats_closed(conn->peer, &counters);
	}
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

/*
 * The connection whose ring @ring a control message is about, its socket held and
 * locked; NULL without one, or if that got another ring while we waited.
 */
static struct v4v_conn *lock_conn(u16 peer, u32 ring)
{
	struct sock *sk = find_sock(peer, ring);
	struct v4v_conn *conn;

	if (!sk)
		return NULL;
	lock_sock(sk);
	conn = conn_of(sk);
	if (conn && conn->listed && conn->rx.id.port == ring && conn->peer == peer)
		return conn;
	release_sock(sk);
	sock_put(sk);
	return NULL;
}

static void unlock_conn(struct v4v_conn *conn)
{
	struct sock *sk = sock_of(conn);

	release_sock(sk);
	sock_put(sk);
}

static void set_peer_ring(struct v4v_conn *conn, u32 ring)
{
	conn->peer_ring = ring;
	conn->tx.dst.port = ring;
}

/* Takes the ring away from a connection that may get another one later. */
static void drop_ring(struct v4v_conn *conn)
{
	unlist_conn(conn);
	v4v_rx_unregister(&conn->rx);
	conn->established = false;
	set_peer_ring(conn, 0);
}

static void reset_locked(struct v4v_conn *conn)
{
	struct sock *sk = sock_of(conn);

	v4v_stats_reset(conn->peer);
	if (sk->sk_state == TCP_SYN_SENT) {
		/* It never was connected, may try again, and must not hear of this attempt then. */
		sk->sk_state = TCP_CLOSE;
		if (sk->sk_socket)
			sk->sk_socket->state = SS_UNCONNECTED;
		drop_ring(conn);
	} else {
		WRITE_ONCE(conn->vsk->peer_shutdown, SHUTDOWN_MASK);
		sock_set_flag(sk, SOCK_DONE);
	}
	sk->sk_err = ECONNRESET;
	sk->sk_state_change(sk);
	sk_error_report(sk);
}

/*
 * The next that needs the worker in this round, its socket held. From the start
 * each time: the place in the list is lost while the socket is locked.
 */
static struct sock *next_to_sweep(u32 round)
{
	struct v4v_conn *conn;
	struct sock *found = NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(conn, &conns, list) {
		if (conn->round != round && needs_worker(conn) &&
		    refcount_inc_not_zero(&sock_of(conn)->sk_refcnt)) {
			conn->round = round;
			found = sock_of(conn);
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static void sweep(struct work_struct *unused)
{
	static u32 round;
	struct sock *sk;
	bool again = false;

	round++;
	while ((sk = next_to_sweep(round))) {
		struct v4v_conn *conn;

		lock_sock(sk);
		conn = conn_of(sk);
		if (conn && conn->listed && needs_worker(conn)) {
			if (is_dgram(conn)) {
				again |= v4v_dgram_pull(conn);
			} else {
				WRITE_ONCE(conn->gone, true);
				if (!sk->sk_err)
					reset_locked(conn);
			}
		}
		release_sock(sk);
		sock_put(sk);
	}
	if (again)
		v4v_conn_sweep();
}

void v4v_conn_sweep(void)
{
	queue_work(conn_queue, &sweep_work);
}

struct v4v_conn *v4v_conn_create(struct vsock_sock *vsk)
{
	struct v4v_conn *conn = kzalloc(sizeof(*conn), GFP_KERNEL);

	if (!conn)
		return NULL;
	conn->vsk = vsk;
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

u32 v4v_conn_port(void)
{
	u32 port;

	spin_lock_bh(&conns_lock);
	if (!v4v_is_data_port(next_port))
		next_port = V4V_FIRST_DATA_PORT + get_random_u32_below(1U << 30);
	port = next_port++;
	spin_unlock_bh(&conns_lock);
	return port;
}

static int open_ring_of(struct v4v_conn *conn, u16 peer, u32 size)
{
	int err, tries;

	for (tries = 0; tries < 8; tries++) {
		err = v4v_rx_open(&conn->rx, v4v_conn_port(), peer, size);
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
	u32 registered_in = READ_ONCE(generation);
	int err;

	size = v4v_rx_affordable(roundup_pow_of_two(size), SMALLEST_RING);
	for (; ; size /= 2) {
		err = open_ring_of(conn, peer, size);
		if ((err != -ENOSPC && err != -ENOMEM) || size <= SMALLEST_RING)
			break;
	}
	if (err)
		return err == -ENOSPC ? -ENOBUFS : err;
	conn->peer = peer;
	conn->tx.dst.domid = peer;
	if (list_conn(conn, registered_in))
		return 0;
	v4v_rx_free(&conn->rx);
	return -ENETDOWN;
}

int v4v_conn_open_dgram(struct v4v_conn *conn, u32 port, u32 size)
{
	u32 registered_in = READ_ONCE(generation);
	int err = v4v_rx_open(&conn->rx, V4V_DGRAM_PORTS + port, V4V_ANY, size);

	if (err)
		return err;
	conn->peer = V4V_ANY;
	if (list_conn(conn, registered_in))
		return 0;
	v4v_rx_free(&conn->rx);
	return -ENETDOWN;
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

/*
 * Of an attempt that failed. It may even have been answered: with a reset right
 * behind the answer the core's connect() fails, and leaves the socket among those
 * that are connected, where it must not be put twice.
 */
static void forget_attempt(struct v4v_conn *conn)
{
	drop_ring(conn);
	synchronize_rcu();
	v4v_rx_free(&conn->rx);
	vsock_remove_connected(conn->vsk);
	WRITE_ONCE(conn->vsk->peer_shutdown, 0);
	sock_reset_flag(sock_of(conn), SOCK_DONE);
}

int v4v_conn_connect(struct v4v_conn *conn)
{
	u32 cid = conn->vsk->remote_addr.svm_cid;
	int err;

	if (conn->rx.shared)
		forget_attempt(conn);
	err = open_ring(conn, cid - V4V_CID_OFFSET);
	if (!err) {
		err = tell(conn, V4V_OP_REQUEST, 0);
		if (err)
			drop_ring(conn);
	}
	/* The core has it as connecting already, and leaves it so. */
	if (err)
		sock_of(conn)->sk_state = TCP_CLOSE;
	/* No such domain, or one without this module. */
	return err == -ESRCH || err == -ECONNREFUSED ? -EHOSTUNREACH : err;
}

/* Without a registered ring this domain is not any more the one that was connected. */
static bool can_tell(const struct v4v_conn *conn)
{
	return conn->established && conn->rx.registered;
}

void v4v_conn_shutdown(struct v4v_conn *conn, int how)
{
	if (can_tell(conn))
		tell(conn, V4V_OP_SHUTDOWN, how);
}

void v4v_conn_close(struct v4v_conn *conn)
{
	if (!conn->listed)
		return;
	/* Who answers a request after this gets a reset: there is no such ring any more. */
	v4v_conn_shutdown(conn, SHUTDOWN_MASK);
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

bool v4v_conn_has_share(u16 peer)
{
	struct v4v_conn *conn;
	u32 of_peer = 0, all = v4v_move_rings(peer, &of_peer);

	rcu_read_lock();
	list_for_each_entry_rcu(conn, &conns, list) {
		all++;
		of_peer += conn->peer == peer;
	}
	rcu_read_unlock();
	return all + of_peer < V4V_RINGS_MAX;
}

void v4v_conn_requested(u16 peer, const struct v4v_control *message)
{
	struct sock *listener, *child = NULL;
	struct sockaddr_vm addr;

	vsock_addr_init(&addr, v4v_cid(v4v_own_domid), message->dst_port);
	listener = (message->type == SOCK_STREAM || message->type == SOCK_SEQPACKET) &&
		   v4v_is_data_port(message->ring) ? vsock_find_bound_socket(&addr) : NULL;
	if (!listener) {
		refuse(peer, message);
		return;
	}
	lock_sock(listener);
	if (listener->sk_state == TCP_LISTEN && listener->sk_type == message->type &&
	    listener->sk_shutdown != SHUTDOWN_MASK && !sk_acceptq_is_full(listener) &&
	    v4v_conn_has_share(peer))
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
	struct v4v_conn *conn = lock_conn(peer, message->about);
	struct sock *sk;

	if (!conn) {
		/* Too late: the socket was closed, or gave up. */
		refuse(peer, message);
		return;
	}
	sk = sock_of(conn);
	if (sk->sk_state == TCP_SYN_SENT && v4v_is_data_port(message->ring)) {
		set_peer_ring(conn, message->ring);
		conn->established = true;
		sk->sk_state = TCP_ESTABLISHED;
		if (sk->sk_socket)
			sk->sk_socket->state = SS_CONNECTED;
		vsock_insert_connected(conn->vsk);
		/* shutdown() while it was connecting. */
		if (sk->sk_shutdown)
			tell(conn, V4V_OP_SHUTDOWN, sk->sk_shutdown & SHUTDOWN_MASK);
		sk->sk_state_change(sk);
	} else if (!conn->established) {
		refuse(peer, message);
	}
	unlock_conn(conn);
}

void v4v_conn_shut_down(u16 peer, const struct v4v_control *message)
{
	struct v4v_conn *conn = lock_conn(peer, message->about);
	struct vsock_sock *vsk;

	if (!conn)
		return;
	vsk = conn->vsk;
	/* Nothing of a connection that does not exist yet may show in it later. */
	if (conn->established) {
		WRITE_ONCE(vsk->peer_shutdown,
			   vsk->peer_shutdown | (message->flags & SHUTDOWN_MASK));
		if (vsk->peer_shutdown == SHUTDOWN_MASK)
			sock_set_flag(sk_vsock(vsk), SOCK_DONE);
		sk_vsock(vsk)->sk_state_change(sk_vsock(vsk));
	}
	unlock_conn(conn);
}

void v4v_conn_reset(u16 peer, const struct v4v_control *message)
{
	struct v4v_conn *conn = lock_conn(peer, message->about);

	if (!conn)
		return;
	reset_locked(conn);
	unlock_conn(conn);
}

void v4v_conn_event(void)
{
	struct v4v_conn *conn;
	bool work = false;

	rcu_read_lock();
	list_for_each_entry_rcu(conn, &conns, list) {
		struct sock *sk = sock_of(conn);

		/* One event is for all: a reader that was told and is not there yet is told nothing new. */
		if (is_dgram(conn) && v4v_rx_news(&conn->rx)) {
			conn->events++;
		} else if (!is_dgram(conn) && v4v_rx_untold(&conn->rx)) {
			conn->events++;
			sk->sk_data_ready(sk);
		}
		if (READ_ONCE(conn->tx_blocked)) {
			conn->events++;
			WRITE_ONCE(conn->tx_blocked, false);
			sk->sk_write_space(sk);
		}
		work |= needs_worker(conn);
	}
	rcu_read_unlock();
	if (work)
		v4v_conn_sweep();
}

void v4v_conn_outdate(void)
{
	struct v4v_conn *conn;

	spin_lock_bh(&conns_lock);
	WRITE_ONCE(generation, generation + 1);
	/* So that none of them, when it is closed, takes away a new ring of the same port. */
	list_for_each_entry(conn, &conns, list)
		WRITE_ONCE(conn->rx.registered, false);
	spin_unlock_bh(&conns_lock);
}

/* One whose ring is that of the domain that this was, its socket held; each comes once. */
static struct sock *next_outdated(void)
{
	struct v4v_conn *conn;
	struct sock *found = NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(conn, &conns, list) {
		if (conn->generation != READ_ONCE(generation) &&
		    refcount_inc_not_zero(&sock_of(conn)->sk_refcnt)) {
			conn->generation = READ_ONCE(generation);
			found = sock_of(conn);
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static void resume_dgram(struct v4v_conn *conn, u32 former, u32 now)
{
	struct sock *sk = sock_of(conn);
	int err;

	/* It is in no table of the core's. */
	if (conn->vsk->local_addr.svm_cid == former)
		conn->vsk->local_addr.svm_cid = now;
	/* The memory is still what it was, so what had come can be read. */
	v4v_dgram_empty(conn);
	err = v4v_rx_reopen(&conn->rx);
	if (err) {
		pr_warn_ratelimited("a datagram socket is lost with the former domain (%d)\n", err);
		sk->sk_err = ENETDOWN;
		sk_error_report(sk);
	}
}

void v4v_conn_resumed(u16 former_domid)
{
	u32 former = v4v_cid(former_domid), now = v4v_cid(v4v_own_domid);
	struct vsock_sock *vsk;
	struct sock *sk;
	int i;

	/* Whoever is bound to this domain's CID is bound to its new one. */
	spin_lock_bh(&vsock_table_lock);
	for (i = 0; i < ARRAY_SIZE(vsock_bind_table); i++)
		list_for_each_entry(vsk, &vsock_bind_table[i], bound_table)
			if (vsk->local_addr.svm_cid == former)
				vsk->local_addr.svm_cid = now;
	spin_unlock_bh(&vsock_table_lock);

	while ((sk = next_outdated())) {
		struct v4v_conn *conn;

		lock_sock(sk);
		conn = conn_of(sk);
		/* While we waited for the lock it may have got a ring of this domain. */
		if (conn && conn->listed && !conn->rx.registered) {
			if (is_dgram(conn))
				resume_dgram(conn, former, now);
			else if (!sk->sk_err)
				reset_locked(conn);
		}
		release_sock(sk);
		sock_put(sk);
	}
}

void v4v_conn_counters(const struct v4v_conn *conn, struct v4v_counters *counters)
{
	*counters = (struct v4v_counters){
		.tx_bytes = conn->tx.bytes,
		.tx_messages = conn->tx.messages,
		.rx_bytes = conn->rx.bytes,
		.rx_messages = conn->rx.messages,
		.tx_waits = conn->tx_waits,
		.rx_waits = conn->rx_waits,
		.events = conn->events,
		.dropped = conn->dropped,
	};
}

void v4v_conn_each(void (*fn)(const struct v4v_conn *conn, void *data), void *data)
{
	struct v4v_conn *conn;

	rcu_read_lock();
	list_for_each_entry_rcu(conn, &conns, list)
		fn(conn, data);
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
