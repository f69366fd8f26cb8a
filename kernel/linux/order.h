/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: the order of a stream whose bytes come by TCP and by a ring.
 *
 * A sender that goes from TCP to the ring puts a mark into the ring first, with
 * the sequence number that TCP has reached; one that goes back to TCP just does:
 * what is in the ring came before what TCP brings after it.
 */
#ifndef V4V_ORDER_H
#define V4V_ORDER_H

#include <linux/types.h>

#include "ring.h"

struct v4v_order {
	bool in_ring;		/* the next byte is in the ring, or comes there */
	bool marked;		/* there is a mark, and TCP has not been read that far */
	u32 mark;
};

enum v4v_source {
	V4V_FROM_NOWHERE,	/* nothing has arrived */
	V4V_FROM_TCP,
	V4V_FROM_RING,
	V4V_BROKEN,		/* the sender does not keep to the order: no byte is sure any more */
};

/*
 * Where the next byte of the stream is. @read is the sequence number of TCP's next
 * unread byte and @arrived that behind the last that has arrived; the caller has
 * read both before this looks at the ring. @most: how many bytes of TCP's may be
 * read. @rx without memory is a ring that is not there yet.
 */
enum v4v_source v4v_order_next(struct v4v_order *order, struct v4v_rx *rx, u32 read, u32 arrived,
			       u32 *most);

#endif
