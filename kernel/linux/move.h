/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: TCP connections between domains of this host, and their move to rings.
 *
 * The end that accepted a connection offers a ring to the domain that has the
 * other end's address, by peers.h. That domain agrees if it has a connection with
 * these addresses, ports and this initial sequence number, and if the offer is
 * from the domain that has the address for it; by the other initial number it
 * shows that it is the one that connected. From then on each end sends to the
 * other's ring; see order.h for how TCP and ring make one stream.
 */
#ifndef V4V_MOVE_H
#define V4V_MOVE_H

#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rculist.h>
#include <linux/workqueue.h>

#include "control.h"
#include "order.h"
#include "ring.h"
#include "send.h"
#include "stats.h"

struct sock;

/* What both ends know of a connection, and nobody else; host order. */
struct v4v_tcp_id {
	u32 local_ip;
	u32 remote_ip;
	u32 local_isn;
	u32 remote_isn;
	u16 local_port;
	u16 remote_port;
};

enum v4v_move_state {
	V4V_MOVE_WAITS,		/* connecting end: for an offer */
	V4V_MOVE_OFFERS,	/* accepting end: not worth a ring yet, or about to make it */
	V4V_MOVE_OFFERED,	/* accepting end: for an answer */
	V4V_MOVE_MOVED,		/* both ends have a ring */
	V4V_MOVE_STAYS,		/* on TCP, for good */
};

/* Why a connection stays on TCP. */
enum v4v_move_reason {
	V4V_NO_REASON,
	V4V_NO_RING,		/* no memory or no quota for one */
	V4V_NO_MODULE,		/* the other domain has none that listens */
	V4V_REFUSED,		/* the other domain said no */
	V4V_DENIED,		/* a rule of the hypervisor drops what would be said */
	V4V_LOST,		/* the other end's ring was there and is not any more */
};

struct v4v_move {
	/* Without a reference: valid while this is in a list, under the list's lock or RCU. */
	struct sock *sk;
	refcount_t refs;
	struct v4v_tcp_id id;
	u16 peer;
	u64 cookie;		/* of the connecting socket or the listener, if anybody has asked for it */
	bool accepting;
	struct hlist_node hashed;
	struct list_head listed;
	bool has_ring;		/* is in the list of those that have one; under its lock */

	/* Under the socket lock. */
	enum v4v_move_state state;
	enum v4v_move_reason reason;

	/* What comes in; under @rx_mutex, which is taken before the socket lock. */
	struct mutex rx_mutex;
	struct v4v_rx rx;
	struct v4v_order order;
	bool broken;
	struct delayed_work ask;

	/* What goes out; under the socket lock, but for tx_blocked. */
	struct v4v_tx tx;
	struct v4v_call mark;
	bool tx_ready;		/* the other end has a ring and knows of ours */
	bool tx_in_ring;	/* the last byte went there */
	bool tx_blocked;	/* its ring was full: no use trying before the next event */
	bool held_back;		/* TCP was told that there is more to come */
	unsigned int tcp_senders;	/* in TCP's sendmsg, maybe asleep there */

	u64 tx_waits;
	u64 rx_waits;
	u64 events;

	/* Accepting end, before the offer; more than one call at a time may count. */
	struct delayed_work offer;
	unsigned int reads;
	size_t used;
	bool hurries;

	struct rcu_work drop_work;
	struct rcu_work free_work;
};

/*
 * A connection that may move, with one reference: from a socket's own context or
 * a softirq. The socket needs SOCK_RCU_FREE, and the caller gives it to it.
 */
struct v4v_move *v4v_move_new(struct sock *sk, const struct v4v_tcp_id *id, u16 peer, u64 cookie,
			      bool accepting);
void v4v_move_put(struct v4v_move *move);
/* The accepting end: sends an offer when the connection has lasted or carried enough to be worth two rings. */
void v4v_move_offer(struct v4v_move *move);
/* It has carried so much more for its program, which has read or sent it. */
void v4v_move_used(struct v4v_move *move, size_t bytes, bool read);
/* Socket locked, or as a hint: whether it is on TCP and may leave that. */
bool v4v_move_may_come(const struct v4v_move *move);
/* The socket has no part in it any more, locked or dead: nobody finds it, its ring takes nothing. */
void v4v_move_end(struct v4v_move *move);
/* Socket locked: the rest goes by TCP. */
void v4v_move_stay(struct v4v_move *move, enum v4v_move_reason reason);
/* @rx_mutex held: a reader has gone without asking for an event; somebody may want to hear of what comes, yet. */
void v4v_move_ask_later(struct v4v_move *move);
/* The other end broke the order of the stream: resets the connection, soon. */
void v4v_move_break(struct v4v_move *move);

/* From the control worker. */
void v4v_move_offered(u16 peer, const struct v4v_control *message);
void v4v_move_accepted(u16 peer, const struct v4v_control *message);
void v4v_move_refused(u16 peer, const struct v4v_control *message);

/* From the interrupt: wakes readers and writers that have a reason to. */
void v4v_move_event(void);
/* This is another domain now: no ring of before is known; what came can be read, the rest goes by TCP. */
void v4v_move_outdate(void);
/* How many have a ring, and of these with @peer; any context but an interrupt. */
u32 v4v_move_rings(u16 peer, u32 *of_peer);

int v4v_move_init(void);
/* Waits for what is freed later; no socket is left. */
void v4v_move_exit(void);

/* Of the upper-layer protocol (ulp.c). Socket locked: whether it still has this. */
bool v4v_ulp_has(const struct sock *sk, const struct v4v_move *move);
/* Socket locked: calls under way that know of nothing but TCP, and may sleep there. */
int v4v_ulp_tcp_users(const struct sock *sk);
/* Socket locked: it is TCP's alone from now on. */
void v4v_ulp_leave(struct sock *sk);

#endif
