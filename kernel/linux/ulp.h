/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: the upper-layer protocol "v4v" of TCP sockets.
 */
#ifndef V4V_ULP_H
#define V4V_ULP_H

#include <linux/types.h>
#include <net/sock.h>

struct msghdr;
struct pipe_inode_info;
struct v4v_move;

/* Of a socket that has the protocol: inet_connection_sock.icsk_ulp_data; freed by RCU. */
struct v4v_ulp {
	void (*state_change)(struct sock *sk);
	/* A connection that may move or has; set once per connection, under the socket lock. */
	struct v4v_move __rcu *move;
	/* Whose it is has been looked up, for this connection. */
	bool decided;
	/* Calls of TCP's own functions that were begun before there was a move. */
	atomic_t tcp_users;
	struct rcu_head rcu;
};

/* Under RCU or the socket lock; NULL if the socket has another protocol, or none. */
struct v4v_ulp *v4v_ulp_of(const struct sock *sk);
/* The connection's move, with a reference; NULL if it is TCP's alone. */
struct v4v_move *v4v_ulp_get(const struct sock *sk);
/*
 * The same for a call that may sleep in TCP's own functions: after NULL no move
 * comes into use before v4v_ulp_tcp_ends().
 */
struct v4v_move *v4v_ulp_get_or_tcp(const struct sock *sk);
void v4v_ulp_tcp_ends(const struct sock *sk);
/* TCP's own functions for a socket of this family. */
const struct proto *v4v_ulp_base(const struct sock *sk);

/* Of struct proto. */
int v4v_ulp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size);
bool v4v_ulp_memory_free(const struct sock *sk, int wake);
int v4v_ulp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len);
bool v4v_ulp_is_readable(struct sock *sk);
int v4v_ulp_ioctl(struct sock *sk, int cmd, int *karg);
/* Of struct proto_ops. */
ssize_t v4v_ulp_splice_read(struct socket *socket, loff_t *pos, struct pipe_inode_info *pipe,
			    size_t len, unsigned int flags);

/* Whether bytes are left that nobody will read; the ring takes no more before. */
bool v4v_ulp_unread(struct v4v_move *move);

/* Socket locked, in an atomic context, as it begins to connect or to listen: as if its process had asked. */
void v4v_ulp_give(struct sock *sk, bool connects);
int v4v_ulp_cgroups_start(void);
void v4v_ulp_cgroups_stop(void);

int v4v_ulp_init(void);
void v4v_ulp_exit(void);

#endif
