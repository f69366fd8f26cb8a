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

/*
 * One end of a connection: vsock_sock.trans. Made with the socket's transport
 * and freed with it; its ring exists from connect or accept until release. All
 * but @list, @tx_blocked and what RCU readers touch is under the socket lock.
 */
struct v4v_conn {
	struct vsock_sock *vsk;
	struct list_head list;		/* of all that have a ring; RCU */
	bool listed;
	bool established;
	struct v4v_rx rx;
	struct v4v_tx tx;
	u16 peer;			/* domain */
	u32 peer_ring;
	/* The peer's ring was full: no use trying before the next event. */
	bool tx_blocked;
	struct work_struct gone_work;
	struct rcu_work free_work;
};

/* dom0 is CID 2; the domU with domain id d is CID d + 2. */
#define V4V_CID_OFFSET	2

static inline u32 v4v_cid(u16 domid)
{
	return domid + V4V_CID_OFFSET;
}

extern struct vsock_transport v4v_transport;
extern u16 v4v_own_domid;

struct v4v_conn *v4v_conn_create(struct vsock_sock *vsk);
void v4v_conn_free(struct v4v_conn *conn);

/* Socket locked: registers the ring and asks the peer. */
int v4v_conn_connect(struct v4v_conn *conn);
/* Socket locked: tells the peer what will not come or be taken any more. */
void v4v_conn_shutdown(struct v4v_conn *conn, int how);
/* Socket locked: ends it and gives the ring back; @op is what the peer hears. */
void v4v_conn_close(struct v4v_conn *conn, enum v4v_control_op op);

/* From the control worker. */
void v4v_conn_requested(u16 peer, const struct v4v_control *message);
void v4v_conn_answered(u16 peer, const struct v4v_control *message);
void v4v_conn_shut_down(u16 peer, const struct v4v_control *message);
void v4v_conn_reset(u16 peer, const struct v4v_control *message);

/* From the interrupt: wakes readers and writers that have a reason to. */
void v4v_conn_event(void);

int v4v_conn_init(void);
/* Waits for what is freed later; no connection is left. */
void v4v_conn_exit(void);

#endif
