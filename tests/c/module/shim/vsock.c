#include <linux/capability.h>
#include <linux/skbuff.h>
#include <net/af_vsock.h>

extern struct vsock_transport v4v_transport;

void (*on_lock_sock)(struct sock *sk);

bool privileged;
int received_flags;
struct list_head vsock_bind_table[VSOCK_HASH_SIZE + 1];
spinlock_t vsock_table_lock;

static struct vsock_sock *all;
static struct socket files;

__attribute__((constructor)) static void empty_tables(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(vsock_bind_table); i++)
		INIT_LIST_HEAD(&vsock_bind_table[i]);
}

static void wake(struct sock *sk)
{
	sk->woken++;
}

struct vsock_sock *user_socket(int type)
{
	struct vsock_sock *vsk = calloc(1, sizeof(*vsk));

	vsk->sk = (struct sock){.sk_refcnt = {1}, .sk_state = TCP_CLOSE, .sk_type = type, .sk_socket = &files,
				.sk_state_change = wake, .sk_data_ready = wake, .sk_write_space = wake};
	vsk->sk.sk_rcvbuf = 212992;
	vsk->sk.sk_rcvlowat = 1;
	vsk->buffer_size = 256 * 1024;
	vsock_addr_init(&vsk->local_addr, VMADDR_CID_ANY, VMADDR_PORT_ANY);
	vsock_addr_init(&vsk->remote_addr, VMADDR_CID_ANY, VMADDR_PORT_ANY);
	INIT_LIST_HEAD(&vsk->bound_table);
	vsk->next = all;
	all = vsk;
	/* These have their transport from the beginning. */
	if (type == SOCK_DGRAM && vsock_assign_transport(vsk, NULL)) {
		sock_put(&vsk->sk);
		return NULL;
	}
	return vsk;
}

static void forget(struct vsock_sock *vsk)
{
	struct vsock_sock **link = &all;

	while (*link != vsk)
		link = &(*link)->next;
	*link = vsk->next;
}

unsigned int sockets(void)
{
	unsigned int n = 0;

	for (const struct vsock_sock *vsk = all; vsk; vsk = vsk->next)
		n++;
	return n;
}

void lock_sock(struct sock *sk)
{
	void (*hook)(struct sock *) = on_lock_sock;

	on_lock_sock = NULL;
	if (hook)
		hook(sk);
	if (sk->locked)
		violation("a socket is locked twice");
	sk->locked = true;
}

void release_sock(struct sock *sk)
{
	if (!sk->locked)
		violation("a socket is released that is not locked");
	sk->locked = false;
}

static void hold(struct vsock_sock *vsk)
{
	vsk->sk.sk_refcnt.count++;
}

void sock_put(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	if (--sk->sk_refcnt.count)
		return;
	if (sk->locked || vsk->connected)
		violation("a socket goes that is in use");
	if (sk->sk_rmem_alloc.value)
		violation("a socket goes and its datagrams stay");
	if (vsk->transport)
		vsk->transport->destruct(vsk);
	list_del(&vsk->bound_table);
	forget(vsk);
	free(vsk);
}

struct sock *vsock_create_connected(struct sock *parent)
{
	struct vsock_sock *vsk;

	if (failing_allocation && !--failing_allocation)
		return NULL;
	vsk = user_socket(parent->sk_type);
	vsk->sk.sk_socket = NULL;
	vsk->buffer_size = vsock_sk(parent)->buffer_size;
	return &vsk->sk;
}

int vsock_assign_transport(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	int err;

	if (vsk->transport)
		return 0;
	if (vsk->sk.sk_type == SOCK_SEQPACKET && !v4v_transport.seqpacket_allow(vsk->remote_addr.svm_cid))
		return -ESOCKTNOSUPPORT;
	err = v4v_transport.init(vsk, parent);
	if (!err)
		vsk->transport = &v4v_transport;
	return err;
}

struct sock *vsock_find_bound_socket(struct sockaddr_vm *address)
{
	for (struct vsock_sock *vsk = all; vsk; vsk = vsk->next)
		if (vsk->sk.sk_type != SOCK_DGRAM && vsk->bound_table.next != &vsk->bound_table && vsk->local_addr.svm_port == address->svm_port) {
			hold(vsk);
			return &vsk->sk;
		}
	return NULL;
}

void vsock_insert_connected(struct vsock_sock *vsk)
{
	if (vsk->connected)
		violation("a socket is connected twice");
	vsk->connected = true;
	hold(vsk);
}

void vsock_remove_connected(struct vsock_sock *vsk)
{
	if (vsk->connected) {
		vsk->connected = false;
		sock_put(&vsk->sk);
	}
}

void vsock_remove_sock(struct vsock_sock *vsk)
{
	vsock_remove_connected(vsk);
}

void vsock_enqueue_accept(struct sock *listener, struct sock *connected)
{
	vsock_sk(connected)->waits_for = vsock_sk(listener);
	hold(vsock_sk(connected));
	hold(vsock_sk(listener));
}

struct vsock_sock *user_listen(int type, u32 port)
{
	struct vsock_sock *vsk = user_socket(type);

	vsk->sk.sk_state = TCP_LISTEN;
	vsk->local_addr.svm_port = port;
	list_add(&vsk->bound_table, &vsock_bind_table[port % VSOCK_HASH_SIZE]);
	return vsk;
}

int user_connect(struct vsock_sock *vsk, u32 cid, u32 port)
{
	int err;

	lock_sock(&vsk->sk);
	vsock_addr_init(&vsk->remote_addr, cid, port);
	vsk->local_addr.svm_port = 40000;
	err = vsock_assign_transport(vsk, NULL);
	if (!err && !v4v_transport.stream_allow(cid, port))
		err = -ENETUNREACH;
	if (!err) {
		vsk->sk.sk_state = TCP_SYN_SENT;
		err = vsk->transport->connect(vsk);
		if (!err)
			vsk->sk.sk_err = 0;
	}
	release_sock(&vsk->sk);
	return err;
}

int user_connected(struct vsock_sock *vsk)
{
	int err;

	lock_sock(&vsk->sk);
	err = -vsk->sk.sk_err;
	if (err)
		vsk->sk.sk_state = TCP_CLOSE;
	release_sock(&vsk->sk);
	return err;
}

void user_cancel(struct vsock_sock *vsk)
{
	lock_sock(&vsk->sk);
	if (vsk->sk.sk_state == TCP_SYN_SENT) {
		vsk->sk.sk_state = TCP_CLOSE;
		vsk->transport->cancel_pkt(vsk);
	}
	release_sock(&vsk->sk);
}

struct vsock_sock *user_accept(struct vsock_sock *listener)
{
	struct vsock_sock *vsk = all;

	while (vsk && vsk->waits_for != listener)
		vsk = vsk->next;
	if (!vsk)
		return NULL;
	listener->sk.accept_backlog--;
	vsk->waits_for = NULL;
	vsk->sk.sk_socket = &files;
	sock_put(&listener->sk);
	sock_put(&vsk->sk);
	return vsk;
}

/* vsock_connectible_sendmsg() */
static ssize_t send_message(struct vsock_sock *vsk, struct msghdr *msg)
{
	size_t length = msg->msg_iter.count;
	const struct vsock_transport *transport = vsk->transport;
	bool records = vsk->sk.sk_type == SOCK_SEQPACKET;
	size_t total = 0;
	ssize_t n = 0;

	lock_sock(&vsk->sk);
	if (vsk->sk.sk_shutdown & SEND_SHUTDOWN || vsk->peer_shutdown & RCV_SHUTDOWN)
		n = -EPIPE;
	else if (!transport || vsk->sk.sk_state != TCP_ESTABLISHED)
		n = -ENOTCONN;
	while (n >= 0 && total < length) {
		if (vsk->sk.sk_err)
			n = -vsk->sk.sk_err;
		else if (!transport->stream_has_space(vsk))
			n = -EAGAIN;
		else
			n = records ? transport->seqpacket_enqueue(vsk, msg, length - total) :
				      transport->stream_enqueue(vsk, msg, length - total);
		if (n > 0)
			total += (size_t)n;
		if (msg->msg_iter.done != total)
			violation("%zu bytes are said to be sent, %zu are", total, msg->msg_iter.done);
	}
	if (total && (!records || total == length))
		n = (ssize_t)total;
	release_sock(&vsk->sk);
	return n;
}

ssize_t user_send_flags(struct vsock_sock *vsk, const void *bytes, size_t length, int flags)
{
	struct msghdr msg = {.msg_iter = {.buffer = (unsigned char *)bytes, .count = length, .of_user = true}, .msg_flags = flags};

	return send_message(vsk, &msg);
}

ssize_t user_send_fault(struct vsock_sock *vsk, const void *bytes, size_t length, size_t fault_at)
{
	struct msghdr msg = {
		.msg_iter = {.buffer = (unsigned char *)bytes, .count = length, .fault_at = fault_at, .of_user = true}};

	return send_message(vsk, &msg);
}

ssize_t user_send(struct vsock_sock *vsk, const void *bytes, size_t length)
{
	return user_send_flags(vsk, bytes, length, 0);
}

/* __vsock_connectible_recvmsg(), one round of it */
ssize_t user_receive_fault(struct vsock_sock *vsk, void *bytes, size_t length, int flags, size_t fault_at)
{
	struct msghdr msg = {.msg_iter = {.buffer = bytes, .count = length, .fault_at = fault_at}};
	const struct vsock_transport *transport = vsk->transport;
	ssize_t n = 0;
	s64 data;

	lock_sock(&vsk->sk);
	if (!transport || vsk->sk.sk_state != TCP_ESTABLISHED) {
		n = vsk->sk.flags & 1u << SOCK_DONE ? 0 : -ENOTCONN;
	} else if (!(vsk->sk.sk_shutdown & RCV_SHUTDOWN) && length) {
		bool records = vsk->sk.sk_type == SOCK_SEQPACKET;

		data = records ? (s64)transport->seqpacket_has_data(vsk) : transport->stream_has_data(vsk);
		if (data > 0) {
			n = records ? transport->seqpacket_dequeue(vsk, &msg, flags) :
				      transport->stream_dequeue(vsk, &msg, length, flags);
			if (records && n >= 0) {
				size_t real = (size_t)n;

				if (vsk->sk.sk_err)
					n = -vsk->sk.sk_err;
				else if (!(flags & MSG_TRUNC))
					n = (ssize_t)msg.msg_iter.done;
				if (real > length)
					msg.msg_flags |= MSG_TRUNC;
			}
		} else {
			n = vsk->sk.sk_err ? -vsk->sk.sk_err : vsk->peer_shutdown & SEND_SHUTDOWN ? 0 : -EAGAIN;
		}
	}
	release_sock(&vsk->sk);
	received_flags = msg.msg_flags;
	return n;
}

ssize_t user_receive_flags(struct vsock_sock *vsk, void *bytes, size_t length, int flags)
{
	return user_receive_fault(vsk, bytes, length, flags, 0);
}

ssize_t user_receive(struct vsock_sock *vsk, void *bytes, size_t length)
{
	return user_receive_flags(vsk, bytes, length, 0);
}

/* vsock_poll() */
int user_poll(struct vsock_sock *vsk)
{
	const struct vsock_transport *transport = vsk->transport;
	bool in = false, out = false;

	if (vsk->sk.sk_type == SOCK_DGRAM)
		return (vsk->sk.sk_receive_queue.first ? POLLED_IN : 0) | POLLED_OUT;
	lock_sock(&vsk->sk);
	if (transport && transport->stream_is_active(vsk) && !(vsk->sk.sk_shutdown & RCV_SHUTDOWN))
		transport->notify_poll_in(vsk, (size_t)vsk->sk.sk_rcvlowat, &in);
	if (transport && vsk->sk.sk_state == TCP_ESTABLISHED && !(vsk->sk.sk_shutdown & SEND_SHUTDOWN))
		transport->notify_poll_out(vsk, 1, &out);
	release_sock(&vsk->sk);
	return (in || vsk->peer_shutdown & SEND_SHUTDOWN ? POLLED_IN : 0) | (out ? POLLED_OUT : 0);
}

/* __vsock_bind() */
int user_bind(struct vsock_sock *vsk, u32 cid, u32 port)
{
	struct sockaddr_vm address = {cid, port};
	int err = -EINVAL;

	lock_sock(&vsk->sk);
	if (vsk->local_addr.svm_port == VMADDR_PORT_ANY)
		err = vsk->transport->dgram_bind(vsk, &address);
	release_sock(&vsk->sk);
	return err;
}

void user_connect_datagrams(struct vsock_sock *vsk, u32 cid, u32 port)
{
	vsock_addr_init(&vsk->remote_addr, cid, port);
}

/* vsock_dgram_sendmsg() */
ssize_t user_send_to(struct vsock_sock *vsk, u32 cid, u32 port, const void *bytes, size_t length)
{
	struct msghdr msg = {.msg_iter = {.buffer = (unsigned char *)bytes, .count = length, .of_user = true}};
	struct sockaddr_vm to = {cid, port}, any = {VMADDR_CID_ANY, VMADDR_PORT_ANY};
	ssize_t n = 0;

	lock_sock(&vsk->sk);
	if (vsk->local_addr.svm_port == VMADDR_PORT_ANY)
		n = vsk->transport->dgram_bind(vsk, &any);
	if (!n && !vsk->transport->dgram_allow(cid, port))
		n = -EINVAL;
	if (!n)
		n = vsk->transport->dgram_enqueue(vsk, &to, &msg, length);
	release_sock(&vsk->sk);
	if (n >= 0 && msg.msg_iter.done != length)
		violation("%zd bytes are said to be sent, %zu are", n, msg.msg_iter.done);
	return n;
}

ssize_t user_receive_from(struct vsock_sock *vsk, struct sockaddr_vm *from, void *bytes, size_t length, int flags)
{
	struct msghdr msg = {.msg_iter = {.buffer = bytes, .count = length}, .msg_name = from};
	ssize_t n = vsk->transport->dgram_dequeue(vsk, &msg, length, flags);

	received_flags = msg.msg_flags;
	return n;
}

void user_shutdown(struct vsock_sock *vsk, int how)
{
	lock_sock(&vsk->sk);
	if (vsk->sk.sk_state == TCP_ESTABLISHED) {
		vsk->sk.sk_shutdown |= how;
		vsk->transport->shutdown(vsk, how);
	}
	release_sock(&vsk->sk);
}

void user_close(struct vsock_sock *vsk)
{
	struct vsock_sock *child;

	lock_sock(&vsk->sk);
	if (vsk->transport)
		vsk->transport->release(vsk);
	vsk->sk.sk_socket = NULL;
	vsk->sk.sk_shutdown = SHUTDOWN_MASK;
	vsk->sk.sk_state = TCP_CLOSE;
	/* An error comes before what waits. */
	vsk->sk.sk_err = 0;
	while (vsk->sk.sk_receive_queue.first)
		kfree_skb(skb_recv_datagram(&vsk->sk, 0, &(int){0}));
	while ((child = user_accept(vsk)))
		user_close(child);
	release_sock(&vsk->sk);
	sock_put(&vsk->sk);
}
