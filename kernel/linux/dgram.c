// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: datagram sockets.
 *
 * A bound socket has a ring that takes from every domain. The core's poll() looks
 * at the socket's receive queue and nowhere else, so datagrams are moved there,
 * as socket buffers and within SO_RCVBUF: by a worker when an event says so, and
 * by the reader. What the queue has no room for stays in the ring, and when that
 * is full, too, senders get ENOBUFS: a datagram is lost only where its sender is
 * told, where memory runs out, and where the socket is connected to another.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/capability.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/skbuff.h>

#include "connection.h"
#include "dgram.h"
#include "stats.h"

static uint dgram_ring_kib = 128;
module_param(dgram_ring_kib, uint, 0644);
MODULE_PARM_DESC(dgram_ring_kib, "KiB of a datagram socket's receive ring");

#define SMALLEST_RING	(16 * 1024)
/* Ports that are tried for a socket that asks for any. */
#define PORT_TRIES	24
/* Datagrams moved in one go. */
#define PULL_BUDGET	256
/* Of a datagram, bytes in its buffer's head; what follows lies in pages. */
#define HEAD_BYTES	2048

/* Whose it is, while it is in the receive queue. */
struct dgram_source {
	u32 cid;
	u32 port;
};

static struct dgram_source *source_of(struct sk_buff *skb)
{
	sock_skb_cb_check_size(sizeof(struct dgram_source));
	return (struct dgram_source *)skb->cb;
}

static int bind_port(struct vsock_sock *vsk, const struct sockaddr_vm *addr, u32 port)
{
	u32 size = clamp(READ_ONCE(dgram_ring_kib), SMALLEST_RING / 1024, V4V_RING_MAX / 1024);
	int err;

	size = v4v_rx_affordable(roundup_pow_of_two(size * 1024), SMALLEST_RING);
	err = v4v_conn_open_dgram(vsk->trans, port, size);
	if (!err)
		vsock_addr_init(&vsk->local_addr, addr->svm_cid, port);
	return err;
}

int v4v_dgram_bind(struct vsock_sock *vsk, struct sockaddr_vm *addr)
{
	u32 port = addr->svm_port;
	int err, tries;

	if (addr->svm_cid != VMADDR_CID_ANY && addr->svm_cid != v4v_cid(v4v_own_domid))
		return -EADDRNOTAVAIL;

	if (port == VMADDR_PORT_ANY) {
		port = LAST_RESERVED_PORT + 1 +
		       get_random_u32_below(V4V_DGRAM_PORTS - LAST_RESERVED_PORT - 1 - PORT_TRIES);
		for (tries = 0; tries < PORT_TRIES; tries++) {
			err = bind_port(vsk, addr, port + tries);
			if (err != -EEXIST)
				break;
		}
	} else if (port >= V4V_DGRAM_PORTS) {
		err = -EADDRNOTAVAIL;
	} else if (port <= LAST_RESERVED_PORT && !capable(CAP_NET_BIND_SERVICE)) {
		err = -EACCES;
	} else {
		err = bind_port(vsk, addr, port);
	}
	if (err == -EEXIST)
		return -EADDRINUSE;
	return err == -ENOSPC ? -ENOBUFS : err;
}

bool v4v_dgram_allow(u32 cid, u32 port)
{
	return v4v_cid_is_domain(cid) && port < V4V_DGRAM_PORTS;
}

int v4v_dgram_enqueue(struct vsock_sock *vsk, struct sockaddr_vm *remote,
		      struct msghdr *msg, size_t len)
{
	struct v4v_conn *conn = vsk->trans;
	struct v4v_counters counters = {};
	ssize_t sent;

	if (len > V4V_DGRAM_MAX)
		return -EMSGSIZE;
	conn->tx.dst.domid = remote->svm_cid - V4V_CID_OFFSET;
	conn->tx.dst.port = V4V_DGRAM_PORTS + remote->svm_port;
	sent = v4v_tx_record(&conn->tx, V4V_TYPE_DGRAM, &msg->msg_iter, len);

	if (sent >= 0) {
		counters.tx_bytes = sent;
		counters.tx_messages = 1;
	} else if (sent == -EAGAIN) {
		/* Datagrams do not wait: what the receiver has no room for is not sent. */
		sent = -ENOBUFS;
		conn->tx_waits++;
		counters.tx_waits = 1;
	} else {
		return sent;
	}
	v4v_stats_datagram(conn->tx.dst.domid, &counters);
	return sent;
}

/* A connected socket hears its peer only. */
static bool is_wanted(const struct vsock_sock *vsk, const struct dgram_source *source)
{
	const struct sockaddr_vm *peer = &vsk->remote_addr;

	if (peer->svm_port == VMADDR_PORT_ANY)
		return true;
	return peer->svm_port == source->port &&
	       source->cid == (peer->svm_cid == VMADDR_CID_ANY ? v4v_cid(v4v_own_domid) :
			       peer->svm_cid);
}

static bool deliver(struct v4v_conn *conn, const struct v4v_message *message,
		    const struct kvec *piece)
{
	struct sock *sk = sk_vsock(conn->vsk);
	struct dgram_source source;
	struct sk_buff *skb;
	u32 head;
	int err;

	if ((message->type & V4V_TYPE_KIND) != V4V_TYPE_DGRAM ||
	    message->src.port < V4V_DGRAM_PORTS || message->length > V4V_DGRAM_MAX)
		return false;
	source.cid = v4v_cid(message->src.domid);
	source.port = message->src.port - V4V_DGRAM_PORTS;
	if (!is_wanted(conn->vsk, &source))
		return false;

	head = min_t(u32, message->length, HEAD_BYTES);
	skb = alloc_skb_with_frags(head, message->length - head, PAGE_ALLOC_COSTLY_ORDER,
				   &err, GFP_KERNEL);
	if (!skb)
		return false;
	skb_put(skb, head);
	skb->data_len = message->length - head;
	skb->len += skb->data_len;
	*source_of(skb) = source;
	if (skb_store_bits(skb, 0, piece[0].iov_base, piece[0].iov_len) ||
	    skb_store_bits(skb, piece[0].iov_len, piece[1].iov_base, piece[1].iov_len) ||
	    sock_queue_rcv_skb(sk, skb)) {
		kfree_skb(skb);
		return false;
	}
	return true;
}

/* The next message of the ring is done with. */
static void done_with(struct v4v_conn *conn, const struct v4v_message *message, bool delivered)
{
	struct v4v_counters counters = {
		.rx_bytes = message->length,
		.rx_messages = 1,
		.dropped = !delivered,
	};

	conn->dropped += !delivered;
	v4v_stats_datagram(message->src.domid, &counters);
	v4v_rx_skip(&conn->rx);
}

static bool has_room(const struct sock *sk)
{
	return atomic_read(&sk->sk_rmem_alloc) < READ_ONCE(sk->sk_rcvbuf);
}

bool v4v_dgram_pull(struct v4v_conn *conn)
{
	struct sock *sk = sk_vsock(conn->vsk);
	const struct v4v_message *message;
	unsigned int budget = PULL_BUDGET;
	struct kvec piece[2];

	WRITE_ONCE(conn->held, false);
	WRITE_ONCE(conn->unfinished, false);
	do {
		while ((message = v4v_rx_next(&conn->rx, piece))) {
			if (!has_room(sk)) {
				/*
				 * The reader makes room, then looks at @held; we
				 * the other way round.
				 */
				WRITE_ONCE(conn->held, true);
				smp_mb();
				if (!has_room(sk))
					return false;
				WRITE_ONCE(conn->held, false);
			}
			if (!budget--) {
				WRITE_ONCE(conn->unfinished, true);
				return true;
			}
			done_with(conn, message, deliver(conn, message, piece));
			v4v_rx_release(&conn->rx);
		}
	} while (!v4v_rx_arm(&conn->rx));
	return false;
}

void v4v_dgram_empty(struct v4v_conn *conn)
{
	const struct v4v_message *message;
	struct kvec piece[2];

	while (v4v_dgram_pull(conn))
		cond_resched();
	while ((message = v4v_rx_next(&conn->rx, piece)))
		done_with(conn, message, false);
	conn->held = false;
	conn->unfinished = false;
}

static void pull_now(struct v4v_conn *conn)
{
	struct sock *sk = sk_vsock(conn->vsk);

	lock_sock(sk);
	if (conn->listed && v4v_dgram_pull(conn))
		v4v_conn_sweep();
	release_sock(sk);
}

int v4v_dgram_dequeue(struct vsock_sock *vsk, struct msghdr *msg, size_t len, int flags)
{
	struct v4v_conn *conn = vsk->trans;
	struct sock *sk = sk_vsock(vsk);
	struct sk_buff *skb;
	size_t size;
	int err;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return -EOPNOTSUPP;

	if (skb_queue_empty_lockless(&sk->sk_receive_queue))
		pull_now(conn);
	skb = skb_recv_datagram(sk, flags, &err);
	if (!skb)
		return err;

	size = skb->len;
	if (len < size)
		msg->msg_flags |= MSG_TRUNC;
	len = min(len, size);
	err = skb_copy_datagram_msg(skb, 0, msg, len);
	if (!err) {
		if (msg->msg_name) {
			DECLARE_SOCKADDR(struct sockaddr_vm *, addr, msg->msg_name);

			vsock_addr_init(addr, source_of(skb)->cid, source_of(skb)->port);
			msg->msg_namelen = sizeof(*addr);
		}
		err = flags & MSG_TRUNC ? size : len;
	}
	skb_free_datagram(sk, skb);

	/* There is room now for what was left in the ring. */
	smp_mb();
	if (READ_ONCE(conn->held))
		pull_now(conn);
	return err;
}
