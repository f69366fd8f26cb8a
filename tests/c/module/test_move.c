/* TCP connections that move to rings, and those that others would like to move. */
#include <linux/module.h>
#include <linux/seq_file.h>

#include "tcp_peer.h"

static struct connection one;

static void end(void)
{
	connection_close(&one);
	peer_stop();
}

static bool mark(struct hv_ring *ring, u32 seq)
{
	hv.put_port = seq;
	return hv_put(ring, PEER, V4V_TYPE_MARK, "", 0, false) == 0;
}

static void put(struct hv_ring *ring, const char *text)
{
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_STREAM, text, (u32)strlen(text), false), strlen(text));
}

#define CHECK_RECEIVED(text, flags)                                                                    \
	do {                                                                                           \
		char got_[64] = "";                                                                    \
		CHECK_EQUAL(tcp_receive(&one, got_, sizeof(got_) - 1, flags), strlen(text));           \
		if (strcmp(got_, text) != 0) {                                                         \
			printf("# %s:%d: received \"%s\"\n", __FILE__, __LINE__, got_);                \
			check_failed = true;                                                           \
		}                                                                                      \
	} while (0)

static void the_accepting_end_offers_and_is_taken_at_its_word(void)
{
	peer_start();
	connection_open(&one, true);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].to, PEER);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_OFFER);
	CHECK_EQUAL(answers[0].message.ring, one.move->rx.id.port);
	CHECK_EQUAL(answers[0].message.isn, OWN_ISN);
	CHECK_EQUAL(answers[0].message.src_ip, OWN_IP);
	CHECK_EQUAL(answers[0].message.dst_ip, PEER_IP);
	CHECK_EQUAL(answers[0].message.src_port, OWN_TCP_PORT);
	CHECK_EQUAL(answers[0].message.dst_port, FAR_TCP_PORT);
	CHECK_EQUAL(one.move->state, V4V_MOVE_OFFERED);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, one.move->rx.id.port, FAR_ISN);
	CHECK_EQUAL(one.move->state, V4V_MOVE_MOVED);
	CHECK_EQUAL(nr_answers, 1);
	end();
}

static void the_connecting_end_answers(void)
{
	peer_start();
	connection_open(&one, false);
	CHECK_EQUAL(nr_answers, 0);
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_ACCEPT);
	CHECK_EQUAL(answers[0].message.about_tcp, FAR_RING);
	CHECK_EQUAL(answers[0].message.ring, one.move->rx.id.port);
	CHECK_EQUAL(answers[0].message.isn, OWN_ISN);
	CHECK_EQUAL(one.move->state, V4V_MOVE_MOVED);
	end();
}

static void refused(u16 from, struct v4v_control offer)
{
	forget_answers();
	peer_puts(from, &offer, sizeof(offer), V4V_TYPE_CONTROL);
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].to, from);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_REFUSE);
	CHECK_EQUAL(answers[0].message.about_tcp, offer.ring);
	CHECK_EQUAL(one.move->state, V4V_MOVE_WAITS);
	CHECK(!hv_find(one.move->rx.id.port, PEER) && hv.nr_rings == 1);
}

static void a_forged_offer_is_refused(void)
{
	struct v4v_control offer;

	peer_start();
	connection_open(&one, false);
	/* All of it right, but from a domain that has not the address. */
	refused(STRANGER, an_offer());
	offer = an_offer();
	offer.isn++;
	refused(PEER, offer);
	offer = an_offer();
	offer.src_port++;
	refused(PEER, offer);
	offer = an_offer();
	offer.dst_port++;
	refused(PEER, offer);
	offer = an_offer();
	offer.src_ip++;
	refused(PEER, offer);
	offer = an_offer();
	offer.dst_ip++;
	refused(PEER, offer);
	/* No ring of a connection, or no port: not worth an answer. */
	forget_answers();
	offer = an_offer();
	offer.ring = V4V_CONTROL_PORT;
	peer_puts(PEER, &offer, sizeof(offer), V4V_TYPE_CONTROL);
	offer = an_offer();
	offer.src_port += 65536;
	peer_puts(PEER, &offer, sizeof(offer), V4V_TYPE_CONTROL);
	CHECK_EQUAL(nr_answers, 0);
	CHECK_EQUAL(one.move->state, V4V_MOVE_WAITS);
	/* And still the right one is taken. */
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(one.move->state, V4V_MOVE_MOVED);
	end();
}

static void a_replayed_offer_changes_nothing(void)
{
	peer_start();
	connection_moved(&one, false);
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING + 1, 0, FAR_ISN);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_REFUSE);
	CHECK_EQUAL(answers[0].message.about_tcp, FAR_RING + 1);
	CHECK_EQUAL(one.move->tx.dst.port, FAR_RING);
	CHECK_EQUAL(one.move->state, V4V_MOVE_MOVED);
	end();
}

static void an_accepting_end_takes_no_offers(void)
{
	peer_start();
	connection_open(&one, true);
	forget_answers();
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_REFUSE);
	CHECK_EQUAL(one.move->state, V4V_MOVE_OFFERED);
	end();
}

static void a_forged_answer_is_ignored(void)
{
	u32 ring;

	peer_start();
	connection_open(&one, true);
	ring = one.move->rx.id.port;
	far_says(STRANGER, V4V_OP_TCP_ACCEPT, FAR_RING, ring, FAR_ISN);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, ring + 1, FAR_ISN);
	/* A domain that got the offer by mistake cannot know this number. */
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, ring, FAR_ISN + 1);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, ring, OWN_ISN);
	far_says(PEER, V4V_OP_TCP_ACCEPT, V4V_CONTROL_PORT, ring, FAR_ISN);
	far_says(STRANGER, V4V_OP_TCP_REFUSE, 0, ring, 0);
	CHECK_EQUAL(one.move->state, V4V_MOVE_OFFERED);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, ring, FAR_ISN);
	CHECK_EQUAL(one.move->state, V4V_MOVE_MOVED);
	/* Again, with another ring; and a refusal that comes too late. */
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING + 1, ring, FAR_ISN);
	far_says(PEER, V4V_OP_TCP_REFUSE, 0, ring, 0);
	CHECK_EQUAL(one.move->tx.dst.port, FAR_RING);
	CHECK_EQUAL(one.move->state, V4V_MOVE_MOVED);
	end();
}

static void a_refused_connection_is_tcps_alone(void)
{
	peer_start();
	connection_open(&one, true);
	far_says(PEER, V4V_OP_TCP_REFUSE, 0, one.move->rx.id.port, 0);
	CHECK_EQUAL(one.move->state, V4V_MOVE_STAYS);
	CHECK_EQUAL(one.move->reason, V4V_REFUSED);
	CHECK(one.left);
	CHECK_EQUAL(hv.nr_rings, 1);
	CHECK(!one.move->rx.shared);
	/* Whoever was in our functions at that moment. */
	tcp_arrives(one.tcp, (const unsigned char *)"tcp", 3);
	CHECK_RECEIVED("tcp", 0);
	CHECK_EQUAL(tcp_send(&one, "x", 1, 0), 1);
	CHECK_EQUAL(hv.last.dst.port, V4V_CONTROL_PORT);
	end();
}

static long nobody(u16 to)
{
	return -ECONNREFUSED;
}

static void without_a_module_there_it_is_tcps_alone(void)
{
	peer_start();
	control_result = nobody;
	connection_open(&one, true);
	CHECK_EQUAL(one.move->state, V4V_MOVE_STAYS);
	CHECK_EQUAL(one.move->reason, V4V_NO_MODULE);
	CHECK_EQUAL(hv.nr_rings, 1);
	end();
}

static long denied(u16 to)
{
	return -EACCES;
}

static void what_a_rule_drops_is_tcps_alone(void)
{
	peer_start();
	control_result = denied;
	connection_open(&one, true);
	CHECK_EQUAL(one.move->state, V4V_MOVE_STAYS);
	CHECK_EQUAL(one.move->reason, V4V_DENIED);
	CHECK_EQUAL(hv.nr_rings, 1);
	connection_close(&one);
	/* The other end may offer, but gets no answer. */
	connection_open(&one, false);
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(nr_answers, 0);
	CHECK_EQUAL(one.move->state, V4V_MOVE_STAYS);
	CHECK_EQUAL(one.move->reason, V4V_DENIED);
	CHECK(one.left);
	CHECK_EQUAL(hv.nr_rings, 1);
	end();
}

static void without_memory_for_a_ring_it_is_tcps_alone(void)
{
	peer_start();
	/* An eighth, and a quarter of that, is less than the smallest ring. */
	shim_pages = 1023;
	connection_open(&one, true);
	CHECK_EQUAL(one.move->state, V4V_MOVE_STAYS);
	CHECK_EQUAL(one.move->reason, V4V_NO_RING);
	CHECK_EQUAL(nr_answers, 0);
	shim_pages = 1ul << 20;
	connection_close(&one);
	/* The connecting end says so. */
	hv.register_error = -ENOSPC;
	connection_open(&one, false);
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(one.move->reason, V4V_NO_RING);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_REFUSE);
	hv.register_error = 0;
	end();
}

static void who_sleeps_in_tcp_keeps_it_there(void)
{
	peer_start();
	connection_open(&one, false);
	/* A call that was begun before the connection was made. */
	one.ulp.tcp_users.value = 1;
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_REFUSE);
	CHECK_EQUAL(one.move->state, V4V_MOVE_WAITS);
	end();
}

static void what_ended_is_not_found(void)
{
	u32 ring;

	peer_start();
	connection_open(&one, true);
	ring = one.move->rx.id.port;
	connection_close(&one);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, ring, FAR_ISN);
	CHECK_EQUAL(hv.nr_rings, 1);
	connection_open(&one, false);
	connection_close(&one);
	forget_answers();
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_REFUSE);
	CHECK_EQUAL(hv.nr_rings, 1);
	peer_stop();
}

static struct connection *to_close;

static void close_meanwhile(struct hv_ring *ring)
{
	struct v4v_move *move = to_close->ulp.move;

	to_close->ulp.move = NULL;
	v4v_move_end(move);
	v4v_move_put(move);
}

static void a_close_while_the_ring_is_made_is_noticed(void)
{
	peer_start();
	to_close = &one;
	hv.on_register = close_meanwhile;
	connection_open(&one, true);
	CHECK_EQUAL(nr_answers, 0);
	CHECK_EQUAL(hv.nr_rings, 1);
	connection_close(&one);
	connection_open(&one, false);
	hv.on_register = close_meanwhile;
	far_says(PEER, V4V_OP_TCP_OFFER, FAR_RING, 0, FAR_ISN);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_REFUSE);
	CHECK_EQUAL(hv.nr_rings, 1);
	end();
}

/* With the time standing still, in which run_work() runs nothing that waits. */
static void open_young(void)
{
	peer_start();
	time_stands = true;
	connection_open(&one, true);
	CHECK_EQUAL(one.move->state, V4V_MOVE_OFFERS);
	CHECK_EQUAL(hv.nr_rings, 1);
	CHECK_EQUAL(nr_answers, 0);
}

static void a_question(void)
{
	char got[8];

	tcp_arrives(one.tcp, (const unsigned char *)"ask", 3);
	CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), 3);
	CHECK_EQUAL(tcp_send(&one, "answer", 6, 0), 6);
	run_work();
}

static void a_short_connection_gets_no_ring(void)
{
	open_young();
	a_question();
	/* A look is no second question, and neither is the end. */
	tcp_arrives(one.tcp, (const unsigned char *)"x", 1);
	CHECK_RECEIVED("x", MSG_PEEK);
	run_work();
	CHECK_EQUAL(nr_answers, 0);
	CHECK_EQUAL(hv.nr_rings, 1);
	/* What waits for its time goes with it: connection_close() counts the references. */
	time_stands = false;
	end();
}

static void a_second_question_moves_it(void)
{
	open_young();
	a_question();
	CHECK_EQUAL(nr_answers, 0);
	a_question();
	CHECK_EQUAL(nr_answers, 1);
	CHECK_EQUAL(answers[0].message.op, V4V_OP_TCP_OFFER);
	/* Once, however much it is used before the answer. */
	a_question();
	CHECK_EQUAL(nr_answers, 1);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, one.move->rx.id.port, FAR_ISN);
	CHECK_EQUAL(one.move->state, V4V_MOVE_MOVED);
	time_stands = false;
	end();
}

static void many_bytes_move_it(void)
{
	static char bytes[100 * 1024];
	unsigned char sent[1];

	open_young();
	one.tcp->room = 65535;
	CHECK_EQUAL(tcp_send(&one, bytes, sizeof(bytes), 0), 65535);
	run_work();
	CHECK_EQUAL(nr_answers, 0);
	one.tcp->room = 1;
	tcp_sent(one.tcp, sent, 1);
	CHECK_EQUAL(tcp_send(&one, bytes, 1, 0), 1);
	run_work();
	CHECK_EQUAL(nr_answers, 1);
	time_stands = false;
	end();
}

static void a_close_before_the_offer_is_made_is_noticed(void)
{
	char got[8];

	open_young();
	/* Hurried, and not run yet. */
	for (int i = 0; i < 2; i++) {
		tcp_arrives(one.tcp, (const unsigned char *)"ask", 3);
		CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), 3);
	}
	time_stands = false;
	end();
	CHECK_EQUAL(nr_answers, 0);
}

static struct connection *to_move;

/* TCP's memory is full, and meanwhile the other end agrees. */
static void move_meanwhile(void)
{
	tcp_takes = NULL;
	release_sock(&to_move->tcp->sk);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, to_move->move->rx.id.port, FAR_ISN);
	lock_sock(&to_move->tcp->sk);
}

static void a_call_with_very_much_goes_on_by_the_ring(void)
{
	static unsigned char bytes[200 * 1024], sent[TCP_SHIM_BUFFER];

	peer_start();
	connection_open(&one, true);
	to_move = &one;
	tcp_takes = move_meanwhile;
	hv.nr_sent = 0;
	CHECK_EQUAL(tcp_send(&one, bytes, sizeof(bytes), 0), sizeof(bytes));
	CHECK_EQUAL(tcp_sent(one.tcp, sent, sizeof(sent)), 64 * 1024);
	CHECK_EQUAL(hv.nr_sent, sizeof(bytes) - 64 * 1024);
	end();
}

static void reset_meanwhile(void)
{
	tcp_takes = NULL;
	one.tcp->sk.sk_err = ECONNRESET;
}

static void shut_down_meanwhile(void)
{
	tcp_takes = NULL;
	one.tcp->sk.sk_shutdown |= SEND_SHUTDOWN;
}

/* As TCP: what is sent is told first, and what has happened by the next call. */
static void a_call_that_is_cut_short_leaves_the_error_to_the_next(void)
{
	static unsigned char bytes[200 * 1024];
	const struct {
		void (*meanwhile)(void);
		int error;
	} cases[] = {{reset_meanwhile, -ECONNRESET}, {shut_down_meanwhile, -EPIPE}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		peer_start();
		connection_open(&one, true);
		tcp_takes = cases[i].meanwhile;
		CHECK_EQUAL(tcp_send(&one, bytes, sizeof(bytes), 0), 64 * 1024);
		CHECK_EQUAL(tcp_send(&one, bytes, 1, 0), cases[i].error);
		end();
	}
}

static void what_is_sent_goes_to_the_ring_behind_a_mark(void)
{
	unsigned char sent[16];

	peer_start();
	connection_open(&one, true);
	CHECK_EQUAL(tcp_send(&one, "before", 6, 0), 6);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, one.move->rx.id.port, FAR_ISN);
	hv.nr_sent = 0;
	hv.sends = 0;
	CHECK_EQUAL(tcp_send(&one, "after", 5, 0), 5);
	CHECK_EQUAL(hv.sends, 2);
	CHECK_EQUAL(hv.nr_sent, 5);
	CHECK_EQUAL(hv.last.dst.port, FAR_RING);
	CHECK_EQUAL(tcp_sent(one.tcp, sent, sizeof(sent)), 6);
	CHECK_EQUAL(tcp_send(&one, "more", 4, 0), 4);
	CHECK_EQUAL(hv.sends, 3);
	end();
}

static u32 mark_seen;

static long see_mark(const struct v4v_sendv *args, const void *payload)
{
	if (args->type == V4V_TYPE_MARK) {
		CHECK_EQUAL(args->length, 0);
		mark_seen = args->src_port;
	}
	return 1;
}

static void a_mark_says_how_far_tcp_is(void)
{
	peer_start();
	connection_moved(&one, true);
	hv.on_send = see_mark;
	CHECK_EQUAL(tcp_send(&one, "a", 1, 0), 1);
	CHECK_EQUAL(mark_seen, OWN_ISN + 1);
	/* An urgent byte is TCP's, and what follows says where it goes on. */
	CHECK_EQUAL(tcp_send(&one, "!", 1, MSG_OOB), 1);
	CHECK_EQUAL(tcp_send(&one, "b", 1, 0), 1);
	CHECK_EQUAL(mark_seen, OWN_ISN + 2);
	end();
}

static void what_tcp_holds_back_keeps_the_next_there(void)
{
	peer_start();
	connection_moved(&one, true);
	hv.sends = 0;
	one.tcp->nonagle = TCP_NAGLE_CORK;
	CHECK_EQUAL(tcp_send(&one, "a", 1, 0), 1);
	one.tcp->nonagle = 0;
	one.move->held_back = true;
	CHECK_EQUAL(tcp_send(&one, "b", 1, 0), 1);
	CHECK_EQUAL(hv.sends, 0);
	CHECK_EQUAL(tcp_send(&one, "c", 1, 0), 1);
	CHECK_EQUAL(hv.sends, 2);
	end();
}

/* All pieces of a sendfile() but its last have MSG_MORE. */
static void more_to_come_is_held_back_by_tcp_no_longer_than_the_ring_is_not_there(void)
{
	unsigned char sent[16];

	peer_start();
	connection_open(&one, true);
	CHECK_EQUAL(tcp_send(&one, "a", 1, MSG_MORE), 1);
	CHECK(one.move->held_back);
	far_says(PEER, V4V_OP_TCP_ACCEPT, FAR_RING, one.move->rx.id.port, FAR_ISN);
	hv.sends = 0;
	CHECK_EQUAL(tcp_send(&one, "b", 1, MSG_MORE), 1);
	CHECK_EQUAL(hv.sends, 0);
	CHECK(!one.move->held_back);
	CHECK_EQUAL(tcp_send(&one, "c", 1, MSG_MORE), 1);
	CHECK_EQUAL(hv.sends, 2);
	CHECK_EQUAL(tcp_sent(one.tcp, sent, sizeof(sent)), 2);
	/* What a program holds back itself stays. */
	one.tcp->nonagle = TCP_NAGLE_CORK;
	one.move->tx_in_ring = false;
	one.move->held_back = true;
	CHECK_EQUAL(tcp_send(&one, "d", 1, MSG_MORE), 1);
	CHECK(one.move->held_back);
	one.tcp->nonagle = 0;
	end();
}

static void another_writer_in_tcp_keeps_it_there(void)
{
	peer_start();
	connection_moved(&one, true);
	hv.sends = 0;
	one.move->tcp_senders = 1;
	CHECK_EQUAL(tcp_send(&one, "a", 1, 0), 1);
	CHECK_EQUAL(hv.sends, 0);
	one.move->tcp_senders = 0;
	end();
}

static void a_full_ring_blocks_until_an_event(void)
{
	struct sock *sk;

	peer_start();
	connection_moved(&one, true);
	sk = &one.tcp->sk;
	hv.room = 16 + 48;
	CHECK_EQUAL(tcp_send(&one, "0123456789012345678901234567890123456789", 40, 0), 32);
	CHECK_EQUAL(tcp_send(&one, "x", 1, 0), -EAGAIN);
	CHECK(!v4v_ulp_memory_free(sk, 1));
	hv.room = ~0u;
	sk->woken = 0;
	v4v_move_event();
	CHECK_EQUAL(sk->woken, 1);
	CHECK(v4v_ulp_memory_free(sk, 1));
	CHECK_EQUAL(tcp_send(&one, "x", 1, 0), 1);
	end();
}

static long gone_to(const struct v4v_sendv *args, const void *payload)
{
	return args->dst.port == FAR_RING ? -ECONNREFUSED : 1;
}

static void a_ring_that_is_lost_leaves_the_rest_to_tcp(void)
{
	unsigned char sent[16];

	peer_start();
	connection_moved(&one, true);
	CHECK_EQUAL(tcp_send(&one, "ring", 4, 0), 4);
	hv.on_send = gone_to;
	CHECK_EQUAL(tcp_send(&one, "tcp", 3, 0), 3);
	CHECK_EQUAL(tcp_sent(one.tcp, sent, sizeof(sent)), 3);
	CHECK_EQUAL(one.move->reason, V4V_LOST);
	hv.on_send = NULL;
	hv.sends = 0;
	CHECK_EQUAL(tcp_send(&one, "tcp", 3, 0), 3);
	CHECK_EQUAL(hv.sends, 0);
	end();
}

static void a_dead_partners_number_gets_nothing(void)
{
	struct hv_ring *ring;

	peer_start();
	ring = connection_moved(&one, true);
	ring->shared->state = V4V_RING_PARTNER_GONE;
	hv.sends = 0;
	CHECK_EQUAL(tcp_send(&one, "x", 1, 0), 1);
	CHECK_EQUAL(hv.sends, 0);
	end();
}

static void the_ring_waits_for_tcp(void)
{
	struct hv_ring *ring;
	char got[8];

	peer_start();
	ring = connection_moved(&one, true);
	CHECK(mark(ring, FAR_ISN + 3));
	put(ring, "ring");
	CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), -EAGAIN);
	CHECK(!v4v_ulp_is_readable(&one.tcp->sk));
	tcp_arrives(one.tcp, (const unsigned char *)"t", 1);
	CHECK_RECEIVED("t", 0);
	CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), -EAGAIN);
	/* What comes by TCP after the mark is read after the ring. */
	tcp_arrives(one.tcp, (const unsigned char *)"cTCP", 4);
	CHECK_RECEIVED("cring", MSG_PEEK);
	CHECK_RECEIVED("cringTCP", 0);
	CHECK(mark(ring, FAR_ISN + 6));
	put(ring, "again");
	CHECK(v4v_ulp_is_readable(&one.tcp->sk));
	CHECK_RECEIVED("again", MSG_PEEK);
	CHECK_RECEIVED("again", 0);
	end();
}

/* One who waits for more than has come by one way must see what comes by the other, or he waits for ever. */
static void a_peek_sees_both_ways(void)
{
	struct hv_ring *ring;
	char got[16] = "";

	peer_start();
	ring = connection_moved(&one, true);
	tcp_arrives(one.tcp, (const unsigned char *)"tcp", 3);
	CHECK(mark(ring, FAR_ISN + 4));
	put(ring, "ring");
	CHECK_EQUAL(tcp_receive(&one, got, 7, MSG_PEEK | MSG_WAITALL), 7);
	CHECK(strcmp(got, "tcpring") == 0);
	CHECK_EQUAL(tcp_receive(&one, got, 5, MSG_PEEK), 5);
	CHECK_RECEIVED("tcpring", MSG_PEEK);
	CHECK_RECEIVED("tcpring", 0);
	/* Back to TCP. */
	put(ring, "more");
	tcp_arrives(one.tcp, (const unsigned char *)"tcp", 3);
	CHECK_RECEIVED("moretcp", MSG_PEEK);
	CHECK_EQUAL(tcp_receive(&one, got, 7, MSG_PEEK | MSG_WAITALL), 7);
	CHECK(strcmp(got, "moretcp") == 0);
	/* And to the ring again: two changes, of which a peek sees one; it does not wait for what is there already. */
	CHECK(mark(ring, FAR_ISN + 7));
	put(ring, "end");
	CHECK_EQUAL(tcp_receive(&one, got, 10, MSG_PEEK | MSG_WAITALL), 4);
	CHECK_RECEIVED("moretcpend", 0);
	end();
}

static int unread(void)
{
	int count = -1;

	CHECK_EQUAL(v4v_ulp_ioctl(&one.tcp->sk, SIOCINQ, &count), 0);
	return count;
}

static void what_is_unread_is_counted_on_both_ways(void)
{
	struct hv_ring *ring;

	peer_start();
	ring = connection_moved(&one, true);
	tcp_arrives(one.tcp, (const unsigned char *)"t", 1);
	CHECK_EQUAL(unread(), 1);
	CHECK(mark(ring, FAR_ISN + 3));
	put(ring, "ring");
	/* A byte of TCP's is missing before them. */
	CHECK_EQUAL(unread(), 1);
	one.tcp->sk.sk_rcvlowat = 3;
	CHECK(!v4v_ulp_is_readable(&one.tcp->sk));
	tcp_arrives(one.tcp, (const unsigned char *)"cTCP", 4);
	CHECK_EQUAL(unread(), 9);
	CHECK(v4v_ulp_is_readable(&one.tcp->sk));
	CHECK_RECEIVED("tcringTCP", 0);
	CHECK_EQUAL(unread(), 0);
	end();
}

static void the_end_shows_when_the_ring_is_drained(void)
{
	struct hv_ring *ring;
	char got[8];
	int unread;

	peer_start();
	ring = connection_moved(&one, true);
	CHECK(mark(ring, FAR_ISN + 1));
	put(ring, "last");
	tcp_ends(one.tcp);
	CHECK_EQUAL(v4v_ulp_ioctl(&one.tcp->sk, SIOCINQ, &unread), 0);
	CHECK_EQUAL(unread, 4);
	CHECK_RECEIVED("last", 0);
	CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), 0);
	CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), 0);
	end();
}

static void a_reset_shows_when_the_ring_is_drained(void)
{
	struct hv_ring *ring;
	char got[8];

	peer_start();
	ring = connection_moved(&one, true);
	CHECK(mark(ring, FAR_ISN + 1));
	put(ring, "last");
	one.tcp->sk.sk_err = ECONNRESET;
	one.tcp->sk.sk_state = TCP_CLOSE;
	CHECK_RECEIVED("last", 0);
	CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), -ECONNRESET);
	end();
}

static void broken(void (*how)(struct hv_ring *ring))
{
	struct hv_ring *ring;
	char got[8];

	peer_start();
	ring = connection_moved(&one, true);
	how(ring);
	CHECK(v4v_ulp_is_readable(&one.tcp->sk));
	CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), -ECONNRESET);
	run_work();
	CHECK(one.tcp->aborted);
	end();
}

/* Who polls edge-triggered takes an event for a byte that can be read. */
static void a_mark_alone_wakes_nobody(void)
{
	struct hv_ring *ring;
	struct sock *sk;

	peer_start();
	ring = connection_moved(&one, true);
	sk = &one.tcp->sk;
	/* Nobody has looked at the ring yet: who sleeps since before there was one is woken by the byte, too. */
	hv.events = 0;
	sk->woken = 0;
	CHECK(mark(ring, FAR_ISN + 1));
	CHECK_EQUAL(hv.events, 0);
	/* Nor when another ring's event makes the domain look at this one. */
	v4v_move_event();
	CHECK_EQUAL(sk->woken, 0);
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_STREAM, "x", 1, false), 1);
	CHECK_EQUAL(hv.events, 1);
	v4v_move_event();
	CHECK_EQUAL(sk->woken, 1);
	CHECK_RECEIVED("x", 0);
	CHECK(!v4v_ulp_is_readable(sk));
	CHECK(mark(ring, FAR_ISN + 1));
	CHECK_EQUAL(hv.events, 1);
	CHECK_EQUAL(hv_put(ring, PEER, V4V_TYPE_STREAM, "y", 1, false), 1);
	CHECK_EQUAL(hv.events, 2);
	v4v_move_event();
	CHECK_EQUAL(sk->woken, 2);
	CHECK(v4v_ulp_is_readable(sk));
	end();
}

static int take_one(char want)
{
	char got[2] = "";

	return tcp_receive(&one, got, 1, 0) == 1 && got[0] == want;
}

/* A connection that has moved, and whose reader has taken one byte from its ring. */
static struct hv_ring *moved_and_read(void)
{
	struct hv_ring *ring;

	peer_start();
	ring = connection_moved(&one, true);
	CHECK(mark(ring, FAR_ISN + 1));
	put(ring, "a");
	CHECK(take_one('a'));
	hv.events = 0;
	one.tcp->sk.woken = 0;
	return ring;
}

/* O_ASYNC may be set between any two reads, and nobody tells the module. */
static void a_signal_comes_for_each_byte(void)
{
	struct hv_ring *ring = moved_and_read();
	struct sock *sk = &one.tcp->sk;

	/* The reader may be back at once: no event. A little later whoever wants to know is told. */
	put(ring, "b");
	CHECK_EQUAL(hv.events, 0);
	run_work();
	CHECK_EQUAL(sk->woken, 1);
	CHECK(take_one('b'));
	run_work();
	CHECK_EQUAL(sk->woken, 1);
	put(ring, "c");
	CHECK_EQUAL(hv.events, 1);
	CHECK(take_one('c'));
	sock_set_flag(sk, SOCK_FASYNC);
	/* Nothing is there: from here on it asks. */
	CHECK(!take_one(0));
	hv.events = 0;
	put(ring, "d");
	CHECK_EQUAL(hv.events, 1);
	CHECK(take_one('d'));
	put(ring, "e");
	CHECK_EQUAL(hv.events, 2);
	end();
	CHECK_EQUAL(module_references, 0);
}

/* A look may be faster than the event of what it sees: that is still to come to whoever else waits, and as a signal. */
static void a_poll_takes_nobodys_event(void)
{
	struct hv_ring *ring;
	struct sock *sk;

	for (int by_signal = 0; by_signal < 2; by_signal++) {
		peer_start();
		ring = connection_moved(&one, true);
		sk = &one.tcp->sk;
		if (by_signal)
			sock_set_flag(sk, SOCK_FASYNC);
		CHECK(!v4v_ulp_is_readable(sk));
		hv.events = 0;
		sk->woken = 0;
		CHECK(mark(ring, FAR_ISN + 1));
		put(ring, "x");
		CHECK_EQUAL(hv.events, 1);
		CHECK(v4v_ulp_is_readable(sk));
		v4v_move_event();
		CHECK_EQUAL(sk->woken, 1);
		/* Once. */
		CHECK(v4v_ulp_is_readable(sk));
		v4v_move_event();
		CHECK_EQUAL(sk->woken, 1);
		/* What was read is nothing to be told of, but by signal. */
		put(ring, "y");
		CHECK_EQUAL(hv.events, 2);
		CHECK_RECEIVED("xy", 0);
		sk->polled = !by_signal;
		CHECK(!v4v_ulp_is_readable(sk));
		v4v_move_event();
		CHECK_EQUAL(sk->woken, by_signal ? 2 : 1);
		end();
	}
}

/* How often the reader's mutex is released until another thread comes, and whether that one polls. */
static unsigned int unlocks;
static bool another_polls;
static struct hv_ring *where;

/* A byte comes, and a poll() of another thread, or the look that is still to come, sees it before the reader sleeps. */
static void another_sees_a_byte(void)
{
	if (--unlocks)
		return;
	on_unlock = NULL;
	put(where, "x");
	if (another_polls)
		CHECK(v4v_ulp_is_readable(&one.tcp->sk));
	else
		run_work();
	v4v_move_event();
}

static void what_another_saw_is_not_slept_over(void)
{
	/* After the look that found nothing, and after the first asking. */
	for (unsigned int after = 1; after <= 2; after++) {
		for (int polls = 0; polls < 2; polls++) {
			unsigned char got[2] = "";
			struct msghdr msg = {.msg_iter = {.buffer = got, .count = 1}};
			int addr_len;

			where = moved_and_read();
			another_polls = polls;
			unlocks = after;
			on_unlock = another_sees_a_byte;
			/* The shim lets nobody sleep. */
			CHECK_EQUAL(v4v_ulp_recvmsg(&one.tcp->sk, &msg, 1, 0, &addr_len), 1);
			CHECK_EQUAL(got[0], 'x');
			on_unlock = NULL;
			end();
		}
	}
}

/* Nobody asked for a mark, which is nothing to read. */
static void a_mark_is_no_byte_that_came_meanwhile(void)
{
	struct hv_ring *ring = moved_and_read();
	struct sock *sk = &one.tcp->sk;

	sock_set_flag(sk, SOCK_FASYNC);
	CHECK(mark(ring, FAR_ISN + 1));
	run_work();
	CHECK_EQUAL(sk->woken, 0);
	put(ring, "b");
	CHECK_EQUAL(hv.events, 1);
	v4v_move_event();
	CHECK_EQUAL(sk->woken, 1);
	CHECK(take_one('b'));
	end();
}

/* The look that is still to come holds the module, and is given up with the connection. */
static void an_ended_connection_holds_no_module(void)
{
	moved_and_read();
	CHECK_EQUAL(module_references, 1);
	v4v_move_end(one.move);
	CHECK_EQUAL(module_references, 0);
	end();
}

static void bytes_without_mark(struct hv_ring *ring)
{
	put(ring, "x");
}

static void old_mark(struct hv_ring *ring)
{
	mark(ring, FAR_ISN);
}

static void other_kind(struct hv_ring *ring)
{
	hv_put(ring, PEER, V4V_TYPE_SEQPACKET, "x", 1, false);
}

static void long_mark(struct hv_ring *ring)
{
	hv_put(ring, PEER, V4V_TYPE_MARK, "x", 1, false);
}

static void who_breaks_the_order_is_reset(void)
{
	broken(bytes_without_mark);
	broken(old_mark);
	broken(other_kind);
	broken(long_mark);
}

static void another_domain_cannot_put_a_byte(void)
{
	struct hv_ring *ring;

	peer_start();
	ring = connection_moved(&one, true);
	/* The hypervisor has no such ring for anybody else. */
	CHECK_EQUAL(ring->id.partner, PEER);
	CHECK(!hv_find(ring->id.port, V4V_ANY));
	end();
}

static void after_a_resume_the_rest_goes_by_tcp(void)
{
	struct hv_ring *ring;
	unsigned char sent[8];

	peer_start();
	ring = connection_moved(&one, true);
	CHECK(mark(ring, FAR_ISN + 1));
	put(ring, "kept");
	hv_become(9);
	v4v_control_resume();
	run_work();
	CHECK_EQUAL(one.move->reason, V4V_LOST);
	CHECK_RECEIVED("kept", 0);
	CHECK_EQUAL(tcp_send(&one, "tcp", 3, 0), 3);
	CHECK_EQUAL(tcp_sent(one.tcp, sent, sizeof(sent)), 3);
	tcp_arrives(one.tcp, (const unsigned char *)"too", 3);
	CHECK_RECEIVED("too", 0);
	end();
	v4v_own_domid = OWN_DOMAIN;
}

static void an_urgent_byte_alone_is_nothing_to_read(void)
{
	peer_start();
	connection_moved(&one, true);
	tcp_arrives(one.tcp, (const unsigned char *)"!", 1);
	one.tcp->urg_data = 1;
	one.tcp->urg_seq = FAR_ISN + 1;
	CHECK(!v4v_ulp_is_readable(&one.tcp->sk));
	tcp_arrives(one.tcp, (const unsigned char *)"x", 1);
	CHECK(v4v_ulp_is_readable(&one.tcp->sk));
	end();
}

static void the_mark_is_behind_the_ring(void)
{
	struct hv_ring *ring;
	char got[8] = "";
	int at;

	peer_start();
	ring = connection_moved(&one, true);
	CHECK(mark(ring, FAR_ISN + 1));
	put(ring, "ring");
	one.tcp->urg_data = 1;
	one.tcp->urg_seq = FAR_ISN + 1;
	tcp_arrives(one.tcp, (const unsigned char *)"!tcp", 4);
	CHECK_EQUAL(v4v_ulp_ioctl(&one.tcp->sk, SIOCATMARK, &at), 0);
	CHECK_EQUAL(at, 0);
	/* A call ends at the mark. */
	CHECK_EQUAL(tcp_receive(&one, got, sizeof(got), 0), 4);
	v4v_ulp_ioctl(&one.tcp->sk, SIOCATMARK, &at);
	CHECK_EQUAL(at, 1);
	end();
}

/* As TCP: a program may ask in this way whether there is anything to wait for, and whether it may send. */
static void calls_for_no_bytes_say_what_tcp_says(void)
{
	struct hv_ring *ring;
	char nothing[1];

	peer_start();
	ring = connection_moved(&one, true);
	CHECK_EQUAL(tcp_receive(&one, nothing, 0, 0), -EAGAIN);
	CHECK_EQUAL(tcp_receive(&one, nothing, 0, MSG_PEEK), -EAGAIN);
	CHECK(mark(ring, FAR_ISN + 1));
	put(ring, "abc");
	CHECK_EQUAL(tcp_receive(&one, nothing, 0, 0), 0);
	CHECK_RECEIVED("abc", 0);
	CHECK_EQUAL(tcp_receive(&one, nothing, 0, 0), -EAGAIN);
	CHECK_EQUAL(tcp_send(&one, "abc", 3, 0), 3);
	CHECK_EQUAL(tcp_send(&one, "", 0, 0), 0);
	/* And the ring is where the next byte goes all the same: no second mark. */
	CHECK(one.move->tx_in_ring);
	one.tcp->sk.sk_shutdown |= SEND_SHUTDOWN;
	CHECK_EQUAL(tcp_send(&one, "", 0, 0), -EPIPE);
	end();
}

static void processes_see_which_way_it_goes(void)
{
	peer_start();
	connection_moved(&one, true);
	CHECK_HOLDS(proc_read("sockets"), "\n5 accepted 10.83.0.11:40000 10.83.0.12:80 9 moved - 0 0 0 0");
	CHECK_EQUAL(tcp_send(&one, "abc", 3, 0), 3);
	CHECK_HOLDS(proc_read("domains"), "\n9 1 1 0 0 3 ");
	connection_close(&one);
	CHECK(!strstr(proc_read("sockets"), "accepted"));
	CHECK_HOLDS(proc_read("sockets_ended"), "\n5 accepted 10.83.0.11:40000 10.83.0.12:80 9 moved");
	peer_stop();
}

int main(void)
{
	int failed = 0;

	TESTS_BEGIN;
	failed += TEST(the_accepting_end_offers_and_is_taken_at_its_word);
	failed += TEST(the_connecting_end_answers);
	failed += TEST(a_forged_offer_is_refused);
	failed += TEST(a_replayed_offer_changes_nothing);
	failed += TEST(an_accepting_end_takes_no_offers);
	failed += TEST(a_forged_answer_is_ignored);
	failed += TEST(a_refused_connection_is_tcps_alone);
	failed += TEST(without_a_module_there_it_is_tcps_alone);
	failed += TEST(what_a_rule_drops_is_tcps_alone);
	failed += TEST(without_memory_for_a_ring_it_is_tcps_alone);
	failed += TEST(who_sleeps_in_tcp_keeps_it_there);
	failed += TEST(what_ended_is_not_found);
	failed += TEST(a_close_while_the_ring_is_made_is_noticed);
	failed += TEST(a_short_connection_gets_no_ring);
	failed += TEST(a_second_question_moves_it);
	failed += TEST(many_bytes_move_it);
	failed += TEST(a_close_before_the_offer_is_made_is_noticed);
	failed += TEST(a_call_with_very_much_goes_on_by_the_ring);
	failed += TEST(a_call_that_is_cut_short_leaves_the_error_to_the_next);
	failed += TEST(what_is_sent_goes_to_the_ring_behind_a_mark);
	failed += TEST(a_mark_says_how_far_tcp_is);
	failed += TEST(what_tcp_holds_back_keeps_the_next_there);
	failed += TEST(more_to_come_is_held_back_by_tcp_no_longer_than_the_ring_is_not_there);
	failed += TEST(another_writer_in_tcp_keeps_it_there);
	failed += TEST(a_full_ring_blocks_until_an_event);
	failed += TEST(a_ring_that_is_lost_leaves_the_rest_to_tcp);
	failed += TEST(a_dead_partners_number_gets_nothing);
	failed += TEST(the_ring_waits_for_tcp);
	failed += TEST(a_peek_sees_both_ways);
	failed += TEST(a_mark_alone_wakes_nobody);
	failed += TEST(a_signal_comes_for_each_byte);
	failed += TEST(a_poll_takes_nobodys_event);
	failed += TEST(what_another_saw_is_not_slept_over);
	failed += TEST(a_mark_is_no_byte_that_came_meanwhile);
	failed += TEST(an_ended_connection_holds_no_module);
	failed += TEST(what_is_unread_is_counted_on_both_ways);
	failed += TEST(the_end_shows_when_the_ring_is_drained);
	failed += TEST(a_reset_shows_when_the_ring_is_drained);
	failed += TEST(who_breaks_the_order_is_reset);
	failed += TEST(another_domain_cannot_put_a_byte);
	failed += TEST(after_a_resume_the_rest_goes_by_tcp);
	failed += TEST(an_urgent_byte_alone_is_nothing_to_read);
	failed += TEST(the_mark_is_behind_the_ring);
	failed += TEST(calls_for_no_bytes_say_what_tcp_says);
	failed += TEST(processes_see_which_way_it_goes);
	return failed > 0;
}
