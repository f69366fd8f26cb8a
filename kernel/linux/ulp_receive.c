// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: what a TCP socket receives, from its ring or from TCP.
 *
 * TCP's own recvmsg() must not sleep while bytes may come in the ring: it is only
 * asked for what it has, and waiting is done here. What both have brought is read
 * under the mutex, in the order of order.h.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/sched/signal.h>
#include <linux/sockios.h>
#include <linux/splice.h>
#include <asm/ioctls.h>
#include <net/inet_common.h>
#include <net/tcp.h>

#include "move.h"
#include "ulp.h"

/* How far TCP is, read before the ring is. */
struct arrival {
	bool end;		/* no more bytes will come by TCP */
	u32 read;
	u32 arrived;
};

static struct arrival look_at_tcp(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	struct arrival tcp;

	/* The end before the numbers, and these before the ring: neither may be newer than what it is compared with. */
	tcp.end = sock_flag(sk, SOCK_DONE) || READ_ONCE(sk->sk_err) ||
		  READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN || inet_sk_state_load(sk) == TCP_CLOSE;
	smp_rmb();
	tcp.read = READ_ONCE(tp->copied_seq);
	tcp.arrived = READ_ONCE(tp->rcv_nxt);
	/* The end of the stream has a number, too, which is read with the last byte if it came with that. */
	if (sock_flag(sk, SOCK_DONE)) {
		if (tcp.read == tcp.arrived)
			tcp.read--;
		tcp.arrived--;
	}
	smp_rmb();
	return tcp;
}

/* What TCP would say to a reader for whom there is nothing. */
static int nothing(struct sock *sk, const struct arrival *tcp, bool have)
{
	if (!tcp->end)
		return -EAGAIN;
	if (have || sock_flag(sk, SOCK_DONE))
		return 0;
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return 0;
	return -ENOTCONN;
}

/* A mark of urgent data is where a call ends that has brought something already. */
static bool at_urgent_mark(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return unlikely(READ_ONCE(tp->urg_data)) &&
	       READ_ONCE(tp->urg_seq) == READ_ONCE(tp->copied_seq);
}

static ssize_t from_ring(struct sock *sk, struct v4v_move *move, struct msghdr *msg, size_t len,
			 int flags)
{
	bool peek = flags & MSG_PEEK;
	struct iov_iter nowhere;
	ssize_t n;

	v4v_rx_awake(&move->rx, v4v_spin_max());
	if (flags & MSG_TRUNC) {
		/* Of TCP: the bytes are thrown away. */
		iov_iter_discard(&nowhere, ITER_DEST, len);
		n = v4v_rx_take(&move->rx, &nowhere, len, peek);
	} else {
		n = v4v_rx_take(&move->rx, &msg->msg_iter, len, peek);
	}
	if (n > 0 && !peek)
		v4v_rx_release(&move->rx);
	return n;
}

/* Without waiting: that is done here. */
static ssize_t from_tcp(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len)
{
	return v4v_ulp_base(sk)->recvmsg(sk, msg, len, (flags & ~MSG_WAITALL) | MSG_DONTWAIT,
					 addr_len);
}

/*
 * Up to @len bytes that have arrived. 0 is the end of the stream; -EAGAIN: nothing
 * more now. @have: the call has brought something already.
 */
static ssize_t receive_some(struct sock *sk, struct v4v_move *move, struct msghdr *msg, size_t len,
			    int flags, int *addr_len, bool have)
{
	enum v4v_source source;
	struct arrival tcp;
	ssize_t n;
	u32 most;

again:
	tcp = look_at_tcp(sk);
	source = v4v_order_next(&move->order, &move->rx, tcp.read, tcp.arrived, &most);
	switch (source) {
	case V4V_FROM_RING:
		return from_ring(sk, move, msg, len, flags);
	case V4V_FROM_TCP:
		if (have && at_urgent_mark(sk))
			return 0;
		n = from_tcp(sk, msg, min_t(size_t, len, most), flags, addr_len);
		/* An urgent byte was passed over: what is behind it may be there. */
		if (n == -EAGAIN && READ_ONCE(tcp_sk(sk)->copied_seq) != tcp.read)
			goto again;
		return n;
	case V4V_BROKEN:
		v4v_move_break(move);
		return have ? 0 : -ECONNRESET;
	default:
		/* Marks were taken, maybe: the sender may have their room. */
		if (move->rx.shared)
			v4v_rx_release(&move->rx);
		return nothing(sk, &tcp, have);
	}
}

/*
 * A peek has seen @seen bytes of the way that is next, and may see up to @len of the
 * other's behind them. Nothing was read, so the order is as it was for these.
 */
static ssize_t peek_behind(struct sock *sk, struct v4v_move *move, struct msghdr *msg, size_t len,
			   int flags, int *addr_len, size_t seen)
{
	struct arrival tcp = look_at_tcp(sk);
	u32 most;

	switch (v4v_order_next(&move->order, &move->rx, tcp.read, tcp.arrived, &most)) {
	case V4V_FROM_TCP:
		/* All up to the mark? */
		if (!move->order.marked || move->order.mark - tcp.read != seen)
			return 0;
		return from_ring(sk, move, msg, len, flags);
	case V4V_FROM_RING:
		/* All of it? What TCP has brought comes behind, unless there is more in the ring, behind a mark. */
		if (move->rx.payload != seen || tcp.arrived == tcp.read)
			return 0;
		return from_tcp(sk, msg, min_t(size_t, len, tcp.arrived - tcp.read), flags,
				addr_len);
	default:
		return 0;
	}
}

/* Somebody who is not reading now is to hear of what comes. */
static bool others_wait(struct sock *sk)
{
	return sock_flag(sk, SOCK_FASYNC) || wq_has_sleeper(sk_sleep(sk));
}

/*
 * After a look, which may have been faster than the event of what it saw: that event
 * is still for whoever else waits for bytes that were left unread, and for a signal.
 */
static bool ask(struct sock *sk, struct v4v_move *move)
{
	return move->rx.payload || sock_flag(sk, SOCK_FASYNC) ? v4v_rx_watch(&move->rx) :
								v4v_rx_arm(&move->rx);
}

/* After a look; @is_short: that has brought less than was asked for. */
static void ask_for_more(struct sock *sk, struct v4v_move *move, bool is_short)
{
	/*
	 * Who polls edge-triggered may take a short read for the end, ask no more
	 * (epoll(7)), and must hear of the next bytes all the same; a signal is for each arrival.
	 */
	bool now = is_short ? others_wait(sk) : sock_flag(sk, SOCK_FASYNC);
	bool asks;

	if (!now) {
		v4v_move_ask_later(move);
		return;
	}
	asks = ask(sk, move);
	/* Bytes that came without an event, as the one before them had not been read yet: their signal. */
	if ((sock_flag(sk, SOCK_FASYNC) && v4v_rx_untold(&move->rx)) || !asks)
		sk->sk_data_ready(sk);
}

/* As much as is there, of both. Results as above; @seen: how far the ring was seen. */
static ssize_t receive(struct sock *sk, struct v4v_move *move, struct msghdr *msg, size_t len,
		       int flags, int *addr_len, bool have, u32 *seen)
{
	size_t done = 0;
	ssize_t n = 0;

	mutex_lock(&move->rx_mutex);
	do {
		n = receive_some(sk, move, msg, len - done, flags, addr_len, have || done);
		if (n > 0)
			done += n;
	} while (n > 0 && done < len && !(flags & MSG_PEEK));
	if (flags & MSG_PEEK && n > 0 && done < len && !at_urgent_mark(sk)) {
		ssize_t more = peek_behind(sk, move, msg, len - done, flags, addr_len, done);

		if (more > 0)
			done += more;
	}
	if (move->rx.shared)
		ask_for_more(sk, move, done < len);
	*seen = move->rx.scanned;
	mutex_unlock(&move->rx_mutex);
	return done ?: n;
}

/* Nothing has changed since a look that found nothing. */
static bool nothing_new(const struct sock *sk, const struct v4v_move *move, u32 arrived)
{
	return READ_ONCE(tcp_sk(sk)->rcv_nxt) == arrived && !READ_ONCE(sk->sk_err) &&
	       !(READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN) &&
	       inet_sk_state_load(sk) != TCP_CLOSE;
}

/* Asks for an event; false if something has come since @seen, which another thread may have seen and left. */
static bool nothing_since(struct sock *sk, struct v4v_move *move, u32 seen)
{
	return move->rx.scanned == seen && ask(sk, move);
}

/* Looks out for a message for a while if nobody else waits, then asks for an event; false if one is there. */
static bool may_sleep(struct sock *sk, struct v4v_move *move, u32 seen)
{
	bool sleep = true;

	mutex_lock(&move->rx_mutex);
	if (move->rx.shared) {
		v4v_rx_awake(&move->rx, v4v_spin_max());
		sleep = !(move->order.in_ring && !others_wait(sk) &&
			  v4v_rx_spin(&move->rx, v4v_spin_max())) &&
			nothing_since(sk, move, seen);
	}
	mutex_unlock(&move->rx_mutex);
	return sleep;
}

static void wait_for_bytes(struct sock *sk, struct v4v_move *move, u32 arrived, u32 seen,
			   long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	if (!may_sleep(sk, move, seen))
		return;
	add_wait_queue(sk_sleep(sk), &wait);
	sk_set_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	/* On the queue first, then the last look: what comes later wakes. */
	mutex_lock(&move->rx_mutex);
	if (!move->rx.shared || nothing_since(sk, move, seen)) {
		move->rx_waits++;
		if (move->rx.shared)
			v4v_rx_asleep(&move->rx);
		mutex_unlock(&move->rx_mutex);
		if (nothing_new(sk, move, arrived))
			*timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, *timeo);
	} else {
		mutex_unlock(&move->rx_mutex);
	}
	sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, sk);
	remove_wait_queue(sk_sleep(sk), &wait);
}

/* SO_INQ of TCP: how much more there is. */
static void tell_unread(struct sock *sk, struct v4v_move *move, struct msghdr *msg)
{
	int unread = 0;

	if (!tcp_sk(sk)->recvmsg_inq)
		return;
	v4v_ulp_ioctl(sk, SIOCINQ, &unread);
	put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(unread), &unread);
}

/*
 * More has arrived than the @seen bytes that a peek has seen, and nothing is missing
 * between. Asked a second time with the same @seen: the way changes twice before the
 * rest, where a peek does not get, however long it waits.
 */
static bool is_more_than(struct sock *sk, struct v4v_move *move, size_t seen)
{
	u32 most, missing;
	struct arrival tcp;
	bool more;

	mutex_lock(&move->rx_mutex);
	tcp = look_at_tcp(sk);
	v4v_order_next(&move->order, &move->rx, tcp.read, tcp.arrived, &most);
	missing = move->order.marked ? move->order.mark - tcp.arrived : 0;
	more = (!missing || missing > S32_MAX) &&
	       tcp.arrived - tcp.read + move->rx.payload > seen;
	mutex_unlock(&move->rx_mutex);
	return more;
}

static int receive_all(struct sock *sk, struct v4v_move *move, struct msghdr *msg, size_t len,
		       int flags, int *addr_len)
{
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	size_t target = sock_rcvlowat(sk, flags & MSG_WAITALL, len);
	bool peek = flags & MSG_PEEK;
	size_t done = 0, stuck = 0;
	u32 seen;

	for (;;) {
		u32 arrived = READ_ONCE(tcp_sk(sk)->rcv_nxt);
		ssize_t n;

		/* A peek starts anew each time; bytes thrown away (MSG_TRUNC) have not moved the iterator. */
		if (peek && done) {
			if (!(flags & MSG_TRUNC))
				iov_iter_revert(&msg->msg_iter, done);
			done = 0;
		}
		n = receive(sk, move, msg, len - done, flags, addr_len, done, &seen);
		if (n > 0)
			done += n;
		/* A call for no bytes waits for one, too. */
		if (done >= target)
			return done;
		if (n <= 0 && n != -EAGAIN)
			return done ?: n;
		if (!timeo)
			return done ?: -EAGAIN;
		if (signal_pending(current))
			return done ?: sock_intr_errno(timeo);
		if (peek && done && is_more_than(sk, move, done)) {
			if (done == stuck)
				return done;
			stuck = done;
			continue;
		}
		wait_for_bytes(sk, move, arrived, seen, &timeo);
	}
}

int v4v_ulp_recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len)
{
	struct v4v_move *move;
	int n;

	/* Errors of sending, and the urgent byte, are TCP's own. */
	if (flags & (MSG_ERRQUEUE | MSG_OOB))
		return v4v_ulp_base(sk)->recvmsg(sk, msg, len, flags, addr_len);
	move = v4v_ulp_get_or_tcp(sk);
	if (!move) {
		n = v4v_ulp_base(sk)->recvmsg(sk, msg, len, flags, addr_len);
		v4v_ulp_tcp_ends(sk);
		return n;
	}
	n = receive_all(sk, move, msg, len, flags, addr_len);
	if (n > 0 && !(flags & MSG_PEEK))
		v4v_move_used(move, n, true);
	if (n >= 0 && move->order.in_ring)
		tell_unread(sk, move, msg);
	v4v_move_put(move);
	return n;
}

/* Under the mutex: bytes that have arrived and wait to be read. */
struct unread {
	enum v4v_source source;		/* of the next */
	u32 of_tcp;			/* before those of the ring */
	u32 to_ring;			/* as many of TCP's, arrived or not, are before those of the ring */
	u64 of_ring;			/* if no byte of TCP's is missing before them */
};

static void look_for_unread(struct sock *sk, struct v4v_move *move, struct unread *unread)
{
	struct arrival tcp = look_at_tcp(sk);
	const struct v4v_order *order = &move->order;

	unread->source = v4v_order_next(&move->order, &move->rx, tcp.read, tcp.arrived,
					&unread->of_tcp);
	unread->to_ring = order->in_ring ? 0 : order->marked ? order->mark - tcp.read : U32_MAX;
	unread->of_ring = unread->to_ring == unread->of_tcp ? move->rx.payload : 0;
	/* The urgent byte is no byte for a reader, unless it is inline. */
	if (unread->of_tcp && at_urgent_mark(sk) && !sock_flag(sk, SOCK_URGINLINE)) {
		unread->of_tcp--;
		unread->to_ring -= unread->to_ring != U32_MAX;
	}
}

bool v4v_ulp_is_readable(struct sock *sk)
{
	struct v4v_move *move = v4v_ulp_get(sk);
	bool readable = false;
	u32 target;

	if (!move)
		return false;
	target = sock_rcvlowat(sk, 0, INT_MAX);
	mutex_lock(&move->rx_mutex);
	while (move->rx.shared) {
		struct unread unread;

		look_for_unread(sk, move, &unread);
		/* A reader is to find out; and a full ring gets no fuller, however many bytes were asked for. */
		readable = unread.source == V4V_BROKEN || unread.of_tcp + unread.of_ring >= target ||
			   (unread.source == V4V_FROM_RING && v4v_rx_full(&move->rx));
		/* What comes later must be heard of, by who waits for edges even if there are bytes now. */
		if (ask(sk, move))
			break;
	}
	mutex_unlock(&move->rx_mutex);
	v4v_move_put(move);
	return readable;
}

int v4v_ulp_ioctl(struct sock *sk, int cmd, int *karg)
{
	int err = v4v_ulp_base(sk)->ioctl(sk, cmd, karg);
	struct v4v_move *move;

	if (err || (cmd != SIOCINQ && cmd != SIOCATMARK))
		return err;
	move = v4v_ulp_get(sk);
	if (!move)
		return 0;
	mutex_lock(&move->rx_mutex);
	if (move->rx.shared) {
		struct unread unread;

		look_for_unread(sk, move, &unread);
		/* The mark is in TCP's part, behind what is in the ring. */
		if (cmd == SIOCATMARK)
			*karg = *karg && unread.source != V4V_FROM_RING;
		/* TCP counts what it has before the ring's and after, but nothing behind a mark. */
		else if (*karg >= 0 && (u32)*karg >= unread.to_ring)
			*karg = min_t(u64, *karg + unread.of_ring, INT_MAX);
	}
	mutex_unlock(&move->rx_mutex);
	v4v_move_put(move);
	return 0;
}

bool v4v_ulp_unread(struct v4v_move *move)
{
	bool any = false;

	mutex_lock(&move->rx_mutex);
	if (move->rx.shared)
		any = v4v_rx_available(&move->rx);
	mutex_unlock(&move->rx_mutex);
	return any;
}

/* TCP's own would not see the ring: by way of recvmsg(), at the cost of a copy. */
ssize_t v4v_ulp_splice_read(struct socket *socket, loff_t *pos, struct pipe_inode_info *pipe,
			    size_t len, unsigned int flags)
{
	struct v4v_move *move = v4v_ulp_get_or_tcp(socket->sk);
	ssize_t n;

	if (!move) {
		n = inet_stream_ops.splice_read(socket, pos, pipe, len, flags);
		v4v_ulp_tcp_ends(socket->sk);
		return n;
	}
	v4v_move_put(move);
	if (*pos)
		return -ESPIPE;
	return copy_splice_read(socket->file, pos, pipe, len, flags);
}
