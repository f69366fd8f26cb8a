/*
 * FUZZ_COUNT (default 200000) steps of others that send records and datagrams as they like, also such as are none, and
 * of programs that read, look, cut, fault, poll and sleep at any time, by a seeded generator (FUZZ_SEED, default 1).
 * What is read is what was sent, whole, once, in order and with its sender; a program that sleeps after it found
 * nothing is woken by the next.
 */
#include <stdlib.h>

#include "peer.h"
#include "random.h"

#define MOST 4096u
#define LONGEST 60000u
#define DGRAM_PORT 3000u

uint64_t random_state;

struct record {
	u32 length, type;
	u16 domid;
	u32 port;
	unsigned char first;
};

/* A socket of the module, the ring it reads from, and what it has to read. */
struct reader {
	struct vsock_sock *vsk;
	struct hv_ring *ring;
	struct record records[MOST];
	u32 first, last;
	/* It found nothing, and waits. */
	bool sleeps;
};

static struct reader packets, datagrams;
static unsigned char bytes[LONGEST + 256], got[LONGEST + 256];

static void put(struct reader *reader, u32 kind, u16 domid)
{
	struct record record = {
		.length = once_in(5) ? 0 : once_in(3) ? below(LONGEST) : below(200),
		.type = kind | (once_in(2) ? V4V_TYPE_EOR : 0),
		.domid = domid,
		.port = any() & 0x7fffffff,
		.first = (unsigned char)any(),
	};
	bool is_none = !kind;
	unsigned int woken = reader->vsk->sk.woken;

	if (reader->last - reader->first == MOST)
		return;
	/* Of datagrams: another's kind, or a port that is none of theirs. */
	if (is_none)
		record.type = any() | 8;
	hv.put_port = kind == V4V_TYPE_DGRAM ? V4V_DGRAM_PORTS + record.port : any();
	if (hv_put(reader->ring, domid, record.type, bytes + record.first, record.length, false) < 0)
		return;
	/* Nobody reads an empty record of a connection. */
	if (!is_none && (record.length || kind == V4V_TYPE_DGRAM))
		reader->records[reader->last++ % MOST] = record;
	else
		return;
	if (reader->sleeps) {
		v4v_conn_event();
		run_work();
		if (reader->vsk->sk.woken == woken)
			violation("a reader that sleeps is not woken");
		reader->sleeps = false;
	}
}

static void take(struct reader *reader, bool dgram)
{
	static const int choices[] = {0, 0, 0, MSG_TRUNC, MSG_PEEK, MSG_PEEK | MSG_TRUNC};
	int flags = choices[below(ARRAY_SIZE(choices))];
	size_t length = 1 + below(once_in(3) ? LONGEST : 300), fault = !dgram && once_in(8) ? 1 + below(300) : 0;
	const struct record *record = &reader->records[reader->first % MOST];
	struct sockaddr_vm from = {0};
	size_t copied, wanted;
	ssize_t n;

	got[length] = 0xee;
	n = dgram ? user_receive_from(reader->vsk, &from, got, length, flags) :
		    user_receive_fault(reader->vsk, got, length, flags, fault);
	if (got[length] != 0xee)
		violation("more is written than the program has room for");
	if (reader->first == reader->last) {
		if (n != -EAGAIN)
			violation("of nothing %zd bytes are read", n);
		reader->sleeps = true;
		return;
	}
	if (!(flags & MSG_PEEK))
		reader->first++;
	copied = record->length < length ? record->length : length;
	wanted = flags & MSG_TRUNC ? record->length : copied;
	if (fault && fault < copied) {
		if (n != -EFAULT)
			violation("a fault is %zd", n);
		return;
	}
	if (n != (ssize_t)wanted)
		violation("a record of %u bytes is read as %zd into %zu", record->length, n, length);
	else if (memcmp(got, bytes + record->first, copied) != 0)
		violation("other bytes are read than were sent");
	if (!(received_flags & MSG_TRUNC) != (record->length <= length))
		violation("whether a record was cut is said wrongly");
	if (!dgram && !(received_flags & MSG_EOR) != !(record->type & V4V_TYPE_EOR))
		violation("the end of a record is said wrongly");
	if (dgram && (from.svm_cid != v4v_cid(record->domid) || from.svm_port != record->port))
		violation("a datagram is another's");
}

static void look(struct reader *reader, bool dgram)
{
	bool readable = user_poll(reader->vsk) & POLLED_IN;

	/* Datagrams are seen once an event or a reader has brought them to the queue. */
	if (readable ? reader->first == reader->last : !dgram && reader->first != reader->last)
		violation("poll() says %d of %u records", readable, reader->last - reader->first);
	if (!readable && !dgram)
		reader->sleeps = true;
}

static void step(void)
{
	struct reader *reader = once_in(2) ? &packets : &datagrams;
	bool dgram = reader == &datagrams;

	switch (below(9)) {
	case 0:
	case 1:
	case 2:
		put(reader, dgram ? V4V_TYPE_DGRAM : V4V_TYPE_SEQPACKET, dgram ? (u16)(PEER + below(3)) : PEER);
		break;
	case 3:
		if (dgram && once_in(3))
			put(reader, 0, STRANGER);
		break;
	case 4:
		look(reader, dgram);
		break;
	case 5:
		v4v_conn_event();
		run_work();
		/* Now what has come is seen. */
		if (!(user_poll(datagrams.vsk) & POLLED_IN) && datagrams.first != datagrams.last)
			violation("datagrams are not seen");
		break;
	default:
		take(reader, dgram);
	}
	if (hv_room(packets.ring) > packets.ring->size || hv_room(datagrams.ring) > datagrams.ring->size)
		violation("an index makes no sense");
}

static void drain(struct reader *reader, bool dgram)
{
	struct sockaddr_vm from;

	for (; reader->first != reader->last && !check_failed; reader->first++)
		if ((dgram ? user_receive_from(reader->vsk, &from, got, LONGEST, 0) :
			     user_receive(reader->vsk, got, LONGEST)) != reader->records[reader->first % MOST].length)
			violation("a record is lost");
}

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

static void whatever_comes_is_read_as_it_was_sent(void)
{
	unsigned long count = from_environment("FUZZ_COUNT", 200000), seed = from_environment("FUZZ_SEED", 1);

	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	for (unsigned long steps = 0; steps < count && !check_failed; seed++) {
		random_start(seed);
		peer_start();
		peer_type = SOCK_SEQPACKET;
		memset(&packets, 0, sizeof(packets));
		memset(&datagrams, 0, sizeof(datagrams));
		packets.vsk = user_socket(SOCK_SEQPACKET);
		CHECK_EQUAL(user_connect(packets.vsk, v4v_cid(PEER), LISTEN_PORT), 0);
		peer_says(PEER, V4V_OP_RESPONSE, 2000, answers[0].message.ring, 0);
		datagrams.vsk = user_socket(SOCK_DGRAM);
		datagrams.vsk->sk.sk_rcvbuf = 1000 + (long)below(200000);
		CHECK_EQUAL(user_bind(datagrams.vsk, VMADDR_CID_ANY, DGRAM_PORT), 0);
		packets.ring = hv_find(answers[0].message.ring, PEER);
		datagrams.ring = hv_find(V4V_DGRAM_PORTS + DGRAM_PORT, V4V_ANY);
		for (unsigned int i = 0; i < 500 && !check_failed; i++, steps++)
			step();
		drain(&packets, false);
		drain(&datagrams, true);
		user_close(packets.vsk);
		user_close(datagrams.vsk);
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
	return TEST(whatever_comes_is_read_as_it_was_sent);
}
