/*
 * TCP as the upper-layer protocol sees it: numbers, what it has for a reader, and what it takes from a writer. The other
 * end and the way there are the test's (tcp.c). Nobody sleeps here: who would have to is told EAGAIN.
 */
#ifndef SHIM_NET_TCP_H
#define SHIM_NET_TCP_H

#include <limits.h>

#include <net/af_vsock.h>

enum { TCP_FIN_WAIT1 = 4, TCP_FIN_WAIT2 = 5, TCP_CLOSE_WAIT = 8 };
enum {
	TCPF_ESTABLISHED = 1 << TCP_ESTABLISHED,
	TCPF_FIN_WAIT1 = 1 << TCP_FIN_WAIT1,
	TCPF_FIN_WAIT2 = 1 << TCP_FIN_WAIT2,
	TCPF_CLOSE_WAIT = 1 << TCP_CLOSE_WAIT,
};
enum { MSG_DONTWAIT = 0x40, MSG_WAITALL = 0x100, MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000, MSG_ZEROCOPY = 0x4000000, MSG_FASTOPEN = 0x20000000 };
enum { SIOCATMARK = 0x8905, SIOCINQ = 0x541B };
enum { SOL_TCP = 6, TCP_CM_INQ = 36, TCP_NAGLE_CORK = 2, SOCK_NOSPACE = 2, ITER_DEST = 0 };
#define __rcu

struct pipe_inode_info;
struct rcu_head {
	int unused;
};

struct proto {
	int (*sendmsg)(struct sock *sk, struct msghdr *msg, size_t size);
	int (*recvmsg)(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len);
	int (*ioctl)(struct sock *sk, int cmd, int *karg);
};

struct proto_ops {
	ssize_t (*splice_read)(struct socket *socket, long *pos, struct pipe_inode_info *pipe, size_t len, unsigned int flags);
};

extern const struct proto_ops inet_stream_ops;

#define TCP_SHIM_BUFFER 65536u

struct inet_connection_sock {
	void *icsk_ulp_data;
};

struct tcp_sock {
	struct sock sk;
	struct inet_connection_sock icsk;
	u32 copied_seq, rcv_nxt, write_seq, urg_seq;
	u16 urg_data;
	u8 nonagle;
	bool repair, recvmsg_inq;
	u64 bytes_acked, bytes_received;
	/* What has arrived and was not read: the byte with number n at n % TCP_SHIM_BUFFER. */
	unsigned char in[TCP_SHIM_BUFFER];
	/* What was taken from the writer, and how much more will be. */
	unsigned char out[TCP_SHIM_BUFFER];
	u32 out_first, room;
	bool aborted;
};

#define tcp_sk(sock) container_of(sock, struct tcp_sock, sk)
#define inet_csk(sock) (&tcp_sk(sock)->icsk)
#define sock_flag(sock, flag) ((sock)->flags >> (flag) & 1)
#define inet_sk_state_load(sock) ((sock)->sk_state)
#define sock_hold(sock) ((void)(sock)->sk_refcnt.count++)
#define smp_rmb() mb()

static inline int sock_error(struct sock *sk)
{
	int err = sk->sk_err;

	sk->sk_err = 0;
	return -err;
}

static inline size_t sock_rcvlowat(const struct sock *sk, int waitall, size_t len)
{
	size_t least = waitall ? len : (size_t)sk->sk_rcvlowat < len ? (size_t)sk->sk_rcvlowat : len;

	return least ? least : 1;
}

#define sock_rcvtimeo(sk, nonblocking) ((nonblocking) ? 0l : LONG_MAX)
#define sock_sndtimeo(sk, nonblocking) ((nonblocking) ? 0l : LONG_MAX)
#define sock_intr_errno(timeo) (-EINTR)
#define sk_stream_error(sk, flags, err) (err)
#define msg_data_left(msg) iov_iter_count(&(msg)->msg_iter)
#define set_bit(bit, word) ((void)(bit), (void)(word))

/* Waiting is a violation: the tests ask for none. */
struct wait {
	int unused;
};
#define DEFINE_WAIT_FUNC(name, function) struct wait name = {0}
#define add_wait_queue(head, wait) ((void)(head), (void)(wait))
#define remove_wait_queue(head, wait) ((void)(head), (void)(wait))
#define sk_set_bit(bit, sk) ((void)(sk))
#define sk_clear_bit(bit, sk) ((void)(sk))
#define wait_woken(wait, mode, timeo) (violation("somebody sleeps"), (void)(wait), 0l)
#define sk_wait_event(sk, timeo, condition, wait) \
	((condition) ? 0 : (violation("somebody sleeps"), *(timeo) = 0, (void)(wait), 0))

#define put_cmsg(msg, level, type, size, data) ((void)(msg), (void)(data))
#define copy_splice_read(file, pos, pipe, len, flags) ((ssize_t)-EOPNOTSUPP)
#define rcu_dereference(p) (p)

int tcp_sendmsg_locked(struct sock *sk, struct msghdr *msg, size_t size);
bool tcp_stream_memory_free(const struct sock *sk, int wake);
int tcp_abort(struct sock *sk, int err);
void iov_iter_discard(struct iov_iter *iter, int direction, size_t count);

/* Of the tests. */
/* Called when TCP has taken bytes, the socket locked. */
extern void (*tcp_takes)(void);
struct tcp_sock *user_tcp(u32 own_isn, u32 far_isn);
/* Bytes of the other end arrive; all of `length`, or a violation. */
void tcp_arrives(struct tcp_sock *tcp, const unsigned char *bytes, u32 length);
/* Its end of the stream arrives. */
void tcp_ends(struct tcp_sock *tcp);
/* Takes what was sent by TCP: how much. */
u32 tcp_sent(struct tcp_sock *tcp, unsigned char *bytes, u32 most);

#endif
