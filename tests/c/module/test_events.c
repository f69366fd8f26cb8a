/* When there are interrupts, and that nobody waits for one that does not come. */
#include <linux/interrupt.h>
#include <linux/timer.h>

#include "events.h"
#include "tcp_peer.h"

#define IRQ 9
#define MOST 3

extern bool *const param_moderate;

static struct connection c[MOST];
static struct hv_ring *ring[MOST];

static void arrives(unsigned int i)
{
	CHECK_EQUAL(hv_put(ring[i], PEER, V4V_TYPE_STREAM, "x", 1, false), 1);
	if (!irq_off)
		v4v_interrupt(IRQ, NULL);
}

static void reads(unsigned int i)
{
	char got[8];

	CHECK_EQUAL(tcp_receive(&c[i], got, sizeof(got), 0), 1);
}

/* One thread polls all of them, as with epoll, and has read from each. */
static void begin(void)
{
	shim_task.pid = 1;
	*param_moderate = true;
	peer_start();
	for (unsigned int i = 0; i < MOST; i++) {
		ring[i] = connection_moved(&c[i], true);
		c[i].tcp->sk.polled = true;
		hv.put_port = FAR_ISN + 1;
		CHECK_EQUAL(hv_put(ring[i], PEER, V4V_TYPE_MARK, "", 0, false), 0);
		arrives(i);
		reads(i);
		c[i].tcp->sk.woken = 0;
	}
	/* What was before counts no more. */
	tick();
	tick();
}

static void end(void)
{
	CHECK_EQUAL(irq_off, 0);
	for (unsigned int i = 0; i < MOST; i++)
		connection_close(&c[i]);
	peer_stop();
}

#define CHECK_WOKEN(i, times) CHECK_EQUAL(c[i].tcp->sk.woken, times)

static void readers_who_are_behind_are_told_by_their_own_reading(void)
{
	begin();
	arrives(0);
	CHECK_WOKEN(0, 1);
	CHECK_EQUAL(irq_off, 0);
	arrives(1);
	CHECK_WOKEN(1, 1);
	CHECK_EQUAL(irq_off, 1);
	arrives(2);
	CHECK_WOKEN(2, 0);
	reads(0);
	CHECK_WOKEN(2, 0);
	/* The last of those who were told. */
	reads(1);
	CHECK_WOKEN(2, 1);
	CHECK_EQUAL(irq_off, 1);
	arrives(0);
	reads(2);
	CHECK_WOKEN(0, 2);
	reads(0);
	CHECK_EQUAL(irq_off, 0);
	end();
}

static void unless_asked_for_there_is_an_interrupt_each(void)
{
	begin();
	*param_moderate = false;
	for (unsigned int i = 0; i < MOST; i++) {
		arrives(i);
		CHECK_WOKEN(i, 1);
		CHECK_EQUAL(irq_off, 0);
	}
	end();
}

static void readers_who_keep_up_have_an_interrupt_each(void)
{
	begin();
	for (unsigned int i = 0; i < 3 * MOST; i++) {
		arrives(i % MOST);
		CHECK_WOKEN(i % MOST, i / MOST + 1);
		reads(i % MOST);
		CHECK_EQUAL(irq_off, 0);
	}
	end();
}

static void another_thread_that_reads_has_its_interrupts(void)
{
	begin();
	shim_task.pid = 2;
	arrives(2);
	reads(2);
	shim_task.pid = 1;
	arrives(0);
	arrives(1);
	CHECK_EQUAL(irq_off, 0);
	arrives(2);
	CHECK_WOKEN(2, 2);
	reads(0);
	reads(1);
	reads(2);
	/* It has all of them now. */
	arrives(0);
	arrives(1);
	CHECK_EQUAL(irq_off, 1);
	reads(0);
	reads(1);
	end();
}

static void one_that_nobody_has_read_yet_has_its_interrupts(void)
{
	begin();
	c[2].move->rx.reader = 0;
	arrives(0);
	arrives(1);
	CHECK_EQUAL(irq_off, 0);
	arrives(2);
	CHECK_WOKEN(2, 1);
	end();
}

static void who_never_reads_holds_others_up_for_a_tick(void)
{
	begin();
	arrives(0);
	arrives(1);
	CHECK_EQUAL(irq_off, 1);
	reads(1);
	/* The first is still behind. */
	arrives(2);
	CHECK_WOKEN(2, 0);
	tick();
	CHECK_WOKEN(2, 1);
	CHECK_EQUAL(irq_off, 0);
	reads(2);
	tick();
	/* And is no reason any more. */
	for (unsigned int i = 0; i < 4; i++) {
		arrives(1);
		CHECK_WOKEN(1, i + 2);
		CHECK_EQUAL(irq_off, 0);
		reads(1);
	}
	reads(0);
	end();
}

static void who_sleeps_in_a_call_has_his_interrupts(void)
{
	begin();
	arrives(0);
	arrives(1);
	CHECK_EQUAL(irq_off, 1);
	v4v_rx_asleep(&c[2].move->rx);
	CHECK_EQUAL(irq_off, 0);
	arrives(2);
	CHECK_WOKEN(2, 1);
	CHECK_EQUAL(irq_off, 0);
	reads(2);
	reads(1);
	reads(0);
	end();
}

static void who_waits_for_room_has_his_interrupts(void)
{
	begin();
	CHECK_EQUAL(tcp_send(&c[2], "x", 1, 0), 1);
	arrives(0);
	arrives(1);
	CHECK_EQUAL(irq_off, 1);
	hv.room = 0;
	CHECK_EQUAL(tcp_send(&c[2], "x", 1, 0), -EAGAIN);
	CHECK_EQUAL(irq_off, 0);
	hv.room = ~0u;
	v4v_interrupt(IRQ, NULL);
	CHECK_WOKEN(2, 1);
	CHECK_EQUAL(irq_off, 0);
	end();
}

static void who_asks_another_domain_has_his_answer(void)
{
	const struct v4v_control message = {.version = V4V_CONTROL_VERSION, .op = V4V_OP_RESET};

	begin();
	arrives(0);
	arrives(1);
	CHECK_EQUAL(irq_off, 1);
	CHECK_EQUAL(v4v_control_send(PEER, &message), 0);
	CHECK_EQUAL(irq_off, 0);
	end();
}

static void read_twice(void)
{
	on_barrier = NULL;
	reads(0);
	reads(1);
}

static void who_reads_while_it_is_switched_off_switches_it_on(void)
{
	begin();
	arrives(0);
	CHECK_EQUAL(hv_put(ring[1], PEER, V4V_TYPE_STREAM, "x", 1, false), 1);
	on_barrier = read_twice;
	v4v_interrupt(IRQ, NULL);
	on_barrier = NULL;
	CHECK_EQUAL(irq_off, 0);
	end();
}

static void it_is_on_when_the_module_goes(void)
{
	begin();
	arrives(0);
	arrives(1);
	CHECK_EQUAL(irq_off, 1);
	v4v_events_stop(IRQ);
	CHECK_EQUAL(irq_off, 0);
	/* And stays so. */
	arrives(2);
	CHECK_EQUAL(irq_off, 0);
	end();
}

int main(void)
{
	int failed = 0;

	TESTS_BEGIN;
	failed += TEST(readers_who_are_behind_are_told_by_their_own_reading);
	failed += TEST(unless_asked_for_there_is_an_interrupt_each);
	failed += TEST(readers_who_keep_up_have_an_interrupt_each);
	failed += TEST(another_thread_that_reads_has_its_interrupts);
	failed += TEST(one_that_nobody_has_read_yet_has_its_interrupts);
	failed += TEST(who_never_reads_holds_others_up_for_a_tick);
	failed += TEST(who_sleeps_in_a_call_has_his_interrupts);
	failed += TEST(who_waits_for_room_has_his_interrupts);
	failed += TEST(who_asks_another_domain_has_his_answer);
	failed += TEST(who_reads_while_it_is_switched_off_switches_it_on);
	failed += TEST(it_is_on_when_the_module_goes);
	return failed > 0;
}
