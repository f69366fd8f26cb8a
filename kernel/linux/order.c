// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: the order of a stream whose bytes come by TCP and by a ring.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include "control.h"
#include "order.h"

/* What is next in the ring, between two messages: bytes, a mark (which is taken), or nothing. */
enum next { NOTHING, BYTES, MARK, OTHER };

static enum next look(struct v4v_order *order, struct v4v_rx *rx)
{
	const struct v4v_message *message;
	struct kvec piece[2];

	if (rx->left)
		return BYTES;
	while ((message = v4v_rx_next(rx, piece))) {
		if (message->type == V4V_TYPE_MARK && !message->length) {
			order->mark = message->src.port;
			order->marked = true;
			v4v_rx_skip(rx);
			return MARK;
		}
		if (message->type != V4V_TYPE_STREAM)
			return OTHER;
		if (message->length)
			return BYTES;
		v4v_rx_skip(rx);
	}
	return NOTHING;
}

/* Nothing of the ring before its mark is reached. */
static enum v4v_source of_tcp(struct v4v_order *order, struct v4v_rx *rx, u32 read, u32 arrived,
			      u32 *most)
{
	enum next next = order->marked || !rx->shared ? NOTHING : look(order, rx);

	/* Bytes without a mark: nobody can say where they belong. */
	if (next == BYTES || next == OTHER)
		return V4V_BROKEN;
	*most = arrived - read;
	if (order->marked) {
		u32 ahead = order->mark - read;

		/* A mark behind what was read comes too late. */
		if (ahead > S32_MAX)
			return V4V_BROKEN;
		if (!ahead) {
			order->in_ring = true;
			order->marked = false;
		}
		*most = min(*most, ahead);
	}
	return *most ? V4V_FROM_TCP : V4V_FROM_NOWHERE;
}

enum v4v_source v4v_order_next(struct v4v_order *order, struct v4v_rx *rx, u32 read, u32 arrived,
			       u32 *most)
{
	enum v4v_source source;

	/* Counts what has come, so that asking for an event is about what comes later. */
	if (rx->shared)
		v4v_rx_available(rx);
	for (;;) {
		*most = 0;
		if (!order->in_ring) {
			source = of_tcp(order, rx, read, arrived, most);
			if (!order->in_ring)
				return source;
		}
		switch (look(order, rx)) {
		case BYTES:
			return V4V_FROM_RING;
		case OTHER:
			return V4V_BROKEN;
		case NOTHING:
			/*
			 * What TCP has brought was sent after the last byte in the ring:
			 * it had arrived when the ring was looked at, and all that was put
			 * into the ring before was there then.
			 */
			if (arrived == read)
				return V4V_FROM_NOWHERE;
			break;
		case MARK:
			break;
		}
		order->in_ring = false;
	}
}
