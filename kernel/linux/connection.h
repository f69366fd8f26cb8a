/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: connections, from request to reset.
 */
#ifndef V4V_CONNECTION_H
#define V4V_CONNECTION_H

#include <linux/rculist.h>
#include <linux/workqueue.h>
#include <net/af_vsock.h>

#include "control.h"
#include "ring.h"
#include "send.h"
#include "stats.h"

/*
 * One end of a connection, or a datagram socket: vsock_sock.trans. Made with the
 * socket's transport and freed with it; its ring exists from connect, accept or
 * bind until release. All but @list, @tx_blocked and what RCU readers touch is
 * under the socket lock.
 */
struct v4v_conn {
	struct vsock_sock *vsk;
	struct list_head list;		/* of all that have a ring; RCU */
	bool listed;
	bool established;
	struct v4v_rx rx;
	struct v4v_tx tx;
	u16 peer;			/* domain; V4V_ANY of a datagram socket */
	u32 peer_ring;
	/* The peer's ring was full: no use trying before the next event. */
	bool tx_blocked;
	/* The peer's domain died, and the socket was told. */
	bool gone;
	/* The ring was registered when this domain was what it is; see v4v_conn_resumed(). */
	u32 generation;
	/* Of the worker: the round in which it looked at this one last. */
	u32 round;
	/* Datagrams: some wait in the ring, for room in the receive queue or for the worker. */
	bool held;
	bool unfinished;
	u64 tx_waits;
	u64 rx_waits;
	u64 events;
	u64 dropped;
	struct rcu_work free_work;
};

/* dom0 is CID 2; the domU with domain id d is CID d + 2. */
#define V4V_CID_OFFSET	2

static inline u32 v4v_cid(u16 domid)
{
	return domid + V4V_CID_OFFSET;
}

static inline bool v4v_cid_is_domain(u32 cid)
{
	return cid >= V4V_CID_OFFSET && cid < V4V_CID_OFFSET + V4V_ANY;
}

extern struct vsock_transport v4v_transport;
extern u16 v4v_own_domid;

struct v4v_conn *v4v_conn_create(struct vsock_sock *vsk);
void v4v_conn_free(struct v4v_conn *conn);

/* Socket locked: registers the ring of a datagram socket; -EEXIST if another has the port. */
int v4v_conn_open_dgram(struct v4v_conn *conn, u32 port, u32 size);
/* Socket locked: registers the ring and asks the peer. */
int v4v_conn_connect(struct v4v_conn *conn);
/* Socket locked: tells the peer what will not come or be taken any more. */
void v4v_conn_shutdown(struct v4v_conn *conn, int how);
/* Socket locked: ends it, tells the peer if there is one yet, and gives the ring back. */
void v4v_conn_close(struct v4v_conn *conn);

/* From the control worker. */
void v4v_conn_requested(u16 peer, const struct v4v_control *message);
void v4v_conn_answered(u16 peer, const struct v4v_control *message);
void v4v_conn_shut_down(u16 peer, const struct v4v_control *message);
void v4v_conn_reset(u16 peer, const struct v4v_control *message);

/* Any context: lets the worker look at all that needs it. */
void v4v_conn_sweep(void);
/* From the interrupt: wakes readers and writers that have a reason to. */
void v4v_conn_event(void);

/*
 * This is another domain now, restored or migrated, and the hypervisor has none
 * of its rings: v4v_conn_outdate() says so at once, without sleeping, and
 * v4v_conn_resumed() resets connections and registers datagram sockets anew.
 */
void v4v_conn_outdate(void);
void v4v_conn_resumed(u16 former_domid);

/* What it carried so far. */
void v4v_conn_counters(const struct v4v_conn *conn, struct v4v_counters *counters);
/* Calls @fn for all that have a ring; may not sleep. */
void v4v_conn_each(void (*fn)(const struct v4v_conn *conn, void *data), void *data);

/* A port for a data ring that was not given lately. */
u32 v4v_conn_port(void);
/*
 * Whether @peer may have one more ring here: no domain gets more of this one's
 * rings than it leaves to all others, accepted or not.
 */
bool v4v_conn_has_share(u16 peer);

int v4v_conn_init(void);
/* Waits for what is freed later; no connection is left. */
void v4v_conn_exit(void);

#endif
