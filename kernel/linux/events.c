// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: the interrupt, and when there is none.
 *
 * A thread that serves many connections by polling them, and is behind with it,
 * comes back without being told: it has others to read first. For it an interrupt
 * with each message costs as much as the message. So, while nobody else reads a ring
 * here, one that finds rings unread of which it was told before is the last for a
 * while (as with the NAPI of network devices): once the thread has read all that it
 * was told of, one look at all rings tells it of the rest; if there is none, events
 * are on again. They are in any case at the next tick but one, and as soon as anybody
 * waits for an event within a call.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/timer.h>

#include "connection.h"
#include "control.h"
#include "events.h"
#include "move.h"
#include "ring.h"

/* What it saves has been counted, not yet weighed against what it delays: docs/performance.md. */
static bool moderate;
module_param(moderate, bool, 0644);
MODULE_PARM_DESC(moderate, "no interrupts while the one thread that reads is behind with it");

static bool stopped;
static bool off;
static int off_irq;
/*
 * Rings whose readers were told in this period and have not read since. Who has not
 * come back in the period that he was told in counts no more: he may be stuck.
 */
static atomic_t behind;
static u32 period = 1;
static unsigned long period_start;

static void on_again(struct timer_list *unused);
static DEFINE_TIMER(on_timer, on_again);

void v4v_events_see(struct v4v_audience *audience, const struct v4v_rx *rx)
{
	pid_t reader = READ_ONCE(rx->reader);

	if (!reader || READ_ONCE(rx->asleep_since) ||
	    (audience->reader && audience->reader != reader))
		audience->others = true;
	audience->reader = reader;
}

/* Tells all who have a reason to hear; whether anybody needs to hear of the next at once. */
static bool look(void)
{
	struct v4v_audience audience = {};

	v4v_control_event();
	v4v_conn_event(&audience);
	v4v_move_event(&audience);
	return audience.others;
}

static void turn_on(void)
{
	/* What has come since it was switched off is delivered now. */
	if (cmpxchg(&off, true, false))
		enable_irq(off_irq);
}

static void on_again(struct timer_list *unused)
{
	look();
	turn_on();
}

irqreturn_t v4v_interrupt(int irq, void *unused)
{
	bool late;

	if (jiffies - period_start > 1) {
		period_start = jiffies;
		WRITE_ONCE(period, period + 1 ?: 1);
		atomic_set(&behind, 0);
	}
	late = atomic_read(&behind) > 0;
	if (look() || !late || !READ_ONCE(moderate) || READ_ONCE(stopped))
		return IRQ_HANDLED;
	disable_irq_nosync(irq);
	off_irq = irq;
	mod_timer(&on_timer, jiffies + 1);
	smp_store_release(&off, true);
	/* They may have read all meanwhile, and found events on. */
	smp_mb();
	if (atomic_read(&behind) <= 0)
		turn_on();
	return IRQ_HANDLED;
}

void v4v_events_tell(struct v4v_rx *rx)
{
	if (!cmpxchg(&rx->told_in, 0, READ_ONCE(period)))
		atomic_inc(&behind);
}

void v4v_events_read(struct v4v_rx *rx)
{
	WRITE_ONCE(rx->reader, current->pid);
	if (!READ_ONCE(rx->told_in) || xchg(&rx->told_in, 0) != READ_ONCE(period))
		return;
	if (atomic_dec_return(&behind) > 0 || !READ_ONCE(off))
		return;
	if (look() || atomic_read(&behind) <= 0)
		turn_on();
	else
		mod_timer(&on_timer, jiffies + 1);
}

void v4v_events_now(void)
{
	if (READ_ONCE(off))
		turn_on();
}

void v4v_events_stop(int irq)
{
	WRITE_ONCE(stopped, true);
	synchronize_irq(irq);
	timer_delete_sync(&on_timer);
	turn_on();
}
