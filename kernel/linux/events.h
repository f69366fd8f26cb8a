/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: the interrupt, and when there is none.
 */
#ifndef V4V_EVENTS_H
#define V4V_EVENTS_H

#include <linux/interrupt.h>

struct v4v_rx;

/* Who would wait for the next event; zeroed at first. */
struct v4v_audience {
	pid_t reader;		/* one thread reads all rings, as far as is known, */
	bool others;		/* or does not, or somebody waits within a call */
};

irqreturn_t v4v_interrupt(int irq, void *unused);

/* Adds whoever waits for what comes into @rx. */
void v4v_events_see(struct v4v_audience *audience, const struct v4v_rx *rx);
/* Whoever polls @rx is about to be told of bytes; from the interrupt or in its place. */
void v4v_events_tell(struct v4v_rx *rx);
/* Bytes of @rx were read. May look at all rings; not from an interrupt. */
void v4v_events_read(struct v4v_rx *rx);
/* Somebody is about to wait for an event who would not come back to read first. */
void v4v_events_now(void);

/* Before the interrupt is unbound: it is on, and stays so. */
void v4v_events_stop(int irq);

#endif
