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

/*
 * Ring ports: below are the fixed ones, then those of connections, and the
 * upper half belongs to datagrams. The socket bound to vsock port p has the ring
 * V4V_DGRAM_PORTS + p, open to all; so a datagram socket has no port of 2^31 or
 * more, and none of the three kinds can be taken for another.
 */
#define V4V_CONTROL_PORT	1
#define V4V_FIRST_DATA_PORT	1024
#define V4V_DGRAM_PORTS		0x80000000U

/*
 * v4v_message.type: a kind, and flags of it. A message of the kinds SEQPACKET
 * and DGRAM is one record, put in whole or not at all; records are never split,
 * so the longest is what one hypercall and the receiver's ring can take.
 */
#define V4V_TYPE_CONTROL	1
#define V4V_TYPE_STREAM		2
#define V4V_TYPE_SEQPACKET	3
#define V4V_TYPE_DGRAM		4
/*
 * In the ring of a TCP connection, without payload: the stream goes on in this
 * ring once TCP has brought all before the sequence number in src.port.
 */
#define V4V_TYPE_MARK		5
#define V4V_TYPE_KIND		0xff
/* Of SEQPACKET: the sender set MSG_EOR. */
#define V4V_TYPE_EOR		0x100

/* Most bytes of a datagram; its ring may be smaller, but not its sender's limit larger. */
#define V4V_DGRAM_MAX		65536U

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
	/*
	 * Of a TCP connection: its accepting end has a ring for what the other end
	 * sends. Says the accepting end's initial sequence number, which of all
	 * domains only the one that connected has been told.
	 */
	V4V_OP_TCP_OFFER,
	/* So has the connecting end; says its own number, which was not in the offer. */
	V4V_OP_TCP_ACCEPT,
	/* It has not, and will not. */
	V4V_OP_TCP_REFUSE,
};

/* A control message; native byte order, both ends share a machine. */
struct v4v_control {
	u8 version;
	u8 op;
	u16 type;		/* SOCK_STREAM or SOCK_SEQPACKET */
	u32 src_port;		/* vsock port of the sender */
	u32 dst_port;		/* vsock port of the addressee */
	u32 ring;		/* the sender's data ring, 0 without one */
	union {
		struct {
			u32 about;	/* the addressee's data ring, 0 in a request */
			u32 flags;	/* of a shutdown */
			u32 reserved[2];
		};
		/* Of a TCP connection, whose ports are above. */
		struct {
			u32 about_tcp;	/* as about, 0 in an offer */
			u32 isn;	/* the sender's initial sequence number */
			u32 src_ip;	/* IPv4 addresses, host order; of an offer */
			u32 dst_ip;
		};
	};
};

static inline bool v4v_is_data_port(u32 port)
{
	return port >= V4V_FIRST_DATA_PORT && port < V4V_DGRAM_PORTS;
}

int v4v_control_start(void);
void v4v_control_stop(void);

/*
 * After a suspend, from process context: if this is another domain now (the
 * hypervisor does not know the control ring), takes its number and lets the
 * worker register all anew and reset connections.
 */
void v4v_control_resume(void);

/* From the interrupt: there may be messages, or room for ours. */
void v4v_control_event(void);

/*
 * Sends a control message, now or as soon as the addressee has room.
 * -ECONNREFUSED: that domain has no V4V module; -EACCES: a rule of the
 * hypervisor drops it. From processes and workers; does not sleep.
 */
int v4v_control_send(u16 domid, const struct v4v_control *message);

#endif
