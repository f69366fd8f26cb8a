// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: all TCP connections that may move or have moved.
 *
 * Being in one of the lists keeps the socket from being freed: it leaves them
 * before it is destroyed, and is freed by RCU after that.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/jhash.h>
#include <linux/once.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <net/tcp.h>

#include "connection.h"
#include "move.h"
#include "moves.h"

#define BUCKETS	256
/* Ended connections of which something is remembered. */
#define MOST_ENDED 256

static DEFINE_SPINLOCK(moves_lock);
static struct hlist_head table[BUCKETS];
static u32 seed;
/* Those with a ring; RCU. */
static LIST_HEAD(with_ring);

/* What is shown of a connection. */
struct view {
	u64 cookie;
	struct v4v_tcp_id id;
	u16 peer;
	bool accepting;
	enum v4v_move_state state;
	enum v4v_move_reason reason;
	struct v4v_counters counters;
	/* By TCP, as TCP counts: what the other end has acknowledged, and what arrived. */
	u64 tcp_tx, tcp_rx;
};

/* Under moves_lock; the next is written at ended % MOST_ENDED. */
static struct view ended[MOST_ENDED];
static u64 nr_ended;

/* Only connecting ends are looked for: by what their offer says. */
static struct hlist_head *bucket(const struct v4v_tcp_id *id)
{
	return &table[jhash_3words(id->remote_isn, id->remote_ip, id->local_port, seed) % BUCKETS];
}

void v4v_moves_add(struct v4v_move *move)
{
	/* A peer chooses its sequence numbers, but shall not aim at a bucket. */
	get_random_once(&seed, sizeof(seed));
	spin_lock_bh(&moves_lock);
	hlist_add_head(&move->hashed, bucket(&move->id));
	spin_unlock_bh(&moves_lock);
}

static void view(struct view *of, const struct v4v_move *move)
{
	const struct tcp_sock *tp = tcp_sk(move->sk);

	*of = (struct view){
		.cookie = move->cookie,
		.id = move->id,
		.peer = move->peer,
		.accepting = move->accepting,
		.state = READ_ONCE(move->state),
		.reason = READ_ONCE(move->reason),
		.tcp_tx = READ_ONCE(tp->bytes_acked),
		.tcp_rx = READ_ONCE(tp->bytes_received),
	};
	v4v_moves_counters(move, &of->counters);
}

void v4v_moves_remove(struct v4v_move *move)
{
	spin_lock_bh(&moves_lock);
	if (!hlist_unhashed(&move->hashed)) {
		hlist_del_init(&move->hashed);
		view(&ended[nr_ended++ % MOST_ENDED], move);
	}
	spin_unlock_bh(&moves_lock);
}

void v4v_moves_list(struct v4v_move *move)
{
	spin_lock_bh(&moves_lock);
	move->has_ring = true;
	list_add_rcu(&move->listed, &with_ring);
	spin_unlock_bh(&moves_lock);
}

bool v4v_moves_unlist(struct v4v_move *move)
{
	bool was;

	spin_lock_bh(&moves_lock);
	was = move->has_ring;
	if (was)
		list_del_rcu(&move->listed);
	move->has_ring = false;
	spin_unlock_bh(&moves_lock);
	return was;
}

/* Under moves_lock, or RCU for one in the list of rings. False if the socket is on its way out. */
static bool hold(struct v4v_move *move)
{
	if (!refcount_inc_not_zero(&move->sk->sk_refcnt))
		return false;
	refcount_inc(&move->refs);
	return true;
}

static bool same(const struct v4v_tcp_id *a, const struct v4v_tcp_id *b)
{
	return a->local_ip == b->local_ip && a->remote_ip == b->remote_ip &&
	       a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       a->remote_isn == b->remote_isn;
}

struct v4v_move *v4v_moves_find_connecting(const struct v4v_tcp_id *id, u16 peer)
{
	struct v4v_move *move, *found = NULL;

	spin_lock_bh(&moves_lock);
	hlist_for_each_entry(move, bucket(id), hashed) {
		if (!move->accepting && same(&move->id, id) && move->peer == peer && hold(move)) {
			found = move;
			break;
		}
	}
	spin_unlock_bh(&moves_lock);
	return found;
}

struct v4v_move *v4v_moves_find_ring(u32 port, u16 peer)
{
	struct v4v_move *move, *found = NULL;

	spin_lock_bh(&moves_lock);
	list_for_each_entry(move, &with_ring, listed) {
		if (move->rx.id.port == port && move->peer == peer && hold(move)) {
			found = move;
			break;
		}
	}
	spin_unlock_bh(&moves_lock);
	return found;
}

struct v4v_move *v4v_moves_next_broken(void)
{
	struct v4v_move *move, *found = NULL;

	spin_lock_bh(&moves_lock);
	list_for_each_entry(move, &with_ring, listed) {
		if (READ_ONCE(move->broken) && hold(move)) {
			WRITE_ONCE(move->broken, false);
			found = move;
			break;
		}
	}
	spin_unlock_bh(&moves_lock);
	return found;
}

void v4v_moves_each(void (*fn)(struct v4v_move *move, void *data), void *data)
{
	struct v4v_move *move;

	rcu_read_lock();
	list_for_each_entry_rcu(move, &with_ring, listed)
		fn(move, data);
	rcu_read_unlock();
}

void v4v_moves_counters(const struct v4v_move *move, struct v4v_counters *counters)
{
	*counters = (struct v4v_counters){
		.tx_bytes = move->tx.bytes,
		.tx_messages = move->tx.messages,
		.rx_bytes = move->rx.bytes,
		.rx_messages = move->rx.messages,
		.tx_waits = move->tx_waits,
		.rx_waits = move->rx_waits,
		.events = move->events,
	};
}

static const char *const states[] = {
	[V4V_MOVE_WAITS] = "waits",
	[V4V_MOVE_OFFERS] = "offers",
	[V4V_MOVE_OFFERED] = "offered",
	[V4V_MOVE_MOVED] = "moved",
	[V4V_MOVE_STAYS] = "stays",
};

static const char *const reasons[] = {
	[V4V_NO_REASON] = "-",
	[V4V_NO_RING] = "no-ring",
	[V4V_NO_MODULE] = "no-module",
	[V4V_REFUSED] = "refused",
	[V4V_DENIED] = "denied",
	[V4V_LOST] = "ring-lost",
};

static void head(struct seq_file *seq)
{
	seq_puts(seq, "cookie role local remote cid state reason tx_bytes tx_messages rx_bytes rx_messages tx_waits rx_waits events tcp_tx_bytes tcp_rx_bytes\n");
}

static void print(struct seq_file *seq, const struct view *of)
{
	const struct v4v_counters *c = &of->counters;
	u32 l = of->id.local_ip, r = of->id.remote_ip;

	seq_printf(seq, "%llu %s %u.%u.%u.%u:%u %u.%u.%u.%u:%u %u %s %s %llu %llu %llu %llu %llu %llu %llu %llu %llu\n",
		   of->cookie, of->accepting ? "accepted" : "connected",
		   l >> 24, l >> 16 & 255, l >> 8 & 255, l & 255, of->id.local_port,
		   r >> 24, r >> 16 & 255, r >> 8 & 255, r & 255, of->id.remote_port,
		   v4v_cid(of->peer), states[of->state], reasons[of->reason],
		   c->tx_bytes, c->tx_messages, c->rx_bytes, c->rx_messages,
		   c->tx_waits, c->rx_waits, c->events, of->tcp_tx, of->tcp_rx);
}

int v4v_moves_show(struct seq_file *seq, void *unused)
{
	struct v4v_move *move;
	struct view one;
	u32 i;

	head(seq);
	for (i = 0; i < BUCKETS; i++) {
		spin_lock_bh(&moves_lock);
		hlist_for_each_entry(move, &table[i], hashed) {
			view(&one, move);
			print(seq, &one);
		}
		spin_unlock_bh(&moves_lock);
	}
	return 0;
}

int v4v_moves_show_ended(struct seq_file *seq, void *unused)
{
	u64 i;

	head(seq);
	spin_lock_bh(&moves_lock);
	for (i = nr_ended < MOST_ENDED ? 0 : nr_ended - MOST_ENDED; i < nr_ended; i++)
		print(seq, &ended[i % MOST_ENDED]);
	spin_unlock_bh(&moves_lock);
	return 0;
}
