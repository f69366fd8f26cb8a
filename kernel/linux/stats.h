/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: what was carried, by domain and by connection, in /proc/v4v.
 */
#ifndef V4V_STATS_H
#define V4V_STATS_H

#include <linux/types.h>

struct v4v_counters {
	u64 tx_bytes, tx_messages;	/* that rings of others have taken */
	u64 rx_bytes, rx_messages;	/* that arrived in rings of ours */
	u64 tx_waits;			/* a sender found no room */
	u64 rx_waits;			/* a reader found nothing and asked for an event */
	u64 events;			/* an event brought something to read or room */
	u64 dropped;			/* datagrams that arrived and reached no socket */
};

/*
 * A connection with a domain begins or ends; @counters is what it carried. Any
 * context but an interrupt.
 */
void v4v_stats_opened(u16 domid);
void v4v_stats_closed(u16 domid, const struct v4v_counters *counters);
/* A connection with a domain was reset. */
void v4v_stats_reset(u16 domid);
/* Datagrams belong to no connection: @counters is one of them. */
void v4v_stats_datagram(u16 domid, const struct v4v_counters *counters);

int v4v_stats_start(void);
void v4v_stats_stop(void);

#endif
