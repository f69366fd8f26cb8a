// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: the transport under AF_VSOCK.
 *
 * The core (net/vmw_vsock/af_vsock.c) keeps addresses, binding, backlog,
 * blocking and time-outs; here is how bytes and events get from one domain to
 * the other. Except for stream_allow and get_local_cid everything is called
 * with the socket locked.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/limits.h>
#include <linux/module.h>

#include "connection.h"

static uint ring_kib = 1024;
module_param(ring_kib, uint, 0644);
MODULE_PARM_DESC(ring_kib, "KiB of a connection's receive ring, unless the socket sets SO_VM_SOCKETS_BUFFER_SIZE");

static uint spin_us = 200;
module_param(spin_us, uint, 0644);
MODULE_PARM_DESC(spin_us, "microseconds that a reader may look out for a message before it sleeps; 0 to sleep at once");

static u32 spin_max(void)
{
	return min(READ_ONCE(spin_us), 10000U) * NSEC_PER_USEC;
}

/* What the core gives a socket that asks for nothing (VSOCK_DEFAULT_BUFFER_SIZE, af_vsock.c). */
#define CORE_DEFAULT_SIZE (256 * 1024)

static int v4v_init_socket(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	if (vsk->buffer_size == CORE_DEFAULT_SIZE)
		vsk->buffer_size = (u64)READ_ONCE(ring_kib) * 1024;
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
	v4v_conn_close(vsk->trans, V4V_OP_SHUTDOWN);
	vsock_remove_sock(vsk);
}

static int v4v_connect(struct vsock_sock *vsk)
{
	return v4v_conn_connect(vsk->trans);
}

/* A connect() that timed out or was interrupted. */
static int v4v_cancel(struct vsock_sock *vsk)
{
	v4v_conn_close(vsk->trans, V4V_OP_RESET);
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
	struct v4v_conn *conn = vsk->trans;
	ssize_t n;

	v4v_rx_awake(&conn->rx, spin_max());
	n = v4v_rx_take(&conn->rx, &msg->msg_iter, len, flags & MSG_PEEK);

	if (n > 0 && !(flags & MSG_PEEK))
		v4v_rx_release(&conn->rx);
	return n;
}

static ssize_t v4v_stream_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	struct v4v_conn *conn = vsk->trans;
	ssize_t sent = v4v_tx_stream(&conn->tx, V4V_TYPE_STREAM, &msg->msg_iter, len);

	if (sent >= 0 && sent < len) {
		ssize_t more;

		/*
		 * Full. The event may have come before tx_blocked was set, and
		 * then nobody would be woken: try once more now that it is.
		 */
		WRITE_ONCE(conn->tx_blocked, true);
		smp_mb();
		more = v4v_tx_stream(&conn->tx, V4V_TYPE_STREAM, &msg->msg_iter, len - sent);
		if (more > 0)
			sent += more;
		if (sent == len)
			WRITE_ONCE(conn->tx_blocked, false);
	}
	/* The peer's ring is gone: it closed, or its domain did. */
	if (sent == -ECONNREFUSED)
		return v4v_rx_partner_gone(&conn->rx) ? -ECONNRESET : -EPIPE;
	return sent;
}

static s64 v4v_stream_has_data(struct vsock_sock *vsk)
{
	struct v4v_conn *conn = vsk->trans;
	s64 available;

	if (!conn->rx.shared)
		return 0;
	available = v4v_rx_available(&conn->rx);
	/* Nothing: whoever asked is about to wait, or to be told EAGAIN. */
	if (!available && !v4v_rx_arm(&conn->rx))
		available = v4v_rx_available(&conn->rx);
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
	return cid >= V4V_CID_OFFSET && cid < V4V_CID_OFFSET + V4V_ANY;
}

static int v4v_notify_poll_in(struct vsock_sock *vsk, size_t target, bool *ready)
{
	struct v4v_conn *conn = vsk->trans;

	*ready = v4v_stream_has_data(vsk) >= target;
	/* Some, but less than SO_RCVLOWAT: the next bytes must be heard of, too. */
	if (!*ready && !v4v_rx_arm(&conn->rx))
		*ready = v4v_rx_available(&conn->rx) >= target;
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
	v4v_rx_awake(&conn->rx, spin_max());
	if (v4v_rx_spin(&conn->rx, spin_max()) || !v4v_rx_arm(&conn->rx))
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

/* Nothing sent waits on this side. */
static ssize_t v4v_unsent_bytes(struct vsock_sock *vsk)
{
	return 0;
}

static u32 v4v_get_local_cid(void)
{
	return v4v_cid(v4v_own_domid);
}

static int v4v_dgram_bind(struct vsock_sock *vsk, struct sockaddr_vm *addr)
{
	return -EOPNOTSUPP;
}

static int v4v_dgram_dequeue(struct vsock_sock *vsk, struct msghdr *msg, size_t len, int flags)
{
	return -EOPNOTSUPP;
}

static int v4v_dgram_enqueue(struct vsock_sock *vsk, struct sockaddr_vm *remote,
			     struct msghdr *msg, size_t len)
{
	return -EOPNOTSUPP;
}

static bool v4v_dgram_allow(u32 cid, u32 port)
{
	return false;
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
};
