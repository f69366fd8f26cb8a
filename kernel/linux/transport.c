// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: the transport under AF_VSOCK.
 *
 * The core (net/vmw_vsock/af_vsock.c) keeps addresses, binding, backlog,
 * blocking and time-outs; here is how bytes and events get from one domain to
 * the other. Except for the allow functions, get_local_cid, dgram_dequeue and
 * read_skb everything is called with the socket locked; destruct also when nobody
 * has the socket any more, from RCU, where it must not sleep.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/limits.h>
#include <linux/module.h>

#include "connection.h"
#include "dgram.h"

static uint ring_kib = 1024;
module_param(ring_kib, uint, 0644);
MODULE_PARM_DESC(ring_kib,
		 "KiB of a connection's receive ring, unless the socket sets SO_VM_SOCKETS_BUFFER_SIZE");

static uint spin_us = 200;
module_param(spin_us, uint, 0644);
MODULE_PARM_DESC(spin_us,
		 "microseconds that a reader may look out for a message before it sleeps; 0 to sleep at once");

u32 v4v_spin_max(void)
{
	return min(READ_ONCE(spin_us), 10000U) * NSEC_PER_USEC;
}

/* What the core gives a socket that asks for nothing (VSOCK_DEFAULT_BUFFER_SIZE, af_vsock.c). */
#define CORE_DEFAULT_SIZE (256 * 1024)

static int v4v_init_socket(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	if (vsk->buffer_size == CORE_DEFAULT_SIZE)
		vsk->buffer_size = clamp_t(u64, (u64)READ_ONCE(ring_kib) * 1024,
					   V4V_RING_MIN, V4V_RING_MAX);
	vsk->trans = v4v_conn_create(vsk);
	return vsk->trans ? 0 : -ENOMEM;
}

static void v4v_destruct(struct vsock_sock *vsk)
{
	v4v_conn_free(vsk->trans);
	vsk->trans = NULL;
}

static void v4v_release(struct vsock_sock *vsk)
{
	v4v_conn_close(vsk->trans);
	vsock_remove_sock(vsk);
}

static int v4v_connect(struct vsock_sock *vsk)
{
	return v4v_conn_connect(vsk->trans);
}

/* A connect() that timed out or was interrupted. */
static int v4v_cancel(struct vsock_sock *vsk)
{
	v4v_conn_close(vsk->trans);
	return 0;
}

static int v4v_shutdown(struct vsock_sock *vsk, int how)
{
	v4v_conn_shutdown(vsk->trans, how);
	return 0;
}

static ssize_t v4v_stream_dequeue(struct vsock_sock *vsk, struct msghdr *msg,
				  size_t len, int flags)
{
	struct sock *sk = sk_vsock(vsk);
	struct v4v_conn *conn = vsk->trans;
	ssize_t n;

	v4v_rx_awake(&conn->rx, v4v_spin_max());
	n = v4v_rx_take(&conn->rx, &msg->msg_iter, len, flags & MSG_PEEK);

	if (n > 0 && !(flags & MSG_PEEK)) {
		v4v_rx_release(&conn->rx);
		/*
		 * Who polls edge-triggered may take a short read for the end, ask
		 * no more (epoll(7)), and must hear of the next bytes all the same.
		 */
		if (n < len && wq_has_sleeper(sk_sleep(sk)) && !v4v_rx_arm(&conn->rx))
			sk->sk_data_ready(sk);
	}
	return n;
}

/*
 * The peer's ring was full. The event may have come before tx_blocked is set, and
 * then nobody would be woken: try once more after this.
 */
static void set_blocked(struct v4v_conn *conn)
{
	conn->tx_waits++;
	WRITE_ONCE(conn->tx_blocked, true);
	smp_mb();
}

/* The peer's ring is gone: it closed, or its domain did. */
static ssize_t send_error(const struct v4v_conn *conn, ssize_t err)
{
	if (err == -ECONNREFUSED)
		return v4v_rx_partner_gone(&conn->rx) ? -ECONNRESET : -EPIPE;
	return err;
}

static ssize_t v4v_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	struct v4v_conn *conn = vsk->trans;
	bool full;
	ssize_t sent = v4v_tx_stream(&conn->tx, V4V_TYPE_STREAM, &msg->msg_iter, len, &full);

	if (full) {
		ssize_t more;

		set_blocked(conn);
		more = v4v_tx_stream(&conn->tx, V4V_TYPE_STREAM, &msg->msg_iter, len - sent, &full);
		/* Only a full ring is followed by an event: nothing else may block. */
		if (!full)
			WRITE_ONCE(conn->tx_blocked, false);
		sent = more > 0 ? sent + more : sent ?: more;
	}
	return send_error(conn, sent);
}

/* Sent whole or not at all; 0 if there is no room, and the core waits as it should. */
static int v4v_seqpacket_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	struct v4v_conn *conn = vsk->trans;
	u32 type = V4V_TYPE_SEQPACKET | (msg->msg_flags & MSG_EOR ? V4V_TYPE_EOR : 0);
	ssize_t sent;

	/* One call takes no more; and nobody sends more than he is ready to take. */
	if (len > min_t(u64, vsk->buffer_size, V4V_SEND_MAX))
		return -EMSGSIZE;

	sent = v4v_tx_record(&conn->tx, type, &msg->msg_iter, len);
	if (sent == -EAGAIN) {
		set_blocked(conn);
		sent = v4v_tx_record(&conn->tx, type, &msg->msg_iter, len);
		if (sent == -EAGAIN)
			return 0;
		WRITE_ONCE(conn->tx_blocked, false);
	}
	return send_error(conn, sent);
}

static ssize_t v4v_seqpacket_dequeue(struct vsock_sock *vsk, struct msghdr *msg, int flags)
{
	struct v4v_conn *conn = vsk->trans;
	u32 type = 0;
	ssize_t n = v4v_rx_record(&conn->rx, &msg->msg_iter, flags & MSG_PEEK, &type);

	if (type & V4V_TYPE_EOR)
		msg->msg_flags |= MSG_EOR;
	if (!(flags & MSG_PEEK))
		v4v_rx_release(&conn->rx);
	return n;
}

/* The core has no hook before it waits for a record, so this is where an event is asked for. */
static u32 v4v_seqpacket_has_data(struct vsock_sock *vsk)
{
	struct v4v_conn *conn = vsk->trans;
	u32 records;

	if (!conn->rx.shared)
		return 0;
	while (!(records = v4v_rx_records(&conn->rx))) {
		if (v4v_rx_arm(&conn->rx)) {
			conn->rx_waits++;
			break;
		}
	}
	return records;
}

static bool v4v_seqpacket_allow(u32 remote_cid)
{
	return v4v_cid_is_domain(remote_cid);
}

static s64 v4v_stream_has_data(struct vsock_sock *vsk)
{
	struct v4v_conn *conn = vsk->trans;
	s64 available;

	if (!conn->rx.shared)
		return 0;
	/* Nothing: whoever asked is about to wait, or to be told EAGAIN. */
	while (!(available = v4v_rx_available(&conn->rx))) {
		if (v4v_rx_arm(&conn->rx)) {
			conn->rx_waits++;
			break;
		}
	}
	return available;
}

static s64 v4v_stream_has_space(struct vsock_sock *vsk)
{
	struct v4v_conn *conn = vsk->trans;

	return READ_ONCE(conn->tx_blocked) ? 0 : S32_MAX;
}

/* A limit of what a reader may wait for; reading goes on while it waits, so there is none. */
static u64 v4v_stream_rcvhiwat(struct vsock_sock *vsk)
{
	return S64_MAX;
}

static bool v4v_stream_is_active(struct vsock_sock *vsk)
{
	struct v4v_conn *conn = vsk->trans;

	return conn && conn->established;
}

static bool v4v_stream_allow(u32 cid, u32 port)
{
	return v4v_cid_is_domain(cid);
}

static int v4v_notify_poll_in(struct vsock_sock *vsk, size_t target, bool *ready)
{
	struct v4v_conn *conn = vsk->trans;
	s64 available;

	/* Records have no SO_RCVLOWAT: one is enough. */
	if (sk_vsock(vsk)->sk_type == SOCK_SEQPACKET) {
		*ready = v4v_seqpacket_has_data(vsk) > 0;
		return 0;
	}
	available = v4v_stream_has_data(vsk);
	/* The next bytes must be heard of, too: by who waits for SO_RCVLOWAT, or for edges. */
	while (available && !v4v_rx_watch(&conn->rx))
		available = v4v_rx_available(&conn->rx);
	/* A full ring gets no fuller, however many bytes were asked for. */
	*ready = available >= target || (available && v4v_rx_full(&conn->rx));
	return 0;
}

static int v4v_notify_poll_out(struct vsock_sock *vsk, size_t target, bool *room)
{
	*room = v4v_stream_has_space(vsk) > 0;
	return 0;
}

static int v4v_notify_recv_init(struct vsock_sock *vsk, size_t target,
				struct vsock_transport_recv_notify_data *data)
{
	return 0;
}

static int v4v_notify_recv_pre_block(struct vsock_sock *vsk, size_t target,
				     struct vsock_transport_recv_notify_data *data)
{
	struct sock *sk = sk_vsock(vsk);
	struct v4v_conn *conn = vsk->trans;

	/* The caller is on the wait queue already: if something came, wake it. */
	v4v_rx_awake(&conn->rx, v4v_spin_max());
	if (v4v_rx_spin(&conn->rx, v4v_spin_max()) || !v4v_rx_arm(&conn->rx))
		sk->sk_data_ready(sk);
	else
		v4v_rx_asleep(&conn->rx);
	return 0;
}

static int v4v_notify_recv_pre_dequeue(struct vsock_sock *vsk, size_t target,
				       struct vsock_transport_recv_notify_data *data)
{
	return 0;
}

static int v4v_notify_recv_post_dequeue(struct vsock_sock *vsk, size_t target,
					ssize_t copied, bool data_read,
					struct vsock_transport_recv_notify_data *data)
{
	return 0;
}

static int v4v_notify_send(struct vsock_sock *vsk, struct vsock_transport_send_notify_data *data)
{
	return 0;
}

static int v4v_notify_send_post_enqueue(struct vsock_sock *vsk, ssize_t written,
					struct vsock_transport_send_notify_data *data)
{
	return 0;
}

static void v4v_notify_buffer_size(struct vsock_sock *vsk, u64 *val)
{
	*val = clamp_t(u64, *val, V4V_RING_MIN, V4V_RING_MAX);
}

/*
 * Nothing sent waits on this side: it is in the peer's ring, or was not taken.
 * How much of it the peer has read is for the peer and the hypervisor to know.
 */
static ssize_t v4v_unsent_bytes(struct vsock_sock *vsk)
{
	return 0;
}

static u32 v4v_get_local_cid(void)
{
	return v4v_cid(v4v_own_domid);
}

/* For a BPF sockmap, which calls it without asking. */
static int v4v_read_skb(struct vsock_sock *vsk, skb_read_actor_t actor)
{
	return -EOPNOTSUPP;
}

struct vsock_transport v4v_transport = {
	.module = THIS_MODULE,

	.init = v4v_init_socket,
	.destruct = v4v_destruct,
	.release = v4v_release,
	.connect = v4v_connect,
	.cancel_pkt = v4v_cancel,
	.shutdown = v4v_shutdown,

	.dgram_bind = v4v_dgram_bind,
	.dgram_dequeue = v4v_dgram_dequeue,
	.dgram_enqueue = v4v_dgram_enqueue,
	.dgram_allow = v4v_dgram_allow,

	.stream_dequeue = v4v_stream_dequeue,
	.stream_enqueue = v4v_stream_enqueue,
	.stream_has_data = v4v_stream_has_data,
	.stream_has_space = v4v_stream_has_space,
	.stream_rcvhiwat = v4v_stream_rcvhiwat,
	.stream_is_active = v4v_stream_is_active,
	.stream_allow = v4v_stream_allow,

	.seqpacket_dequeue = v4v_seqpacket_dequeue,
	.seqpacket_enqueue = v4v_seqpacket_enqueue,
	.seqpacket_allow = v4v_seqpacket_allow,
	.seqpacket_has_data = v4v_seqpacket_has_data,

	.notify_poll_in = v4v_notify_poll_in,
	.notify_poll_out = v4v_notify_poll_out,
	.notify_recv_init = v4v_notify_recv_init,
	.notify_recv_pre_block = v4v_notify_recv_pre_block,
	.notify_recv_pre_dequeue = v4v_notify_recv_pre_dequeue,
	.notify_recv_post_dequeue = v4v_notify_recv_post_dequeue,
	.notify_send_init = v4v_notify_send,
	.notify_send_pre_block = v4v_notify_send,
	.notify_send_pre_enqueue = v4v_notify_send,
	.notify_send_post_enqueue = v4v_notify_send_post_enqueue,
	.notify_buffer_size = v4v_notify_buffer_size,
	.unsent_bytes = v4v_unsent_bytes,

	.get_local_cid = v4v_get_local_cid,
	.read_skb = v4v_read_skb,
};
