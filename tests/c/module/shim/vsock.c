#include <net/af_vsock.h>

extern struct vsock_transport v4v_transport;

void (*on_lock_sock)(struct sock *sk);

static struct vsock_sock *all;
static struct socket files;

static void wake(struct sock *sk)
{
	sk->woken++;
}

struct vsock_sock *user_socket(void)
{
	struct vsock_sock *vsk = calloc(1, sizeof(*vsk));

	vsk->sk = (struct sock){.sk_refcnt = {1}, .sk_state = TCP_CLOSE, .sk_type = SOCK_STREAM, .sk_socket = &files,
				.sk_state_change = wake, .sk_data_ready = wake, .sk_write_space = wake};
	vsk->buffer_size = 256 * 1024;
	vsk->next = all;
	all = vsk;
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
	if (vsk->transport)
		vsk->transport->destruct(vsk);
	forget(vsk);
	free(vsk);
}

struct sock *vsock_create_connected(struct sock *parent)
{
	struct vsock_sock *vsk;

	if (failing_allocation && !--failing_allocation)
		return NULL;
	vsk = user_socket();
	vsk->sk.sk_socket = NULL;
	vsk->buffer_size = vsock_sk(parent)->buffer_size;
	return &vsk->sk;
}

int vsock_assign_transport(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	int err;

	if (vsk->transport)
		return 0;
	err = v4v_transport.init(vsk, parent);
	if (!err)
		vsk->transport = &v4v_transport;
	return err;
}

struct sock *vsock_find_bound_socket(struct sockaddr_vm *address)
{
	for (struct vsock_sock *vsk = all; vsk; vsk = vsk->next)
		if (vsk->sk.sk_state == TCP_LISTEN && vsk->local_addr.svm_port == address->svm_port) {
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

void vsock_remove_sock(struct vsock_sock *vsk)
{
	if (vsk->connected) {
		vsk->connected = false;
		sock_put(&vsk->sk);
	}
}

void vsock_enqueue_accept(struct sock *listener, struct sock *connected)
{
	vsock_sk(connected)->waits_for = vsock_sk(listener);
	hold(vsock_sk(connected));
	hold(vsock_sk(listener));
}

struct vsock_sock *user_listen(u32 port)
{
	struct vsock_sock *vsk = user_socket();

	vsk->sk.sk_state = TCP_LISTEN;
	vsk->local_addr.svm_port = port;
	return vsk;
}

int user_connect(struct vsock_sock *vsk, u32 cid, u32 port)
{
	int err;

	lock_sock(&vsk->sk);
	vsock_addr_init(&vsk->remote_addr, cid, port);
	vsk->local_addr.svm_port = 40000;
	vsk->sk.sk_err = 0;
	err = v4v_transport.stream_allow(cid, port) ? vsock_assign_transport(vsk, NULL) : -ENETUNREACH;
	if (!err) {
		vsk->sk.sk_state = TCP_SYN_SENT;
		err = vsk->transport->connect(vsk);
	}
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

ssize_t user_send(struct vsock_sock *vsk, const void *bytes, size_t length)
{
	struct msghdr msg = {.msg_iter = {.buffer = (unsigned char *)bytes, .count = length, .of_user = true}};
	ssize_t n = -EPIPE;

	lock_sock(&vsk->sk);
	if (vsk->sk.sk_state == TCP_ESTABLISHED && !(vsk->peer_shutdown & RCV_SHUTDOWN))
		n = vsk->transport->stream_has_space(vsk) > 0 ? vsk->transport->stream_enqueue(vsk, &msg, length) : -EAGAIN;
	release_sock(&vsk->sk);
	return n;
}

ssize_t user_receive(struct vsock_sock *vsk, void *bytes, size_t length)
{
	struct msghdr msg = {.msg_iter = {.buffer = bytes, .count = length}};
	ssize_t n = 0;

	lock_sock(&vsk->sk);
	if (vsk->sk.sk_state == TCP_ESTABLISHED) {
		if (vsk->transport->stream_has_data(vsk) > 0)
			n = vsk->transport->stream_dequeue(vsk, &msg, length, 0);
		else
			n = vsk->sk.sk_err ? -vsk->sk.sk_err : vsk->peer_shutdown & SEND_SHUTDOWN ? 0 : -EAGAIN;
	}
	release_sock(&vsk->sk);
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
	while ((child = user_accept(vsk)))
		user_close(child);
	release_sock(&vsk->sk);
	sock_put(&vsk->sk);
}
