/* TCP connections of the module's domain with PEER, and what ulp.c does for them in the kernel. */
#ifndef TCP_PEER_H
#define TCP_PEER_H

#include <net/tcp.h>

#include "move.h"
#include "moves.h"
#include "peer.h"
#include "ulp.h"

#define OWN_IP 0x0a53000bu
#define PEER_IP 0x0a53000cu
#define OWN_ISN 0xfffffff0u
#define FAR_ISN 0x7ffffff0u
#define OWN_TCP_PORT 40000u
#define FAR_TCP_PORT 80u
#define FAR_RING 777777u

struct connection {
	struct tcp_sock *tcp;
	struct v4v_ulp ulp;
	struct v4v_move *move;
	/* It has left the protocol. */
	bool left;
};

/* One that is established with the domain PEER; what it knows of itself is above. */
void connection_open(struct connection *c, bool accepting);
void connection_close(struct connection *c);
/* The far module says so; `isn` is the sender's. */
void far_says(u16 from, enum v4v_control_op op, u32 ring, u32 about, u32 isn);
/* What an offer of the connection above looks like, to be changed and put. */
struct v4v_control an_offer(void);
/* Opens one and moves it: the far ring is FAR_RING, the own one is returned. */
struct hv_ring *connection_moved(struct connection *c, bool accepting);

/* What the program does, without waiting. */
ssize_t tcp_send(struct connection *c, const void *bytes, size_t length, int flags);
ssize_t tcp_receive(struct connection *c, void *bytes, size_t length, int flags);

#endif
