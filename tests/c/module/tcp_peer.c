#include "tcp_peer.h"

static struct connection *the_one;

struct v4v_ulp *v4v_ulp_of(const struct sock *sk)
{
	return inet_csk(sk)->icsk_ulp_data;
}

struct v4v_move *v4v_ulp_get(const struct sock *sk)
{
	struct v4v_ulp *ulp = v4v_ulp_of(sk);

	if (!ulp || !ulp->move || !refcount_inc_not_zero(&ulp->move->refs))
		return NULL;
	return ulp->move;
}

struct v4v_move *v4v_ulp_get_or_tcp(const struct sock *sk)
{
	struct v4v_move *move = v4v_ulp_get(sk);

	if (!move && v4v_ulp_of(sk))
		v4v_ulp_of(sk)->tcp_users.value++;
	return move;
}

void v4v_ulp_tcp_ends(const struct sock *sk)
{
	if (v4v_ulp_of(sk))
		v4v_ulp_of(sk)->tcp_users.value--;
}

int v4v_ulp_tcp_users(const struct sock *sk)
{
	return v4v_ulp_of(sk) ? (int)v4v_ulp_of(sk)->tcp_users.value : 0;
}

bool v4v_ulp_has(const struct sock *sk, const struct v4v_move *move)
{
	if (!sk->locked)
		violation("a socket that is not locked is asked for its move");
	return v4v_ulp_of(sk) && v4v_ulp_of(sk)->move == move;
}

void v4v_ulp_leave(struct sock *sk)
{
	if (the_one && sk == &the_one->tcp->sk)
		the_one->left = true;
}

void connection_open(struct connection *c, bool accepting)
{
	const struct v4v_tcp_id id = {OWN_IP, PEER_IP, OWN_ISN, FAR_ISN, OWN_TCP_PORT, FAR_TCP_PORT};

	*c = (struct connection){.tcp = user_tcp(OWN_ISN, FAR_ISN)};
	the_one = c;
	sock_set_flag(&c->tcp->sk, SOCK_RCU_FREE);
	c->move = v4v_move_new(&c->tcp->sk, &id, PEER, 5, accepting);
	c->ulp.move = c->move;
	c->tcp->icsk.icsk_ulp_data = &c->ulp;
	if (accepting) {
		v4v_move_offer(c->move);
		run_work();
	}
}

/* close_socket() of ulp.c, and TCP's end. */
void connection_close(struct connection *c)
{
	if (c->ulp.move) {
		struct v4v_move *move = c->ulp.move;

		lock_sock(&c->tcp->sk);
		c->ulp.move = NULL;
		v4v_move_end(move);
		release_sock(&c->tcp->sk);
		v4v_ulp_unread(move);
		v4v_move_put(move);
	}
	run_work();
	if (c->tcp->sk.sk_refcnt.count != 1)
		violation("%u references to a socket are left", c->tcp->sk.sk_refcnt.count - 1);
	free(c->tcp->sk.sk_socket);
	free(c->tcp);
	the_one = NULL;
}

struct v4v_control an_offer(void)
{
	return (struct v4v_control){
		.version = V4V_CONTROL_VERSION,
		.op = V4V_OP_TCP_OFFER,
		.type = SOCK_STREAM,
		.src_port = FAR_TCP_PORT,
		.dst_port = OWN_TCP_PORT,
		.ring = FAR_RING,
		.isn = FAR_ISN,
		.src_ip = PEER_IP,
		.dst_ip = OWN_IP,
	};
}

void far_says(u16 from, enum v4v_control_op op, u32 ring, u32 about, u32 isn)
{
	struct v4v_control message = an_offer();

	message.op = op;
	message.ring = ring;
	message.about_tcp = about;
	message.isn = isn;
	peer_puts(from, &message, sizeof(message), V4V_TYPE_CONTROL);
}

struct hv_ring *connection_moved(struct connection *c, bool accepting)
{
	connection_open(c, accepting);
	if (accepting)
		far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, c->move->rx.id.port, FAR_ISN);
	else
		far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(c->move->state, V4V_MOVE_MOVED);
	CHECK_EQUAL(c->move->tx.dst.port, FAR_RING);
	forget_answers();
	return hv_find(c->move->rx.id.port, PEER);
}

ssize_t tcp_send(struct connection *c, const void *bytes, size_t length, int flags)
{
	struct msghdr msg = {.msg_iter = {.buffer = (unsigned char *)bytes, .count = length, .of_user = true},
			     .msg_flags = flags | MSG_DONTWAIT};
	ssize_t n = v4v_ulp_sendmsg(&c->tcp->sk, &msg, length);

	if ((n > 0 ? (size_t)n : 0) != msg.msg_iter.done)
		violation("%zd bytes are said to be sent, %zu are", n, msg.msg_iter.done);
	return n;
}

ssize_t tcp_receive(struct connection *c, void *bytes, size_t length, int flags)
{
	struct msghdr msg = {.msg_iter = {.buffer = bytes, .count = length}};
	int addr_len;

	return v4v_ulp_recvmsg(&c->tcp->sk, &msg, length, flags | MSG_DONTWAIT, &addr_len);
}
