/*
 * FUZZ_COUNT (default 300000) steps of connections that move to rings at any time, in both directions: a far end that
 * sends by TCP (where bytes are late) or by the ring as it likes, a program here that reads, peeks, throws away and
 * sends, rings that are full or lost, refused offers. Every byte is read once and in its order at either end, and
 * nobody is told to wait for what is there. Seed: FUZZ_SEED, default 1.
 */
#include <stdlib.h>

#include "random.h"
#include "tcp_peer.h"

#define LONGEST 2000u

uint64_t random_state;

static struct connection one;
static struct hv_ring *ring;

/* What the far end sends: the n-th byte of its stream is byte(n). */
static u32 far_sent, read_here;
/* Of these, by TCP and on the way; and the sequence number behind them. */
static unsigned char on_the_way[LONGEST * 64];
static u32 nr_on_the_way, far_seq;
static bool far_in_ring, far_ended;

/* What the program here sent, and what of it left by which way. */
static u32 sent_here;
struct piece {
	bool is_mark;
	u32 seq;
	unsigned char *bytes;
	u32 length;
};
static struct piece log_[4096];
static unsigned int nr_log;
static unsigned char by_tcp[LONGEST * 512];
static u32 nr_by_tcp;
static bool lost;

static unsigned char byte(u32 n)
{
	return (unsigned char)(n * 2654435761u >> 24 ^ n);
}

static void fill(unsigned char *to, u32 from, u32 length)
{
	for (u32 i = 0; i < length; i++)
		to[i] = byte(from + i);
}

static long take(const struct v4v_sendv *args, const void *payload)
{
	struct piece *piece = &log_[nr_log];

	if (args->dst.port != FAR_RING)
		return 1;
	if (lost)
		return -ECONNREFUSED;
	if (nr_log == ARRAY_SIZE(log_))
		abort();
	*piece = (struct piece){.is_mark = args->type == V4V_TYPE_MARK, .seq = args->src_port, .length = args->length};
	piece->bytes = malloc(args->length + 1);
	/* As much of it as is taken. */
	if (hv.room != ~0u && args->length + 16 > hv.room)
		piece->length = (hv.room - 16) & ~15u;
	memcpy(piece->bytes, payload, piece->length);
	nr_log++;
	return 1;
}

static void far_sends(void)
{
	unsigned char bytes[LONGEST];
	u32 length = 1 + below(once_in(3) ? LONGEST : 40);

	if (far_ended)
		return;
	fill(bytes, far_sent, length);
	if (ring && !once_in(4)) {
		long taken;

		if (!far_in_ring) {
			hv.put_port = far_seq;
			if (hv_put(ring, PEER, V4V_TYPE_MARK, "", 0, false))
				return;
			far_in_ring = true;
		}
		taken = hv_put(ring, PEER, V4V_TYPE_STREAM, bytes, length, true);
		far_sent += taken > 0 ? (u32)taken : 0;
		v4v_move_event();
		return;
	}
	if (length > sizeof(on_the_way) - nr_on_the_way)
		return;
	memcpy(on_the_way + nr_on_the_way, bytes, length);
	nr_on_the_way += length;
	far_sent += length;
	far_seq += length;
	far_in_ring = false;
}

static void tcp_brings(u32 most)
{
	u32 room = TCP_SHIM_BUFFER - (one.tcp->rcv_nxt - one.tcp->copied_seq);
	u32 n = min(min(nr_on_the_way, room), most);

	tcp_arrives(one.tcp, on_the_way, n);
	nr_on_the_way -= n;
	memmove(on_the_way, on_the_way + n, nr_on_the_way);
}

/* Bytes that can be read now, by the book: all that was sent but what TCP has on the way or what waits behind that. */
static void reads(void)
{
	unsigned char bytes[LONGEST];
	u32 length = 1 + below(LONGEST);
	int flags = once_in(4) ? MSG_PEEK : once_in(8) ? MSG_TRUNC : 0;
	u32 in_tcp = one.tcp->rcv_nxt - one.tcp->copied_seq - (far_ended && sock_flag(&one.tcp->sk, SOCK_DONE));
	bool readable = v4v_ulp_is_readable(&one.tcp->sk) || in_tcp;
	ssize_t n = tcp_receive(&one, bytes, length, flags);
	bool all_here = !nr_on_the_way;

	if (readable != (n > 0)) {
		printf("# poll says %d, a read %zd\n", readable, n);
		CHECK(false);
	}
	if (n <= 0) {
		/* Nothing is withheld. */
		CHECK(!all_here || read_here == far_sent);
		CHECK(n == (sock_flag(&one.tcp->sk, SOCK_DONE) ? 0 : -EAGAIN));
		return;
	}
	for (ssize_t i = 0; i < n && !(flags & MSG_TRUNC); i++)
		if (bytes[i] != byte(read_here + (u32)i)) {
			printf("# byte %zd behind %u is wrong\n", i, read_here);
			CHECK(false);
			return;
		}
	if (!(flags & MSG_PEEK))
		read_here += (u32)n;
	CHECK(read_here <= far_sent);
}

static void sends(void)
{
	unsigned char bytes[LONGEST];
	u32 length = 1 + below(once_in(3) ? LONGEST : 40);
	int flags = once_in(12) ? MSG_OOB : once_in(12) ? MSG_MORE : once_in(20) ? MSG_ZEROCOPY : 0;
	ssize_t n;

	if (sent_here > LONGEST * 400)
		return;
	hv.room = once_in(4) ? 16 * below(40) : ~0u;
	fill(bytes, sent_here, length);
	n = tcp_send(&one, bytes, length, flags);
	CHECK(n > 0 || n == -EAGAIN);
	sent_here += n > 0 ? (u32)n : 0;
	hv.room = ~0u;
	if (once_in(2))
		v4v_move_event();
	if (once_in(3))
		nr_by_tcp += tcp_sent(one.tcp, by_tcp + nr_by_tcp, below(LONGEST));
}

/* The far end puts together what it got. */
static void check_far(void)
{
	u32 at = 0, seq = OWN_ISN + 1, n = 0;

	nr_by_tcp += tcp_sent(one.tcp, by_tcp + nr_by_tcp, TCP_SHIM_BUFFER);
	for (unsigned int i = 0; i < nr_log; i++) {
		if (log_[i].is_mark)
			for (; seq != log_[i].seq && at < nr_by_tcp; seq++, at++, n++)
				CHECK(by_tcp[at] == byte(n));
		else
			for (u32 j = 0; j < log_[i].length; j++, n++)
				CHECK(log_[i].bytes[j] == byte(n));
		if (log_[i].is_mark && seq != log_[i].seq) {
			printf("# a mark at %u, TCP has brought %u\n", log_[i].seq, seq);
			CHECK(false);
		}
		free(log_[i].bytes);
	}
	for (; at < nr_by_tcp; at++, n++)
		CHECK(by_tcp[at] == byte(n));
	CHECK_EQUAL(n, sent_here);
}

static void moves(bool accepting)
{
	if (accepting)
		far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, one.move->rx.id.port, FAR_ISN);
	else
		far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	ring = hv_find(one.move->rx.id.port, PEER);
}

static void forged(bool accepting)
{
	far_says(once_in(2) ? PEER : STRANGER, accepting ? V4V_OP_TCP_ACCEPT : V4V_OP_TCP_OFFER, FAR_RING + 1,
		 accepting ? one.move->rx.id.port : 0, FAR_ISN + 1 + below(5));
}

static unsigned long one_connection(void)
{
	bool accepting = once_in(2);
	unsigned long steps = 20 + below(200);

	ring = NULL;
	far_sent = read_here = nr_on_the_way = sent_here = nr_by_tcp = 0;
	nr_log = 0;
	far_in_ring = far_ended = lost = false;
	far_seq = FAR_ISN + 1;
	connection_open(&one, accepting);
	if (accepting && once_in(10))
		far_says(PEER, V4V_OP_TCP_REFUSE, 0, one.move->rx.id.port, 0);
	for (unsigned long i = 0; i < steps && !check_failed; i++) {
		switch (below(5)) {
		case 0:
			far_sends();
			break;
		case 1:
			tcp_brings(below(LONGEST));
			break;
		case 2:
			sends();
			break;
		default:
			reads();
		}
		if (!ring && once_in(30)) {
			forged(accepting);
			moves(accepting);
		}
		if (once_in(400))
			lost = true;
	}
	/* To the end. */
	for (unsigned int i = 0; i < 3000 && !check_failed && (nr_on_the_way || read_here != far_sent); i++) {
		tcp_brings(LONGEST);
		reads();
	}
	far_ended = true;
	tcp_ends(one.tcp);
	reads();
	CHECK_EQUAL(read_here, far_sent);
	check_far();
	connection_close(&one);
	return steps;
}

static void connections(void)
{
	const char *count = getenv("FUZZ_COUNT"), *seed = getenv("FUZZ_SEED");
	long left = count ? atol(count) : 300000;

	random_start(seed ? strtoul(seed, NULL, 10) : 1);
	peer_start();
	while (left > 0 && !check_failed) {
		long (*of_peer)(const struct v4v_sendv *, const void *) = hv.on_send;

		hv.on_send = take;
		left -= (long)one_connection();
		hv.on_send = of_peer;
	}
	peer_stop();
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(connections);
}
