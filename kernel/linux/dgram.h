/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: datagram sockets.
 */
#ifndef V4V_DGRAM_H
#define V4V_DGRAM_H

#include <linux/types.h>

struct msghdr;
struct sockaddr_vm;
struct v4v_conn;
struct vsock_sock;

/* Of the transport. */
int v4v_dgram_bind(struct vsock_sock *vsk, struct sockaddr_vm *addr);
int v4v_dgram_enqueue(struct vsock_sock *vsk, struct sockaddr_vm *remote,
		      struct msghdr *msg, size_t len);
int v4v_dgram_dequeue(struct vsock_sock *vsk, struct msghdr *msg, size_t len, int flags);
bool v4v_dgram_allow(u32 cid, u32 port);

/*
 * Socket locked: moves what arrived to the socket's receive queue, as far as
 * that has room. True if there is more that the worker is to move.
 */
bool v4v_dgram_pull(struct v4v_conn *conn);
/* The same of a ring that takes nothing more: moves what the queue has room for, and counts the rest as dropped. */
void v4v_dgram_empty(struct v4v_conn *conn);

#endif
