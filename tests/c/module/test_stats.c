/* What /proc/v4v says of domains and connections. */
#include <linux/proc_fs.h>
#include <stdio.h>

#include "peer.h"

static unsigned char bytes[5000], got[5000];

struct line {
	unsigned long long column[13];
};

/* A line of the file that begins with `start`, its numbers behind that. */
static bool find_line(const char *file, const char *start, struct line *line)
{
	const char *text = proc_read(file);

	memset(line, 0, sizeof(*line));
	for (text = text ? strchr(text, '\n') : NULL; text && text[1]; text = strchr(text + 1, '\n'))
		if (strncmp(text + 1, start, strlen(start)) == 0) {
			const char *at = text + 1 + strlen(start);

			for (unsigned int i = 0, n; i < 13 && sscanf(at, " %llu%n", &line->column[i], (int *)&n) == 1; i++)
				at += n;
			return true;
		}
	return false;
}

/* Columns behind the CID in `domains`. */
enum { OPEN, CONNECTIONS, RESETS, DATAGRAMS, SUMS };
/* And behind the type in `connections`. */
enum { LOCAL_PORT, PEER_CID, PEER_PORT, RING_SIZE, RING_PORT, OF_CONNECTION };
/* From there on, in both. */
enum { TX_BYTES, TX_MESSAGES, RX_BYTES, RX_MESSAGES, TX_WAITS, RX_WAITS, EVENTS, DROPPED };

static void a_connection_counts_and_its_domain_keeps_it(void)
{
	struct vsock_sock *vsk;
	struct line line;
	u32 ring;

	peer_start();
	CHECK(!find_line("domains", "9 ", &line));
	vsk = user_socket(SOCK_STREAM);
	CHECK_EQUAL(user_connect(vsk, v4v_cid(PEER), LISTEN_PORT), 0);
	ring = answers[0].message.ring;
	peer_says(PEER, V4V_OP_RESPONSE, 2000, ring, 0);
	CHECK_EQUAL(user_send(vsk, bytes, 3000), 3000);
	CHECK_EQUAL(user_send(vsk, bytes, 200), 200);
	hv.room = 16;
	CHECK_EQUAL(user_send(vsk, bytes, 200), -EAGAIN);
	hv.room = ~0u;
	CHECK_EQUAL(user_receive(vsk, got, 10), -EAGAIN);
	hv_put(hv_find(ring, PEER), PEER, V4V_TYPE_STREAM, bytes, 700, false);
	v4v_conn_event();
	CHECK_EQUAL(user_receive(vsk, got, 500), 500);

	v4v_stats_opened(STRANGER);
	CHECK(find_line("domains", "10 ", &line) && line.column[OPEN] == 1 && line.column[SUMS + TX_BYTES] == 0);
	CHECK(find_line("connections", "stream ", &line));
	CHECK(line.column[PEER_CID] == v4v_cid(PEER) && line.column[PEER_PORT] == LISTEN_PORT);
	CHECK(line.column[RING_PORT] == ring && line.column[RING_SIZE] == 1024 * 1024);
	for (unsigned int open = 0; open < 2; open++) {
		const unsigned long long *sums = &line.column[open ? SUMS : OF_CONNECTION];

		CHECK_EQUAL(sums[TX_BYTES], 3200);
		CHECK_EQUAL(sums[TX_MESSAGES], 2);
		CHECK_EQUAL(sums[RX_BYTES], 700);
		CHECK_EQUAL(sums[RX_MESSAGES], 1);
		CHECK_EQUAL(sums[TX_WAITS], 1);
		CHECK_EQUAL(sums[RX_WAITS], 1);
		/* Something to read, and room. */
		CHECK_EQUAL(sums[EVENTS], 2);
		/* The domain has the same while the connection is open. */
		CHECK(find_line("domains", "9 ", &line));
	}
	CHECK(line.column[OPEN] == 1 && line.column[CONNECTIONS] == 1);
	peer_says(PEER, V4V_OP_RESET, 0, ring, 0);
	user_close(vsk);
	CHECK(find_line("domains", "9 ", &line));
	CHECK(line.column[OPEN] == 0 && line.column[CONNECTIONS] == 1 && line.column[RESETS] == 1);
	CHECK(line.column[SUMS + TX_BYTES] == 3200 && line.column[SUMS + RX_BYTES] == 700);
	CHECK(!find_line("connections", "stream ", &line));
	peer_stop();
	CHECK(!proc_read("domains"));
}

static void datagrams_count_for_their_domains(void)
{
	struct vsock_sock *vsk;
	struct hv_ring *ring;
	struct line line;

	peer_start();
	vsk = user_socket(SOCK_DGRAM);
	CHECK_EQUAL(user_bind(vsk, VMADDR_CID_ANY, 3000), 0);
	ring = hv_find(V4V_DGRAM_PORTS + 3000, V4V_ANY);
	hv.put_port = V4V_DGRAM_PORTS;
	hv_put(ring, PEER, V4V_TYPE_DGRAM, bytes, 40, false);
	hv_put(ring, STRANGER, V4V_TYPE_STREAM, bytes, 50, false);
	v4v_conn_event();
	run_work();
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 9, bytes, 100), 100);
	hv.room = 0;
	CHECK_EQUAL(user_send_to(vsk, v4v_cid(PEER), 9, bytes, 100), -ENOBUFS);
	CHECK(find_line("domains", "9 ", &line));
	CHECK(line.column[DATAGRAMS] == 2 && line.column[CONNECTIONS] == 0);
	CHECK(line.column[SUMS + TX_BYTES] == 100 && line.column[SUMS + RX_BYTES] == 40);
	CHECK(line.column[SUMS + TX_WAITS] == 1 && line.column[SUMS + DROPPED] == 0);
	CHECK(find_line("domains", "10 ", &line));
	CHECK(line.column[SUMS + DROPPED] == 1 && line.column[SUMS + RX_BYTES] == 50);
	CHECK(find_line("connections", "dgram 3000 0 0 131072 2147486648 ", &line));
	CHECK(line.column[0] == 100 && line.column[2] == 90 && line.column[7] == 1);
	user_close(vsk);
	peer_stop();
}

/* As many domains as one likes: those with connections are kept, the others make place in their order. */
static void domains_that_were_long_ago_make_place(void)
{
	const struct v4v_counters none = {};
	struct line line;

	peer_start();
	v4v_stats_opened(100);
	for (u16 domid = 200; domid < 2000; domid++) {
		v4v_stats_opened(domid);
		v4v_stats_closed(domid, &none);
	}
	CHECK(find_line("domains", "102 1 1 ", &line));
	CHECK(find_line("domains", "2001 0 1 ", &line));
	CHECK(find_line("domains", "1939 0 1 ", &line));
	CHECK(!find_line("domains", "1938 0 1 ", &line));
	/* All have connections: one more is served, and not counted. */
	for (u16 domid = 3000; domid < 3100; domid++)
		v4v_stats_opened(domid);
	CHECK(find_line("domains", "102 1 1 ", &line));
	CHECK(find_line("domains", "3064 1 1 ", &line));
	CHECK(!find_line("domains", "3065 ", &line));
	v4v_stats_closed(3099, &none);
	peer_stop();
}

static void without_memory_there_is_nothing_left(void)
{
	peer_start();
	v4v_stats_stop();
	for (unsigned int nth = 1; nth <= 3; nth++) {
		failing_allocation = nth;
		CHECK_EQUAL(v4v_stats_start(), -ENOMEM);
	}
	failing_allocation = 0;
	CHECK_EQUAL(v4v_stats_start(), 0);
	peer_stop();
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(a_connection_counts_and_its_domain_keeps_it) | TEST(datagrams_count_for_their_domains) |
	       TEST(domains_that_were_long_ago_make_place) | TEST(without_memory_there_is_nothing_left);
}
