// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: the upper-layer protocol "v4v" of TCP sockets.
 *
 * A process sets it before connect() or listen(). It changes nothing but, for a
 * connection to a domain of this host, some functions of the socket: TCP itself
 * runs on, and a connection can be TCP's alone at any time.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/module.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <net/inet_common.h>
#include <net/inet_connection_sock.h>
#include <net/tcp.h>
#include <net/transp_v6.h>

#include "connection.h"
#include "move.h"
#include "peers.h"
#include "ulp.h"

enum { IPV4, IPV6, FAMILIES };

static struct tcp_ulp_ops ulp_ops;
/* TCP's functions with ours in place of some. */
static struct proto protos[FAMILIES];
static struct proto *const bases[FAMILIES] = {
	[IPV4] = &tcp_prot,
#if IS_ENABLED(CONFIG_IPV6)
	[IPV6] = &tcpv6_prot,
#endif
};

/* The same of the layer above; IPv6's are known from the first socket that has them. */
static DEFINE_SPINLOCK(ops_lock);
static const struct proto_ops *base_ops[FAMILIES];
static struct proto_ops socket_ops[FAMILIES];

static int family_of(const struct sock *sk)
{
	return sk->sk_family == AF_INET ? IPV4 : IPV6;
}

const struct proto *v4v_ulp_base(const struct sock *sk)
{
	return bases[family_of(sk)];
}

struct v4v_ulp *v4v_ulp_of(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);

	if (READ_ONCE(icsk->icsk_ulp_ops) != &ulp_ops)
		return NULL;
	return rcu_dereference_raw(icsk->icsk_ulp_data);
}

struct v4v_move *v4v_ulp_get(const struct sock *sk)
{
	struct v4v_move *move = NULL;
	struct v4v_ulp *ulp;

	rcu_read_lock();
	ulp = v4v_ulp_of(sk);
	if (ulp)
		move = rcu_dereference(ulp->move);
	if (move && !refcount_inc_not_zero(&move->refs))
		move = NULL;
	rcu_read_unlock();
	return move;
}

struct v4v_move *v4v_ulp_get_or_tcp(const struct sock *sk)
{
	struct v4v_move *move = NULL;
	struct v4v_ulp *ulp;

	rcu_read_lock();
	ulp = v4v_ulp_of(sk);
	if (ulp) {
		atomic_inc(&ulp->tcp_users);
		/* Counted first, then looked: an offer is answered the other way round. */
		smp_mb__after_atomic();
		move = v4v_ulp_get(sk);
		if (move)
			atomic_dec(&ulp->tcp_users);
	}
	rcu_read_unlock();
	return move;
}

void v4v_ulp_tcp_ends(const struct sock *sk)
{
	struct v4v_ulp *ulp;

	rcu_read_lock();
	ulp = v4v_ulp_of(sk);
	if (ulp)
		atomic_dec(&ulp->tcp_users);
	rcu_read_unlock();
}

int v4v_ulp_tcp_users(const struct sock *sk)
{
	struct v4v_ulp *ulp = v4v_ulp_of(sk);

	/* The move was there before; see above. */
	smp_mb();
	return ulp ? atomic_read(&ulp->tcp_users) : 0;
}

bool v4v_ulp_has(const struct sock *sk, const struct v4v_move *move)
{
	struct v4v_ulp *ulp = v4v_ulp_of(sk);

	return ulp && rcu_access_pointer(ulp->move) == move;
}

void v4v_ulp_leave(struct sock *sk)
{
	/* Whoever is in one of our functions finds out there. */
	WRITE_ONCE(sk->sk_prot, bases[family_of(sk)]);
}

/* Socket locked, or nobody has it any more. */
static void end_move(struct v4v_ulp *ulp)
{
	struct v4v_move *move = rcu_replace_pointer(ulp->move, NULL, true);

	if (!move)
		return;
	v4v_move_end(move);
	v4v_move_put(move);
}

/* Of a connection, host order; 0 if it is IPv6's. */
static u32 remote_ip_of(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_daddr))
		return 0;
#endif
	return ntohl(inet_sk(sk)->inet_daddr);
}

/* IPv4, by an IPv6 socket or not; another host's addresses are nobody's here. */
static bool peer_of(u32 remote_ip, u16 *domid)
{
	/* What a domain sends to itself gains nothing. */
	return v4v_peer_of(remote_ip, domid) && *domid != v4v_own_domid;
}

static void state_changed(struct sock *sk);

static void leave_state(struct sock *sk, const struct v4v_ulp *ulp)
{
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_state_change == state_changed)
		sk->sk_state_change = ulp->state_change;
	write_unlock_bh(&sk->sk_callback_lock);
}

/*
 * A connection to no peer: all its functions are TCP's. The protocol keeps its
 * place until the socket is destroyed: getsockopt(TCP_ULP) looks at icsk_ulp_ops
 * twice, without the socket lock, and must not find nothing at the second look.
 */
static void abandon(struct sock *sk, const struct v4v_ulp *ulp)
{
	v4v_ulp_leave(sk);
	leave_state(sk, ulp);
}

/* The connecting end, in TCP's own context: now the connection is known by all its numbers. */
static void connection_made(struct sock *sk, struct v4v_ulp *ulp)
{
	const struct inet_sock *inet = inet_sk(sk);
	const struct tcp_sock *tp = tcp_sk(sk);
	struct v4v_move *move;
	struct v4v_tcp_id id;
	u16 domid;

	ulp->decided = true;
	id = (struct v4v_tcp_id){
		.local_ip = ntohl(inet->inet_saddr),
		.remote_ip = remote_ip_of(sk),
		.local_port = inet->inet_num,
		.remote_port = ntohs(inet->inet_dport),
		/* Nothing was sent or has arrived; where it has (Fast Open) these match nobody's. */
		.local_isn = tp->snd_una - 1,
		.remote_isn = tp->rcv_nxt - 1,
	};
	if (!peer_of(id.remote_ip, &domid)) {
		abandon(sk, ulp);
		return;
	}
	/* The lists know the socket without a reference. */
	sock_set_flag(sk, SOCK_RCU_FREE);
	move = v4v_move_new(sk, &id, domid, atomic64_read(&sk->sk_cookie), false);
	if (move)
		rcu_assign_pointer(ulp->move, move);
	else
		abandon(sk, ulp);
}

static void state_changed(struct sock *sk)
{
	void (*former)(struct sock *sk) = NULL;
	struct v4v_ulp *ulp;

	rcu_read_lock();
	ulp = v4v_ulp_of(sk);
	if (ulp) {
		former = ulp->state_change;
		if (sk->sk_state == TCP_ESTABLISHED && !ulp->decided)
			connection_made(sk, ulp);
	}
	rcu_read_unlock();
	if (former)
		former(sk);
}

/* Functions that also know a ring, for the socket's file. */
static int use_socket_ops(struct sock *sk)
{
	struct socket *socket = sk->sk_socket;
	int family = family_of(sk);
	int err = 0;

	if (!socket || socket->ops == &socket_ops[family])
		return 0;
	spin_lock(&ops_lock);
	if (!base_ops[family]) {
		base_ops[family] = socket->ops;
		socket_ops[family] = *socket->ops;
		socket_ops[family].owner = THIS_MODULE;
		socket_ops[family].splice_read = v4v_ulp_splice_read;
	}
	if (socket->ops == base_ops[family]) {
		/* Until the file is closed, and put by whoever closes it; TCP's own is no module. */
		__module_get(THIS_MODULE);
		WRITE_ONCE(socket->ops, &socket_ops[family]);
	} else {
		err = -EOPNOTSUPP;
	}
	spin_unlock(&ops_lock);
	return err;
}

/* Socket locked, before it connects or listens. */
static int take(struct sock *sk, gfp_t priority)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	int family = family_of(sk);
	struct v4v_ulp *ulp;
	int err;

	/* Later nobody knows the initial sequence numbers any more. */
	if (sk->sk_state != TCP_CLOSE && sk->sk_state != TCP_LISTEN)
		return -EISCONN;
	/* Something else has changed the socket already. */
	if (!bases[family] || sk->sk_prot != bases[family] || tcp_sk(sk)->repair)
		return -EOPNOTSUPP;
	ulp = kzalloc(sizeof(*ulp), priority);
	if (!ulp)
		return -ENOMEM;
	err = use_socket_ops(sk);
	if (err) {
		kfree(ulp);
		return err;
	}
	write_lock_bh(&sk->sk_callback_lock);
	ulp->state_change = sk->sk_state_change;
	rcu_assign_pointer(icsk->icsk_ulp_data, ulp);
	if (sk->sk_state == TCP_CLOSE) {
		sk->sk_state_change = state_changed;
		WRITE_ONCE(sk->sk_prot, &protos[family]);
	}
	write_unlock_bh(&sk->sk_callback_lock);
	return 0;
}

static int init(struct sock *sk)
{
	return take(sk, GFP_KERNEL);
}

void v4v_ulp_give(struct sock *sk, bool connects)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	u16 domid;

	if (icsk->icsk_ulp_ops || (connects && !peer_of(remote_ip_of(sk), &domid)) ||
	    !try_module_get(THIS_MODULE))
		return;
	/* As setsockopt() does it. */
	if (!take(sk, GFP_ATOMIC))
		icsk->icsk_ulp_ops = &ulp_ops;
	else
		module_put(THIS_MODULE);
}

/* The socket is being destroyed. */
static void release(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct v4v_ulp *ulp = v4v_ulp_of(sk);

	end_move(ulp);
	/* It is looked at until it is freed, and this module may be gone by then. */
	v4v_ulp_leave(sk);
	leave_state(sk, ulp);
	rcu_assign_pointer(icsk->icsk_ulp_data, NULL);
	kfree_rcu(ulp, rcu);
}

/* Of IPv4, accepted by a listener of IPv4 or of both. */
static bool of_ipv4(const struct inet_request_sock *ireq)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (ireq->ireq_family == AF_INET6)
		return ipv6_addr_v4mapped(&ireq->ir_v6_rmt_addr);
#endif
	return ireq->ireq_family == AF_INET;
}

/* A connection that a listener with this protocol accepts; in a softirq. */
static struct v4v_move *accepted(const struct request_sock *req, struct sock *sk)
{
	const struct inet_request_sock *ireq = inet_rsk(req);
	struct v4v_tcp_id id;
	u16 domid;

	if (!of_ipv4(ireq) || tcp_rsk(req)->tfo_listener)
		return NULL;
	id = (struct v4v_tcp_id){
		.local_ip = ntohl(ireq->ir_loc_addr),
		.remote_ip = ntohl(ireq->ir_rmt_addr),
		.local_port = ireq->ir_num,
		.remote_port = ntohs(ireq->ir_rmt_port),
		.local_isn = tcp_rsk(req)->snt_isn,
		.remote_isn = tcp_rsk(req)->rcv_isn,
	};
	if (!peer_of(id.remote_ip, &domid))
		return NULL;
	sock_set_flag(sk, SOCK_RCU_FREE);
	return v4v_move_new(sk, &id, domid, atomic64_read(&req->rsk_listener->sk_cookie), true);
}

static void clone(const struct request_sock *req, struct sock *sk, const gfp_t priority)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct v4v_move *move;
	struct v4v_ulp *ulp;

	/* What was copied is the listener's own; its functions are TCP's, see hash(). */
	icsk->icsk_ulp_ops = NULL;
	RCU_INIT_POINTER(icsk->icsk_ulp_data, NULL);

	/* TCP puts the module for each socket that it destroys, but takes it only in setsockopt(). */
	if (!try_module_get(THIS_MODULE))
		return;
	ulp = kzalloc(sizeof(*ulp), priority);
	move = ulp ? accepted(req, sk) : NULL;
	if (!move) {
		kfree(ulp);
		module_put(THIS_MODULE);
		return;
	}
	ulp->decided = true;
	ulp->state_change = sk->sk_state_change;
	RCU_INIT_POINTER(ulp->move, move);
	rcu_assign_pointer(icsk->icsk_ulp_data, ulp);
	icsk->icsk_ulp_ops = &ulp_ops;
	WRITE_ONCE(sk->sk_prot, &protos[family_of(sk)]);
	v4v_move_offer(move);
}

static void close_socket(struct sock *sk, long timeout)
{
	struct v4v_move *move = v4v_ulp_get(sk);

	if (move) {
		lock_sock(sk);
		end_move(v4v_ulp_of(sk));
		release_sock(sk);
		/* As TCP with what it would throw away: the other end must not think it was read. */
		if (v4v_ulp_unread(move)) {
			sock_set_flag(sk, SOCK_LINGER);
			WRITE_ONCE(sk->sk_lingertime, 0);
			timeout = 0;
		}
		v4v_move_put(move);
	}
	v4v_ulp_base(sk)->close(sk, timeout);
}

/* Socket locked. It may connect again, or listen. */
static int disconnect(struct sock *sk, int flags)
{
	struct v4v_ulp *ulp = v4v_ulp_of(sk);

	if (ulp) {
		end_move(ulp);
		ulp->decided = false;
	}
	return v4v_ulp_base(sk)->disconnect(sk, flags);
}

/* Socket locked. Requests and children take the listener's functions, and may outlive the module. */
static int hash(struct sock *sk)
{
	if (sk->sk_state == TCP_LISTEN) {
		v4v_ulp_leave(sk);
		leave_state(sk, v4v_ulp_of(sk));
	}
	return v4v_ulp_base(sk)->hash(sk);
}

static struct tcp_ulp_ops ulp_ops = {
	.name = "v4v",
	.owner = THIS_MODULE,
	.init = init,
	.release = release,
	.clone = clone,
};

static void make_proto(struct proto *proto, const struct proto *base)
{
	*proto = *base;
	proto->close = close_socket;
	proto->disconnect = disconnect;
	proto->hash = hash;
	proto->sendmsg = v4v_ulp_sendmsg;
	proto->stream_memory_free = v4v_ulp_memory_free;
	proto->recvmsg = v4v_ulp_recvmsg;
	proto->sock_is_readable = v4v_ulp_is_readable;
	proto->ioctl = v4v_ulp_ioctl;
}

int v4v_ulp_init(void)
{
	int i, err;

	for (i = 0; i < FAMILIES; i++)
		if (bases[i])
			make_proto(&protos[i], bases[i]);
	base_ops[IPV4] = &inet_stream_ops;
	socket_ops[IPV4] = inet_stream_ops;
	socket_ops[IPV4].owner = THIS_MODULE;
	socket_ops[IPV4].splice_read = v4v_ulp_splice_read;
	err = tcp_register_ulp(&ulp_ops);
	if (err)
		return err;
	err = v4v_ulp_cgroups_start();
	if (err)
		tcp_unregister_ulp(&ulp_ops);
	return err;
}

void v4v_ulp_exit(void)
{
	v4v_ulp_cgroups_stop();
	tcp_unregister_ulp(&ulp_ops);
	/* A task may still be on its way out of one of the functions above. */
	synchronize_rcu_tasks();
}

MODULE_ALIAS_TCP_ULP("v4v");
