/*
 * AF_VSOCK's core as the transport sees it: sockets with references and a lock, and what net/vmw_vsock/af_vsock.c does
 * with them, as far as the transport takes part (vsock.c).
 */
#ifndef SHIM_NET_AF_VSOCK_H
#define SHIM_NET_AF_VSOCK_H

#include <linux/list.h>
#include <linux/net.h>
#include <linux/spinlock.h>

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_CLOSE = 7, TCP_LISTEN = 10 };
enum { RCV_SHUTDOWN = 1, SEND_SHUTDOWN = 2, SHUTDOWN_MASK = 3 };
enum { MSG_OOB = 1, MSG_PEEK = 2, MSG_TRUNC = 0x20, MSG_EOR = 0x80, MSG_ERRQUEUE = 0x2000 };
enum { POLLED_IN = 1, POLLED_OUT = 2 };
#define VMADDR_CID_ANY UINT32_MAX
#define VMADDR_PORT_ANY UINT32_MAX
#define LAST_RESERVED_PORT 1023
#define VSOCK_HASH_SIZE 251
extern struct list_head vsock_bind_table[VSOCK_HASH_SIZE + 1];
extern spinlock_t vsock_table_lock;
enum sock_flags { SOCK_DONE, SOCK_RCU_FREE, SOCK_URGINLINE, SOCK_FASYNC };

typedef struct {
	unsigned int count;
} refcount_t;

static inline bool refcount_inc_not_zero(refcount_t *refs)
{
	return refs->count && ++refs->count;
}

static inline void refcount_set(refcount_t *refs, unsigned int count)
{
	refs->count = count;
}

static inline void refcount_inc(refcount_t *refs)
{
	if (!refs->count++)
		violation("a reference is taken of what has none");
}

static inline bool refcount_dec_and_test(refcount_t *refs)
{
	if (!refs->count)
		violation("a reference is put that nobody has");
	return !--refs->count;
}

struct socket {
	int state;
	unsigned long flags;
	struct sock *sk;
	void *file;
};

struct msghdr {
	struct iov_iter msg_iter;
	int msg_flags;
	void *msg_name;
	int msg_namelen;
	size_t msg_controllen;
};

#define DECLARE_SOCKADDR(type, to, from) type to = (from)

struct sockaddr_vm {
	u32 svm_cid, svm_port;
};

struct sock {
	refcount_t sk_refcnt;
	int sk_state, sk_type, sk_err, sk_shutdown;
	struct socket *sk_socket;
	bool locked;
	unsigned int flags, accept_backlog;
	unsigned int woken, errors;
	/* Somebody waits for it, as epoll does all the time. */
	bool polled;
	/* Of datagrams. */
	atomic_t sk_rmem_alloc;
	long sk_rcvbuf;
	struct {
		struct sk_buff *first;
	} sk_receive_queue;
	bool refuses_skb;
	int sk_rcvlowat;
	void (*sk_state_change)(struct sock *sk);
	void (*sk_data_ready)(struct sock *sk);
	void (*sk_write_space)(struct sock *sk);
};

struct vsock_sock {
	struct sock sk;
	const struct vsock_transport *transport;
	void *trans;
	struct sockaddr_vm local_addr, remote_addr;
	u32 peer_shutdown;
	u64 buffer_size;
	struct list_head bound_table;
	/* Of the tests: all sockets, and who waits to be accepted by whom. */
	struct vsock_sock *next, *waits_for;
	bool connected;
};

struct vsock_transport_recv_notify_data;
struct vsock_transport_send_notify_data;
typedef int (*skb_read_actor_t)(struct sock *, struct sk_buff *);

struct vsock_transport {
	void *module;
	int (*init)(struct vsock_sock *, struct vsock_sock *);
	void (*destruct)(struct vsock_sock *);
	void (*release)(struct vsock_sock *);
	int (*cancel_pkt)(struct vsock_sock *);
	int (*connect)(struct vsock_sock *);
	int (*shutdown)(struct vsock_sock *, int);
	int (*dgram_bind)(struct vsock_sock *, struct sockaddr_vm *);
	int (*dgram_dequeue)(struct vsock_sock *, struct msghdr *, size_t, int);
	int (*dgram_enqueue)(struct vsock_sock *, struct sockaddr_vm *, struct msghdr *, size_t);
	bool (*dgram_allow)(u32, u32);
	ssize_t (*stream_dequeue)(struct vsock_sock *, struct msghdr *, size_t, int);
	ssize_t (*stream_enqueue)(struct vsock_sock *, struct msghdr *, size_t);
	s64 (*stream_has_data)(struct vsock_sock *);
	s64 (*stream_has_space)(struct vsock_sock *);
	u64 (*stream_rcvhiwat)(struct vsock_sock *);
	bool (*stream_is_active)(struct vsock_sock *);
	bool (*stream_allow)(u32, u32);
	ssize_t (*seqpacket_dequeue)(struct vsock_sock *, struct msghdr *, int);
	int (*seqpacket_enqueue)(struct vsock_sock *, struct msghdr *, size_t);
	bool (*seqpacket_allow)(u32);
	u32 (*seqpacket_has_data)(struct vsock_sock *);
	int (*notify_poll_in)(struct vsock_sock *, size_t, bool *);
	int (*notify_poll_out)(struct vsock_sock *, size_t, bool *);
	int (*notify_recv_init)(struct vsock_sock *, size_t, struct vsock_transport_recv_notify_data *);
	int (*notify_recv_pre_block)(struct vsock_sock *, size_t, struct vsock_transport_recv_notify_data *);
	int (*notify_recv_pre_dequeue)(struct vsock_sock *, size_t, struct vsock_transport_recv_notify_data *);
	int (*notify_recv_post_dequeue)(struct vsock_sock *, size_t, ssize_t, bool,
					struct vsock_transport_recv_notify_data *);
	int (*notify_send_init)(struct vsock_sock *, struct vsock_transport_send_notify_data *);
	int (*notify_send_pre_block)(struct vsock_sock *, struct vsock_transport_send_notify_data *);
	int (*notify_send_pre_enqueue)(struct vsock_sock *, struct vsock_transport_send_notify_data *);
	int (*notify_send_post_enqueue)(struct vsock_sock *, ssize_t, struct vsock_transport_send_notify_data *);
	void (*notify_buffer_size)(struct vsock_sock *, u64 *);
	ssize_t (*unsent_bytes)(struct vsock_sock *);
	u32 (*get_local_cid)(void);
	int (*read_skb)(struct vsock_sock *, skb_read_actor_t);
};

#define sk_vsock(vsk) (&(vsk)->sk)
#define vsock_sk(sock) container_of(sock, struct vsock_sock, sk)
#define sock_set_flag(sock, flag) ((sock)->flags |= 1u << (flag))
#define sock_reset_flag(sock, flag) ((sock)->flags &= ~(1u << (flag)))
#define sk_sleep(sock) (&(sock)->polled)
#define wq_has_sleeper(polled) (*(polled))
#define sk_error_report(sock) ((void)(sock)->errors++, (void)(sock)->woken++)
#define sk_acceptq_added(sock) ((void)(sock)->accept_backlog++)
#define sk_acceptq_is_full(sock) ((sock)->accept_backlog > 4)
#define SINGLE_DEPTH_NESTING 1
#define lock_sock_nested(sock, depth) lock_sock(sock)

static inline void vsock_addr_init(struct sockaddr_vm *address, u32 cid, u32 port)
{
	*address = (struct sockaddr_vm){cid, port};
}

/* Before the lock is had: what its holder did until then. */
extern void (*on_lock_sock)(struct sock *sk);

void lock_sock(struct sock *sk);
void release_sock(struct sock *sk);
void sock_put(struct sock *sk);
struct sock *vsock_create_connected(struct sock *parent);
int vsock_assign_transport(struct vsock_sock *vsk, struct vsock_sock *parent);
struct sock *vsock_find_bound_socket(struct sockaddr_vm *address);
void vsock_insert_connected(struct vsock_sock *vsk);
void vsock_remove_connected(struct vsock_sock *vsk);
void vsock_remove_sock(struct vsock_sock *vsk);
void vsock_enqueue_accept(struct sock *listener, struct sock *connected);

/*
 * What programs do, without waiting. What net/vmw_vsock/af_vsock.c does with the socket's state is done as it does it.
 */
struct vsock_sock *user_socket(int type);
struct vsock_sock *user_listen(int type, u32 port);
/* Of datagram sockets only. */
int user_bind(struct vsock_sock *vsk, u32 cid, u32 port);
void user_connect_datagrams(struct vsock_sock *vsk, u32 cid, u32 port);
ssize_t user_send_to(struct vsock_sock *vsk, u32 cid, u32 port, const void *bytes, size_t length);
ssize_t user_receive_from(struct vsock_sock *vsk, struct sockaddr_vm *from, void *bytes, size_t length, int flags);
/* msg_flags of the last message that was received. */
extern int received_flags;
/* POLLED_* */
int user_poll(struct vsock_sock *vsk);
int user_connect(struct vsock_sock *vsk, u32 cid, u32 port);
/* What waits in connect() goes on: its result. */
int user_connected(struct vsock_sock *vsk);
void user_cancel(struct vsock_sock *vsk);
struct vsock_sock *user_accept(struct vsock_sock *listener);
ssize_t user_send(struct vsock_sock *vsk, const void *bytes, size_t length);
ssize_t user_send_flags(struct vsock_sock *vsk, const void *bytes, size_t length, int flags);
/* As user_send(), but from `fault_at` on the program's memory cannot be accessed. */
ssize_t user_send_fault(struct vsock_sock *vsk, const void *bytes, size_t length, size_t fault_at);
ssize_t user_receive(struct vsock_sock *vsk, void *bytes, size_t length);
ssize_t user_receive_flags(struct vsock_sock *vsk, void *bytes, size_t length, int flags);
/* As user_receive(), but from `fault_at` on the program's memory cannot be accessed. */
ssize_t user_receive_fault(struct vsock_sock *vsk, void *bytes, size_t length, int flags, size_t fault_at);
void user_shutdown(struct vsock_sock *vsk, int how);
void user_close(struct vsock_sock *vsk);
/* How many sockets there are. */
unsigned int sockets(void);

#endif
