/*
 * FUZZ_COUNT (default 100000) steps of other domains that say what they like on the control ring and on rings of
 * connections, while programs here connect, accept, send, receive and close, memory runs out now and then and domains
 * die; by a seeded generator (FUZZ_SEED, default 1). Sockets, rings and memory balance; a socket hears of nobody but
 * the domain it talks to. Sockets are of all types, and now and then the module's domain becomes another one.
 */
#include <linux/proc_fs.h>
#include <stdlib.h>

#include "peer.h"
#include "random.h"

#define MOST_SOCKETS 12u
#define STEPS_OF_A_ROUND 400u

uint64_t random_state;

static struct vsock_sock *listeners[2], *users[MOST_SOCKETS];
static unsigned char bytes[20000];
/* What a domain said was not all that happened. */
static bool more_happened;

static u16 any_domain(void)
{
	return (u16)(PEER + below(3));
}

static u16 any_type(void)
{
	static const u16 types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

	return types[below(3)];
}

static bool is_dgram(const struct vsock_sock *vsk)
{
	return vsk && vsk->sk.sk_type == SOCK_DGRAM;
}

static struct v4v_conn *conn_of(const struct vsock_sock *vsk)
{
	return vsk && vsk->transport ? vsk->trans : NULL;
}

/* A ring of ours by its number, as a peer knows its own and guesses others'. */
static u32 any_ring(void)
{
	return once_in(6) ? odd_number() : once_in(8) || !hv.nr_rings ? below(3) : hv.rings[below(hv.nr_rings)].id.port;
}

/* What others can change of a socket. */
struct state {
	int state, err;
	u32 peer_shutdown, peer_ring;
};

static struct state state_of(const struct vsock_sock *vsk)
{
	return (struct state){vsk->sk.sk_state, vsk->sk.sk_err, vsk->peer_shutdown, conn_of(vsk)->peer_ring};
}

static void a_domain_speaks(void)
{
	u16 from = any_domain();
	struct v4v_control message = {
		.version = once_in(30) ? (u8)any() : V4V_CONTROL_VERSION,
		.op = (u8)(once_in(30) ? any() : 1 + below(4)),
		.type = once_in(20) ? (u16)odd_number() : any_type(),
		.src_port = any(),
		.dst_port = once_in(10) ? any() : LISTEN_PORT + below(2),
		.ring = once_in(6) ? odd_number() : 1024 + below(100),
		.about = any_ring(),
		.flags = once_in(2) ? below(4) : odd_number(),
	};
	u32 length = once_in(30) ? below(100) : sizeof(message);
	struct state before[MOST_SOCKETS];
	unsigned char text[100] = {0};

	/* What others said before is heard first. */
	v4v_control_event();
	run_work();
	for (unsigned int i = 0; i < MOST_SOCKETS; i++)
		if (conn_of(users[i]))
			before[i] = state_of(users[i]);
	memcpy(text, &message, sizeof(message));
	more_happened = false;
	peer_puts(from, text, length, once_in(30) ? any() : V4V_TYPE_CONTROL);
	for (unsigned int i = 0; i < MOST_SOCKETS; i++)
		if (!more_happened && conn_of(users[i]) && !is_dgram(users[i]) && conn_of(users[i])->peer != from) {
			struct state after = state_of(users[i]);

			if (memcmp(&before[i], &after, sizeof(after)) != 0)
				violation("domain %u has changed a connection with another", from);
		}
}

static void data_come(void)
{
	struct hv_ring *ring = hv.nr_rings ? &hv.rings[below(hv.nr_rings)] : NULL;

	if (!ring || ring->id.port < V4V_FIRST_DATA_PORT)
		return;
	hv.put_port = once_in(5) ? any() : V4V_DGRAM_PORTS + below(1000);
	if (ring->id.partner == V4V_ANY)
		hv_put(ring, any_domain(), once_in(5) ? any() : V4V_TYPE_DGRAM, bytes, below(sizeof(bytes)), false);
	else
		hv_put(ring, ring->id.partner, any(), bytes, once_in(5) ? 0 : below(sizeof(bytes)), once_in(2));
	if (once_in(15) && ring->id.partner != V4V_ANY)
		ring->shared->state = V4V_RING_PARTNER_GONE;
}

static void datagrams_are_used(struct vsock_sock *vsk)
{
	struct sockaddr_vm from;

	switch (below(5)) {
	case 0:
		user_bind(vsk, once_in(10) ? any() : VMADDR_CID_ANY, once_in(2) ? VMADDR_PORT_ANY : once_in(3) ? any() : below(3000));
		break;
	case 1:
		user_send_to(vsk, once_in(10) ? any() : v4v_cid(any_domain()), any(), bytes, below(sizeof(bytes)));
		break;
	case 2:
		user_connect_datagrams(vsk, v4v_cid(any_domain()), once_in(2) ? VMADDR_PORT_ANY : below(1000));
		break;
	default:
		user_receive_from(vsk, &from, bytes, below(sizeof(bytes)), once_in(3) ? MSG_PEEK : 0);
	}
}

static void a_program_acts(unsigned int i)
{
	if (!users[i]) {
		users[i] = once_in(2) ? user_accept(listeners[below(2)]) : user_socket(any_type());
		if (is_dgram(users[i]))
			users[i]->sk.sk_rcvbuf = below(30000);
		if (users[i])
			users[i]->sk.polled = once_in(2);
		return;
	}
	if (is_dgram(users[i]) && !once_in(8)) {
		datagrams_are_used(users[i]);
		return;
	}
	if (is_dgram(users[i])) {
		user_close(users[i]);
		users[i] = NULL;
		return;
	}
	switch (below(8)) {
	case 0:
		if (users[i]->sk.sk_state == TCP_CLOSE)
			user_connect(users[i], once_in(10) ? any() : v4v_cid(any_domain()), any());
		break;
	case 1:
		if (once_in(2))
			user_cancel(users[i]);
		else
			user_connected(users[i]);
		break;
	case 2:
		user_shutdown(users[i], (int)(1 + below(3)));
		break;
	case 3:
		user_close(users[i]);
		users[i] = NULL;
		break;
	case 4:
		if (once_in(4))
			user_send_fault(users[i], bytes, sizeof(bytes), 1 + below(sizeof(bytes)));
		else
			user_send_flags(users[i], bytes, 1 + below(sizeof(bytes)), once_in(2) ? MSG_EOR : 0);
		break;
	case 5:
		user_poll(users[i]);
		break;
	default:
		user_receive_flags(users[i], bytes, below(sizeof(bytes)), once_in(3) ? MSG_PEEK : 0);
	}
}

static long moody(u16 to)
{
	return once_in(5)  ? -EAGAIN :
	       once_in(20) ? -ECONNREFUSED :
	       once_in(20) ? -EACCES :
	       once_in(20) ? -ENOMEM :
			     1;
}

/* While a ring is made, and its owner cannot be found yet. */
static void things_happen(struct hv_ring *ring)
{
	more_happened = true;
	if (ring->id.partner != V4V_ANY && once_in(2))
		ring->shared->state = V4V_RING_PARTNER_GONE;
	else
		hv_put(ring, ring->id.partner == V4V_ANY ? any_domain() : ring->id.partner, V4V_TYPE_DGRAM, bytes, 9, false);
	v4v_conn_event();
	if (once_in(4)) {
		hv_become((u16)(30 + below(100)));
		v4v_control_resume();
	}
}

static void step(void)
{
	control_result = once_in(2) ? moody : NULL;
	hv.room = once_in(2) ? ~0u : below(40000) & ~15u;
	hv.register_error = once_in(30) ? -ENOSPC : once_in(60) ? -ESRCH : 0;
	failing_allocation = once_in(20) ? 1 + below(6) : 0;
	hv.nr_sent = nr_answers = 0;
	hv.on_register = once_in(20) ? things_happen : NULL;
	switch (below(4)) {
	case 0:
		a_domain_speaks();
		break;
	case 1:
		data_come();
		break;
	default:
		a_program_acts(below(MOST_SOCKETS));
	}
	failing_allocation = 0;
	if (once_in(2)) {
		v4v_control_event();
		v4v_conn_event();
	}
	if (once_in(2))
		run_work();
	if (once_in(150)) {
		hv_become((u16)(30 + below(100)));
		v4v_control_resume();
		if (once_in(3))
			hv_become((u16)(30 + below(100)));
		/* The control ring is no use without memory; a program does not expect that it is. */
		hv.register_error = 0;
		hv.on_register = NULL;
		run_work();
		if (!hv_find(V4V_CONTROL_PORT, V4V_ANY))
			violation("after a resume there is no control ring");
	}
	if (once_in(50) && !proc_read("connections"))
		violation("there are no statistics");
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

static void whatever_others_say_all_balances(void)
{
	unsigned long count = from_environment("FUZZ_COUNT", 100000), seed = from_environment("FUZZ_SEED", 1);

	for (unsigned long steps = 0; steps < count && !check_failed; seed++) {
		random_start(seed);
		peer_start();
		listeners[0] = user_listen(SOCK_STREAM, LISTEN_PORT);
		listeners[1] = user_listen(SOCK_SEQPACKET, LISTEN_PORT + 1);
		for (unsigned int i = 0; i < STEPS_OF_A_ROUND && !check_failed; i++, steps++)
			step();
		control_result = NULL;
		hv.room = ~0u;
		hv.register_error = 0;
		for (unsigned int i = 0; i < MOST_SOCKETS; i++)
			if (users[i]) {
				user_close(users[i]);
				users[i] = NULL;
			}
		user_close(listeners[0]);
		user_close(listeners[1]);
		peer_stop();
		if (hv.nr_rings || kernel_blocks || pinned_pages)
			violation("%u rings, %u blocks, %ld pages are left", hv.nr_rings, kernel_blocks, pinned_pages);
		if (check_failed)
			printf("# FUZZ_SEED=%lu\n", seed);
	}
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(whatever_others_say_all_balances);
}
