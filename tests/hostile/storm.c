// SPDX-License-Identifier: GPL-2.0-only
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <xen/events.h>

#include "arena.h"
#include "hypercall.h"
#include "random.h"

#define CONTROL_PORT 1

static DEFINE_MUTEX(virq_lock);
static int virq_irq = -1;

static irqreturn_t ignore(int irq, void *unused)
{
	return IRQ_HANDLED;
}

static void bind_virq(void)
{
	virq_irq = bind_virq_to_irqhandler(VIRQ_V4V, 0, ignore, 0, "v4v_hostile", &virq_irq);
}

static void unbind_virq(void)
{
	if (virq_irq >= 0)
		unbind_from_irqhandler(virq_irq, &virq_irq);
	virq_irq = -1;
}

/* The port of the events closes and opens again while events are under way. */
void attack_rebind(struct attacker *a)
{
	if (!mutex_trylock(&virq_lock))
		return;
	if (virq_irq < 0)
		bind_virq();
	else
		unbind_virq();
	mutex_unlock(&virq_lock);
}

static long register_ring(struct attacker *a, u32 port, u16 partner, u32 size)
{
	describe_ring(a, port, partner, size);
	return hostile_call(a, V4VOP_register_ring, a->registration);
}

static long unregister_ring(struct attacker *a, u32 port, u16 partner)
{
	*a->id = (struct v4v_ring_id){ .port = port, .partner = partner };
	return hostile_call(a, V4VOP_unregister_ring, a->id);
}

/* The same ring again and again, with somebody waiting for room in it. */
static void reregister(struct attacker *a)
{
	u32 port = below(a, PORTS);
	unsigned int i;

	for (i = 0; i < 16; i++) {
		register_ring(a, port, V4V_ANY, V4V_RING_MIN);
		register_ring(a, port, V4V_ANY, 2 * V4V_RING_MIN);
		send_short(a, own_domid, port, V4V_FRAME_SIZE - sizeof(struct v4v_message));
		send_short(a, own_domid, port, 1);
		unregister_ring(a, port, V4V_ANY);
	}
}

/* Up to a quota: that of rings with small ones, that of memory with large ones. */
static void exhaust(struct attacker *a)
{
	u32 size = once_in(a, 2) ? V4V_RING_MIN : V4V_RING_MAX;
	unsigned int i;

	for (i = 0; i < STORM_PORTS; i++) {
		if (register_ring(a, STORM_PORT + i, V4V_ANY, size) == -ENOSPC)
			break;
		cond_resched();
	}
	while (i--)
		unregister_ring(a, STORM_PORT + i, V4V_ANY);
}

void attack_storm(struct attacker *a)
{
	if (once_in(a, 4))
		exhaust(a);
	else
		reregister(a);
}

/* As many events as can be had, for oneself and for others. */
void attack_flood(struct attacker *a)
{
	u16 domid = once_in(a, 3) ? own_domid : partners[below(a, nr_partners)];
	u32 port = domid == own_domid ? below(a, PORTS) : CONTROL_PORT;
	struct v4v_ring *ring = ring_words(port, V4V_RING_MIN);
	unsigned int i;

	for (i = 0; i < 32; i++) {
		WRITE_ONCE(ring->rx, READ_ONCE(ring->tx));
		WRITE_ONCE(ring->event_at, READ_ONCE(ring->tx));
		send_short(a, domid, port, once_in(a, 4) ? 0 : 32);
		*a->id = (struct v4v_ring_id){ .port = port, .partner = V4V_ANY };
		hostile_call(a, V4VOP_notify, a->id);
	}
}

int claim_domain(struct attacker *a)
{
	long rc = register_ring(a, CONTROL_PORT, V4V_ANY, V4V_RING_MIN);

	if (!rc)
		rc = unregister_ring(a, CONTROL_PORT, V4V_ANY);
	return rc;
}

void end_storms(struct attacker *a)
{
	unsigned int partner, i;

	for (partner = 0; partner < nr_partners; partner++) {
		for (i = 0; i < PORTS; i++)
			unregister_ring(a, i, partners[partner]);
		for (i = 0; i < STORM_PORTS; i++)
			unregister_ring(a, STORM_PORT + i, partners[partner]);
		cond_resched();
	}
	unbind_virq();
}
