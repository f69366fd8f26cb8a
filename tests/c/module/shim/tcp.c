#include <net/tcp.h>

void (*tcp_takes)(void);

static void wake(struct sock *sk)
{
	sk->woken++;
}

struct tcp_sock *user_tcp(u32 own_isn, u32 far_isn)
{
	struct tcp_sock *tcp = calloc(1, sizeof(*tcp));

	tcp->sk = (struct sock){.sk_refcnt = {1}, .sk_state = TCP_ESTABLISHED, .sk_type = SOCK_STREAM, .sk_rcvlowat = 1,
				.sk_state_change = wake, .sk_data_ready = wake, .sk_write_space = wake};
	tcp->sk.sk_socket = calloc(1, sizeof(struct socket));
	tcp->sk.sk_socket->sk = &tcp->sk;
	tcp->write_seq = tcp->out_first = own_isn + 1;
	tcp->copied_seq = tcp->rcv_nxt = far_isn + 1;
	tcp->room = TCP_SHIM_BUFFER;
	return tcp;
}

void tcp_arrives(struct tcp_sock *tcp, const unsigned char *bytes, u32 length)
{
	if (length > TCP_SHIM_BUFFER - (tcp->rcv_nxt - tcp->copied_seq))
		violation("the test sends more than there is room for");
	for (u32 i = 0; i < length; i++)
		tcp->in[(tcp->rcv_nxt + i) % TCP_SHIM_BUFFER] = bytes[i];
	tcp->rcv_nxt += length;
	tcp->bytes_received += length;
	if (length)
		tcp->sk.sk_data_ready(&tcp->sk);
}

void tcp_ends(struct tcp_sock *tcp)
{
	tcp->rcv_nxt++;
	tcp->sk.sk_shutdown |= RCV_SHUTDOWN;
	sock_set_flag(&tcp->sk, SOCK_DONE);
	tcp->sk.sk_state = TCP_CLOSE_WAIT;
	tcp->sk.sk_state_change(&tcp->sk);
}

u32 tcp_sent(struct tcp_sock *tcp, unsigned char *bytes, u32 most)
{
	u32 n = min(most, tcp->write_seq - tcp->out_first);

	for (u32 i = 0; i < n; i++)
		bytes[i] = tcp->out[(tcp->out_first + i) % TCP_SHIM_BUFFER];
	tcp->out_first += n;
	tcp->bytes_acked += n;
	tcp->room += n;
	return n;
}

int tcp_sendmsg_locked(struct sock *sk, struct msghdr *msg, size_t size)
{
	struct tcp_sock *tcp = tcp_sk(sk);
	u32 n = (u32)min_t(size_t, size, tcp->room);

	if (!sk->locked)
		violation("TCP sends for a socket that is not locked");
	if (sk->sk_err)
		return sock_error(sk);
	if (sk->sk_shutdown & SEND_SHUTDOWN)
		return -EPIPE;
	if (size && !n)
		return -EAGAIN;
	for (u32 i = 0; i < n; i++)
		if (copy_from_iter(&tcp->out[(tcp->write_seq + i) % TCP_SHIM_BUFFER], 1, &msg->msg_iter) != 1) {
			n = i;
			break;
		}
	if (size && !n)
		return -EFAULT;
	tcp->write_seq += n;
	tcp->room -= n;
	if (tcp_takes)
		tcp_takes();
	return (int)n;
}

static int sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
{
	int n;

	lock_sock(sk);
	n = tcp_sendmsg_locked(sk, msg, size);
	release_sock(sk);
	return n;
}

/* tcp_recvmsg_locked(), without waiting and without urgent bytes */
static int recvmsg(struct sock *sk, struct msghdr *msg, size_t len, int flags, int *addr_len)
{
	struct tcp_sock *tcp = tcp_sk(sk);
	u32 unread;
	int n;

	(void)addr_len;
	if (!(flags & MSG_DONTWAIT))
		violation("TCP is let sleep");
	lock_sock(sk);
	unread = tcp->rcv_nxt - tcp->copied_seq;
	if (unread && sock_flag(sk, SOCK_DONE))
		unread--;
	n = (int)min_t(size_t, len, unread);
	for (int i = 0; i < n && !(flags & MSG_TRUNC); i++)
		if (copy_to_iter(&tcp->in[(tcp->copied_seq + (u32)i) % TCP_SHIM_BUFFER], 1, &msg->msg_iter) != 1)
			n = i ? i : -EFAULT;
	if (n > 0 && !(flags & MSG_PEEK))
		tcp->copied_seq += (u32)n;
	if (!n)
		n = sock_flag(sk, SOCK_DONE) ? 0 : sk->sk_err ? sock_error(sk) : -EAGAIN;
	release_sock(sk);
	return n;
}

static int ioctl(struct sock *sk, int cmd, int *karg)
{
	struct tcp_sock *tcp = tcp_sk(sk);
	u32 unread = tcp->rcv_nxt - tcp->copied_seq;

	if (cmd == SIOCINQ)
		*karg = (int)(unread && sock_flag(sk, SOCK_DONE) ? unread - 1 : unread);
	else
		*karg = tcp->urg_data && tcp->urg_seq == tcp->copied_seq;
	return 0;
}

static const struct proto base = {sendmsg, recvmsg, ioctl};

const struct proto *v4v_ulp_base(const struct sock *sk);
const struct proto *v4v_ulp_base(const struct sock *sk)
{
	(void)sk;
	return &base;
}

static ssize_t splice_read(struct socket *socket, long *pos, struct pipe_inode_info *pipe, size_t len, unsigned int flags)
{
	(void)socket, (void)pos, (void)pipe, (void)len, (void)flags;
	return -EAGAIN;
}

const struct proto_ops inet_stream_ops = {splice_read};

bool tcp_stream_memory_free(const struct sock *sk, int wake)
{
	(void)wake;
	return tcp_sk(sk)->room > 0;
}

int tcp_abort(struct sock *sk, int err)
{
	lock_sock(sk);
	tcp_sk(sk)->aborted = true;
	sk->sk_err = err;
	sk->sk_state = TCP_CLOSE;
	sk->sk_shutdown = SHUTDOWN_MASK;
	release_sock(sk);
	return 0;
}

void iov_iter_discard(struct iov_iter *iter, int direction, size_t count)
{
	static unsigned char nowhere[4 << 20];

	(void)direction;
	*iter = (struct iov_iter){.buffer = nowhere, .count = min_t(size_t, count, sizeof(nowhere))};
}
