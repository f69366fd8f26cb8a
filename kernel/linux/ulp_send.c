// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: what a TCP socket sends, by its peer's ring or by TCP.
 *
 * What the ring has taken is with the peer when the call returns; what TCP has
 * taken has numbers below all that TCP will take later. So a change between the
 * two needs nothing but a mark, and TCP's end of the stream comes last by itself.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/sched/signal.h>
#include <net/tcp.h>

#include "move.h"
#include "ulp.h"

/* So much goes by TCP at a time while the connection may still move: a call may have far more, and all in it would wait. */
#define TCP_PIECE	(64 * 1024)

static int by_tcp(struct sock *sk, struct v4v_move *move, struct msghdr *msg, size_t size)
{
	int sent;

	move->tx_in_ring = false;
	/* It may let the lock go to wait for memory; what it takes after that belongs here, too. */
	move->tcp_senders++;
	sent = tcp_sendmsg_locked(sk, msg, size);
	move->tcp_senders--;
	move->held_back = msg->msg_flags & MSG_MORE;
	return sent;
}

/* Urgent bytes, reports of completion and all that TCP does on request: TCP's own. */
static bool only_for_tcp(const struct msghdr *msg)
{
	return msg->msg_flags & (MSG_OOB | MSG_ZEROCOPY | MSG_FASTOPEN) || msg->msg_controllen;
}

static bool may_use_ring(const struct sock *sk, const struct v4v_move *move)
{
	return READ_ONCE(move->tx_ready) && !move->tcp_senders && v4v_ulp_has(sk, move) &&
	       (1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT) && !sk->sk_err &&
	       !(sk->sk_shutdown & SEND_SHUTDOWN) && !tcp_sk(sk)->repair;
}

/* Makes the ring the place where the next byte goes; false if that is TCP. */
static bool enter_ring(struct sock *sk, struct v4v_move *move)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int err;

	if (!may_use_ring(sk, move))
		return false;
	/* Another domain may get its number, and must not get what was for it. */
	if (v4v_rx_partner_gone(&move->rx)) {
		v4v_move_stay(move, V4V_LOST);
		return false;
	}
	if (move->tx_in_ring)
		return true;
	/* TCP would keep what it holds back until more comes, and the reader wait for it. */
	if (tp->nonagle & TCP_NAGLE_CORK || move->held_back)
		return false;
	err = v4v_tx_message(&move->mark, move->tx.dst, tp->write_seq, V4V_TYPE_MARK, "", 0);
	if (err == -ECONNREFUSED)
		v4v_move_stay(move, V4V_LOST);
	move->tx_in_ring = !err;
	return !err;
}

/*
 * All that keeps the next byte from the ring is that more was said to come. A
 * sendfile() says so from its first bytes to its last, and all of it would stay.
 */
static bool held_back_only(const struct sock *sk, const struct v4v_move *move)
{
	return move->held_back && may_use_ring(sk, move) &&
	       !(tcp_sk(sk)->nonagle & TCP_NAGLE_CORK);
}

/* As by_tcp(), but only a piece of what a ring that is there or may come had better take. *@more: it was sent, and there are others. */
static int some_by_tcp(struct sock *sk, struct v4v_move *move, struct msghdr *msg, bool *more)
{
	unsigned int flags = msg->msg_flags;
	bool held_back = held_back_only(sk, move);
	size_t all = msg_data_left(msg);
	size_t size = held_back || v4v_move_may_come(move) ? min_t(size_t, all, TCP_PIECE) : all;
	int sent;

	if (held_back)
		msg->msg_flags &= ~MSG_MORE;
	iov_iter_truncate(&msg->msg_iter, size);
	sent = by_tcp(sk, move, msg, size);
	iov_iter_reexpand(&msg->msg_iter, all - size + msg_data_left(msg));
	msg->msg_flags |= flags & MSG_MORE;
	*more = sent == size && size < all;
	if (sent > 0)
		v4v_move_used(move, sent, false);
	return sent;
}

/* Sends what there is room for; whether the ring was full, and an event follows. */
static ssize_t send_some(struct sock *sk, struct v4v_move *move, struct msghdr *msg, bool *full)
{
	ssize_t sent = v4v_tx_stream(&move->tx, V4V_TYPE_STREAM, &msg->msg_iter,
				     msg_data_left(msg), full);

	if (*full) {
		ssize_t more;

		/* Who polls is told by sk_write_space(). */
		set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
		move->tx_waits++;
		WRITE_ONCE(move->tx_blocked, true);
		/* The event may have come before, and found nobody blocked: once more. */
		smp_mb();
		more = v4v_tx_stream(&move->tx, V4V_TYPE_STREAM, &msg->msg_iter,
				     msg_data_left(msg), full);
		if (!*full)
			WRITE_ONCE(move->tx_blocked, false);
		sent = more > 0 ? sent + more : sent ?: more;
	}
	return sent;
}

/* Lets the lock go until there was an event, or nothing is to be waited for any more. */
static int wait_for_room(struct sock *sk, struct v4v_move *move, long *timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	int done;

	add_wait_queue(sk_sleep(sk), &wait);
	done = sk_wait_event(sk, timeo, !READ_ONCE(move->tx_blocked) || READ_ONCE(sk->sk_err) ||
			     READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN, &wait);
	remove_wait_queue(sk_sleep(sk), &wait);
	return done < 0 ? done : 0;
}

static int send(struct sock *sk, struct v4v_move *move, struct msghdr *msg, size_t size)
{
	long timeo = sock_sndtimeo(sk, msg->msg_flags & MSG_DONTWAIT);
	ssize_t sent = 0;
	int total = 0, err = 0;
	bool more;

	/* Without bytes there is only to be said whether there could be some, as TCP says it. */
	if (!msg_data_left(msg))
		return tcp_sendmsg_locked(sk, msg, 0);
again:
	while (msg_data_left(msg) && enter_ring(sk, move)) {
		bool full;

		sent = send_some(sk, move, msg, &full);
		if (sent > 0) {
			total += sent;
			continue;
		}
		if (sent == -ECONNREFUSED)
			v4v_move_stay(move, V4V_LOST);
		if (sent == -EFAULT)
			err = sent;
		/* Any other failure is no reason not to try TCP. */
		if (sent < 0)
			break;
		if (!timeo)
			err = -EAGAIN;
		else if (signal_pending(current))
			err = sock_intr_errno(timeo);
		else
			err = wait_for_room(sk, move, &timeo);
		if (err)
			break;
	}
	if (!err && msg_data_left(msg)) {
		/* What was sent is the result: what became of the socket is for the next call to hear, and no signal. */
		if (total && (sk->sk_err || sk->sk_shutdown & SEND_SHUTDOWN))
			return total;
		if (total)
			msg->msg_flags |= MSG_NOSIGNAL;
		/* It also knows what to say of a socket that is not connected or was shut down. */
		sent = some_by_tcp(sk, move, msg, &more);
		if (sent <= 0)
			return total ?: sent;
		total += sent;
		if (more)
			goto again;
		return total;
	}
	if (total)
		return total;
	return err ? sk_stream_error(sk, msg->msg_flags, err) : 0;
}

int v4v_ulp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
{
	struct v4v_move *move = v4v_ulp_get_or_tcp(sk);
	int sent;

	if (!move) {
		sent = v4v_ulp_base(sk)->sendmsg(sk, msg, size);
		v4v_ulp_tcp_ends(sk);
		return sent;
	}
	lock_sock(sk);
	sent = only_for_tcp(msg) ? by_tcp(sk, move, msg, size) : send(sk, move, msg, size);
	release_sock(sk);
	v4v_move_put(move);
	return sent;
}

/* For poll() and for TCP itself, in any context: whether a sender would have to wait. */
bool v4v_ulp_memory_free(const struct sock *sk, int wake)
{
	struct v4v_move *move;
	struct v4v_ulp *ulp;
	bool blocked = false;

	rcu_read_lock();
	ulp = v4v_ulp_of(sk);
	move = ulp ? rcu_dereference(ulp->move) : NULL;
	if (move)
		blocked = READ_ONCE(move->tx_in_ring) && READ_ONCE(move->tx_blocked);
	rcu_read_unlock();
	return !blocked && tcp_stream_memory_free(sk, wake);
}
