/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: what the modules of two domains say to each other about connections.
 *
 * Each domain has one control ring (port V4V_CONTROL_PORT, open to all); every
 * direction of a connection has a data ring of its own, which its receiver
 * registers for that one partner. Source domains are the hypervisor's word.
 */
#ifndef V4V_CONTROL_H
#define V4V_CONTROL_H

#include <linux/types.h>

/* Ring ports: below are the fixed ones, above those of connections. */
#define V4V_CONTROL_PORT	1
#define V4V_FIRST_DATA_PORT	1024

/* v4v_message.type */
#define V4V_TYPE_CONTROL	1
#define V4V_TYPE_STREAM		2

#define V4V_CONTROL_VERSION	1

enum v4v_control_op {
	/* Please connect: sender's data ring, vsock ports, socket type. */
	V4V_OP_REQUEST = 1,
	/* Connected: about ring @about of the addressee, with the sender's data ring. */
	V4V_OP_RESPONSE,
	/* The sender will not send (SEND_SHUTDOWN) or not receive (RCV_SHUTDOWN) any more. */
	V4V_OP_SHUTDOWN,
	/* There is no such connection (any more). */
	V4V_OP_RESET,
};

/* A control message; native byte order, both ends share a machine. */
struct v4v_control {
	u8 version;
	u8 op;
	u16 type;		/* SOCK_STREAM */
	u32 src_port;		/* vsock port of the sender */
	u32 dst_port;		/* vsock port of the addressee */
	u32 ring;		/* the sender's data ring, 0 without one */
	u32 about;		/* the addressee's data ring, 0 in a request */
	u32 flags;		/* of a shutdown */
	u32 reserved[2];
};

int v4v_control_start(void);
void v4v_control_stop(void);

/* From the interrupt: there may be messages, or room for ours. */
void v4v_control_event(void);

/*
 * Sends a control message, now or as soon as the addressee has room.
 * -ECONNREFUSED: that domain has no V4V module. May not sleep.
 */
int v4v_control_send(u16 domid, const struct v4v_control *message);

#endif
