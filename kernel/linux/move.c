// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: from a TCP connection to one with rings.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/tcp.h>

#include "connection.h"
#include "move.h"
#include "moves.h"

/*
 * A program may count on being able to send this much before the other end reads:
 * TCP takes as much with its defaults. With less memory than that it stays on TCP.
 */
#define SMALLEST_RING	(128 * 1024)
/* What is left for each other ring that this domain may have: AF_VSOCK takes them of this size. */
#define OTHERS_RING	(16 * 1024)

static uint tcp_ring_kib = 1024;
module_param(tcp_ring_kib, uint, 0644);
MODULE_PARM_DESC(tcp_ring_kib, "most KiB of the receive ring of a TCP connection that has moved to V4V");

/*
 * Two rings, made, agreed on and given back, cost as much as the rest of a short
 * connection: it is one until it has lasted this long, or until its program has
 * come back for more.
 */
static uint tcp_move_ms = 10;
module_param(tcp_move_ms, uint, 0644);
MODULE_PARM_DESC(tcp_move_ms,
		 "milliseconds that a TCP connection lasts before it moves to V4V, unless its listener's program reads twice or it carries 64 KiB before; 0: at once");
#define MOVE_READS	2
#define MOVE_BYTES	(64 * 1024)

/*
 * A reader that comes back soon needs no event, and one for each message would cost
 * more than it. But who sets O_ASYNC between is to have his SIGIO, and nobody tells
 * this of that.
 */
#define ASK_MS	100

/* Under v4v_moves_lock; goes up when this becomes another domain. */
static u32 generation;

static struct workqueue_struct *queue;
static void break_all(struct work_struct *unused);
static DECLARE_WORK(break_work, break_all);

static void offer(struct work_struct *work);
static void ask(struct work_struct *work);
static void drop_ring(struct work_struct *work);

struct v4v_move *v4v_move_new(struct sock *sk, const struct v4v_tcp_id *id, u16 peer, u64 cookie,
			      bool accepting)
{
	struct v4v_move *move = kzalloc(sizeof(*move), GFP_ATOMIC);

	if (!move)
		return NULL;
	move->sk = sk;
	refcount_set(&move->refs, 1);
	move->id = *id;
	move->peer = peer;
	move->cookie = cookie;
	move->accepting = accepting;
	move->state = accepting ? V4V_MOVE_OFFERS : V4V_MOVE_WAITS;
	mutex_init(&move->rx_mutex);
	INIT_DELAYED_WORK(&move->offer, offer);
	INIT_DELAYED_WORK(&move->ask, ask);
	INIT_RCU_WORK(&move->drop_work, drop_ring);
	v4v_moves_add(move);
	return move;
}

static void free_move(struct work_struct *work)
{
	struct v4v_move *move = container_of(to_rcu_work(work), struct v4v_move, free_work);

	v4v_rx_free(&move->rx);
	kfree(move);
}

void v4v_move_put(struct v4v_move *move)
{
	if (!refcount_dec_and_test(&move->refs))
		return;
	/* Only rings are for a process to give back. */
	if (!move->rx.shared) {
		kfree_rcu(move, free_work.rcu);
		return;
	}
	INIT_RCU_WORK(&move->free_work, free_move);
	queue_rcu_work(queue, &move->free_work);
}

/* Takes the ring from the hypervisor; its memory, with what is in it, stays. */
static void close_ring(struct v4v_move *move)
{
	struct v4v_counters counters;

	if (!v4v_moves_unlist(move))
		return;
	v4v_rx_unregister(&move->rx);
	v4v_moves_counters(move, &counters);
	v4v_stats_closed(move->peer, &counters);
}

/* What an offer, or who has looked it up, holds: the connection and its socket. */
static void put_held(struct v4v_move *move)
{
	sock_put(move->sk);
	v4v_move_put(move);
}

/* What a look that is still to come holds. Whoever unloads this module waits for the queue. */
static void put_asking(struct v4v_move *move)
{
	put_held(move);
	module_put(THIS_MODULE);
}

static void ask(struct work_struct *work)
{
	struct v4v_move *move = container_of(to_delayed_work(work), struct v4v_move, ask);

	mutex_lock(&move->rx_mutex);
	if (move->rx.shared) {
		/* No look of its own: who is about to sleep has looked, and asks what has come since. */
		if (move->rx.payload)
			v4v_rx_watch(&move->rx);
		else
			v4v_rx_arm(&move->rx);
		/* What has come without an event, and was not read. */
		if (v4v_rx_untold(&move->rx))
			move->sk->sk_data_ready(move->sk);
	}
	mutex_unlock(&move->rx_mutex);
	put_asking(move);
}

void v4v_move_ask_later(struct v4v_move *move)
{
	if (delayed_work_pending(&move->ask))
		return;
	/* The reader's own reference may go before the time has come, and what ends the connection before that. */
	__module_get(THIS_MODULE);
	sock_hold(move->sk);
	refcount_inc(&move->refs);
	queue_delayed_work(queue, &move->ask, msecs_to_jiffies(ASK_MS));
}

void v4v_move_end(struct v4v_move *move)
{
	/* An offer that has begun finds out by itself. */
	if (cancel_delayed_work(&move->offer))
		put_held(move);
	if (cancel_delayed_work(&move->ask))
		put_asking(move);
	v4v_moves_remove(move);
	close_ring(move);
	move->tx_ready = false;
}

void v4v_move_stay(struct v4v_move *move, enum v4v_move_reason reason)
{
	move->tx_ready = false;
	move->reason = reason;
	/* One that has moved may still have something to read in its ring. */
	if (move->state == V4V_MOVE_MOVED)
		return;
	move->state = V4V_MOVE_STAYS;
	close_ring(move);
	v4v_ulp_leave(move->sk);
}

void v4v_move_break(struct v4v_move *move)
{
	WRITE_ONCE(move->broken, true);
	queue_work(queue, &break_work);
}

static void break_all(struct work_struct *unused)
{
	struct v4v_move *move;

	while ((move = v4v_moves_next_broken())) {
		pr_warn_ratelimited("domain %u breaks the order of a stream, which is reset\n",
				    move->peer);
		tcp_abort(move->sk, ECONNRESET);
		put_held(move);
	}
}

/*
 * Few connections have large rings, and many still have one: each gets a sixteenth
 * of the memory that is left, where AF_VSOCK takes a quarter.
 */
static u32 affordable(u32 size)
{
	size = max_t(u32, v4v_rx_affordable(4 * size, OTHERS_RING) / 4, SMALLEST_RING);
	return v4v_rx_affordable(size, OTHERS_RING);
}

/* A ring for what the peer sends. Not from the socket lock: it is for readers to wait for. */
static int open_ring(struct v4v_move *move)
{
	u32 size = clamp_t(u64, (u64)READ_ONCE(tcp_ring_kib) * 1024, SMALLEST_RING, V4V_RING_MAX);
	u32 registered_in = READ_ONCE(generation);
	int err = -ENOSPC, tries;

	size = affordable(roundup_pow_of_two(size));
	if (size < SMALLEST_RING || !v4v_conn_has_share(move->peer))
		return -ENOSPC;
	mutex_lock(&move->rx_mutex);
	for (tries = 0; tries < 8; tries++) {
		err = v4v_rx_open(&move->rx, v4v_conn_port(), move->peer, size);
		if (err != -EEXIST)
			break;
	}
	if (!err) {
		move->rx.marked = true;
		/* Who sleeps already has asked for nothing: the first byte is to wake him, not the mark before it. */
		v4v_rx_arm(&move->rx);
	}
	mutex_unlock(&move->rx_mutex);
	if (err)
		return err;
	v4v_stats_opened(move->peer);
	v4v_moves_list(move);
	/* This has become another domain meanwhile, which has no such ring. */
	if (registered_in == READ_ONCE(generation))
		return 0;
	return -ENETDOWN;
}

static void drop_ring(struct work_struct *work)
{
	struct v4v_move *move = container_of(to_rcu_work(work), struct v4v_move, drop_work);

	mutex_lock(&move->rx_mutex);
	v4v_rx_free(&move->rx);
	mutex_unlock(&move->rx_mutex);
	v4v_move_put(move);
}

/* The memory of a ring that was closed before it was used; the interrupt may still look at it. */
static void free_ring(struct v4v_move *move)
{
	refcount_inc(&move->refs);
	if (!queue_rcu_work(queue, &move->drop_work))
		v4v_move_put(move);
}

static bool connected(const struct sock *sk)
{
	return (1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT |
				      TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2);
}

/* Socket locked: the peer's ring takes what is sent from now on. */
static void moved(struct v4v_move *move, u32 ring)
{
	move->tx.dst = (struct v4v_addr){ .port = ring, .domid = move->peer };
	move->tx.src_port = move->rx.id.port;
	move->state = V4V_MOVE_MOVED;
	move->tx_ready = true;
}

static int tell(struct v4v_move *move, enum v4v_control_op op, u32 about)
{
	struct v4v_control message = {
		.version = V4V_CONTROL_VERSION,
		.op = op,
		.type = SOCK_STREAM,
		.src_port = move->id.local_port,
		.dst_port = move->id.remote_port,
		.ring = move->rx.id.port,
		.about = about,
	};

	message.isn = move->id.local_isn;
	message.src_ip = move->id.local_ip;
	message.dst_ip = move->id.remote_ip;
	return v4v_control_send(move->peer, &message);
}

/* Why it stays when the other domain could not be told. */
static enum v4v_move_reason untold(int err)
{
	return err == -EACCES ? V4V_DENIED : V4V_NO_MODULE;
}

static void refuse(u16 peer, const struct v4v_control *message)
{
	struct v4v_control answer = {
		.version = V4V_CONTROL_VERSION,
		.op = V4V_OP_TCP_REFUSE,
		.type = SOCK_STREAM,
		.src_port = message->dst_port,
		.dst_port = message->src_port,
		.about = message->ring,
	};

	v4v_control_send(peer, &answer);
}

static void offer(struct work_struct *work)
{
	struct v4v_move *move = container_of(to_delayed_work(work), struct v4v_move, offer);
	struct sock *sk = move->sk;
	int err = open_ring(move);
	bool stays;

	lock_sock(sk);
	if (!v4v_ulp_has(sk, move) || !connected(sk)) {
		/* It ended before it began; whoever ended it could not see the ring yet. */
		close_ring(move);
	} else if (err) {
		v4v_move_stay(move, V4V_NO_RING);
	} else {
		move->state = V4V_MOVE_OFFERED;
		err = tell(move, V4V_OP_TCP_OFFER, 0);
		if (err)
			v4v_move_stay(move, untold(err));
	}
	stays = move->state != V4V_MOVE_OFFERED;
	release_sock(sk);
	if (stays)
		free_ring(move);
	put_held(move);
}

void v4v_move_offer(struct v4v_move *move)
{
	sock_hold(move->sk);
	refcount_inc(&move->refs);
	queue_delayed_work(queue, &move->offer, msecs_to_jiffies(READ_ONCE(tcp_move_ms)));
}

void v4v_move_used(struct v4v_move *move, size_t bytes, bool read)
{
	if (READ_ONCE(move->state) != V4V_MOVE_OFFERS || READ_ONCE(move->hurries))
		return;
	WRITE_ONCE(move->reads, READ_ONCE(move->reads) + read);
	WRITE_ONCE(move->used, READ_ONCE(move->used) + bytes);
	if (READ_ONCE(move->reads) < MOVE_READS && READ_ONCE(move->used) < MOVE_BYTES)
		return;
	WRITE_ONCE(move->hurries, true);
	/* With the references that it had; whoever else has taken it has them. */
	if (cancel_delayed_work(&move->offer))
		queue_delayed_work(queue, &move->offer, 0);
}

bool v4v_move_may_come(const struct v4v_move *move)
{
	return READ_ONCE(move->state) != V4V_MOVE_MOVED && READ_ONCE(move->state) != V4V_MOVE_STAYS;
}

/* Whether a connection is still one that waits for an offer. */
static bool waits(struct v4v_move *move)
{
	return v4v_ulp_has(move->sk, move) && move->state == V4V_MOVE_WAITS &&
	       connected(move->sk) && !v4v_ulp_tcp_users(move->sk);
}

static bool answer_offer(struct v4v_move *move, const struct v4v_control *message)
{
	struct sock *sk = move->sk;
	bool agreed = false, wanted;
	int err;

	lock_sock(sk);
	wanted = waits(move);
	release_sock(sk);
	if (!wanted)
		return false;
	/* There is one control worker: nobody else answers for it meanwhile. */
	err = open_ring(move);
	lock_sock(sk);
	if (!waits(move)) {
		close_ring(move);
	} else if (err) {
		v4v_move_stay(move, V4V_NO_RING);
	} else {
		moved(move, message->ring);
		err = tell(move, V4V_OP_TCP_ACCEPT, message->ring);
		agreed = !err;
		if (err) {
			move->state = V4V_MOVE_WAITS;
			v4v_move_stay(move, untold(err));
		}
	}
	release_sock(sk);
	if (!agreed)
		free_ring(move);
	return agreed;
}

void v4v_move_offered(u16 peer, const struct v4v_control *message)
{
	struct v4v_tcp_id id = {
		.local_ip = message->dst_ip,
		.remote_ip = message->src_ip,
		.remote_isn = message->isn,
		.local_port = message->dst_port,
		.remote_port = message->src_port,
	};
	struct v4v_move *move;
	bool agreed;

	if (!v4v_is_data_port(message->ring) || message->src_port > U16_MAX ||
	    message->dst_port > U16_MAX)
		return;
	move = v4v_moves_find_connecting(&id, peer);
	agreed = move && answer_offer(move, message);
	if (!agreed)
		refuse(peer, message);
	if (move)
		put_held(move);
}

/* The connection that offered ring @ring to @peer, its socket held and locked. */
static struct v4v_move *lock_offered(u16 peer, u32 ring)
{
	struct v4v_move *move = v4v_moves_find_ring(ring, peer);

	if (!move)
		return NULL;
	lock_sock(move->sk);
	if (v4v_ulp_has(move->sk, move) && move->state == V4V_MOVE_OFFERED)
		return move;
	release_sock(move->sk);
	put_held(move);
	return NULL;
}

void v4v_move_accepted(u16 peer, const struct v4v_control *message)
{
	struct v4v_move *move;

	if (!v4v_is_data_port(message->ring))
		return;
	move = lock_offered(peer, message->about);
	if (!move)
		return;
	/* Who does not know the number has not connected: a domain that has the address no more, or not yet. */
	if (message->isn == move->id.remote_isn)
		moved(move, message->ring);
	release_sock(move->sk);
	put_held(move);
}

void v4v_move_refused(u16 peer, const struct v4v_control *message)
{
	struct v4v_move *move = lock_offered(peer, message->about);

	if (!move)
		return;
	v4v_move_stay(move, V4V_REFUSED);
	release_sock(move->sk);
	free_ring(move);
	put_held(move);
}

static void wake(struct v4v_move *move, void *unused)
{
	struct sock *sk = move->sk;

	if (v4v_rx_untold(&move->rx)) {
		move->events++;
		sk->sk_data_ready(sk);
	}
	if (READ_ONCE(move->tx_blocked)) {
		move->events++;
		WRITE_ONCE(move->tx_blocked, false);
		sk->sk_write_space(sk);
	}
}

void v4v_move_event(void)
{
	v4v_moves_each(wake, NULL);
}

static void outdate(struct v4v_move *move, void *unused)
{
	/* Whoever closes it must not take away a new ring of the same port. */
	WRITE_ONCE(move->rx.registered, false);
	WRITE_ONCE(move->tx_ready, false);
	WRITE_ONCE(move->reason, V4V_LOST);
	/* Who waits for room goes on by TCP. */
	WRITE_ONCE(move->tx_blocked, false);
	move->sk->sk_write_space(move->sk);
}

void v4v_move_outdate(void)
{
	WRITE_ONCE(generation, generation + 1);
	v4v_moves_each(outdate, NULL);
}

struct ring_count {
	u16 peer;
	u32 all, of_peer;
};

static void count(struct v4v_move *move, void *data)
{
	struct ring_count *rings = data;

	rings->all++;
	rings->of_peer += move->peer == rings->peer;
}

u32 v4v_move_rings(u16 peer, u32 *of_peer)
{
	struct ring_count rings = { .peer = peer };

	v4v_moves_each(count, &rings);
	*of_peer = rings.of_peer;
	return rings.all;
}

int v4v_move_init(void)
{
	queue = alloc_workqueue("v4v_move", WQ_UNBOUND, 0);
	return queue ? 0 : -ENOMEM;
}

void v4v_move_exit(void)
{
	/* Offers under way; what they put, and then what that puts, comes by way of RCU. */
	flush_workqueue(queue);
	rcu_barrier();
	flush_workqueue(queue);
	rcu_barrier();
	destroy_workqueue(queue);
}
