/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: a receive ring of this domain.
 */
#ifndef V4V_RING_H
#define V4V_RING_H

#include <linux/types.h>
#include <linux/uio.h>

#include "v4v.h"

/*
 * The hypervisor writes messages, one reader takes them out; whoever reads
 * serialises himself (the socket lock, or the one control worker).
 */
struct v4v_rx {
	struct v4v_ring_id id;
	u32 size;		/* data bytes, a power of two */
	struct v4v_ring *shared;	/* first page; the data follow it */
	void *data;
	bool registered;
	bool marked;		/* messages of V4V_TYPE_MARK are no bytes of the stream */

	u32 scanned;		/* position behind the last message counted in @payload */
	u64 payload;		/* payload bytes that arrived and were not taken yet */
	u64 bytes;		/* payload bytes that arrived */
	u64 messages;		/* messages that are not empty and arrived */
	u64 records;		/* of these, taken by v4v_rx_record() */
	u32 taken;		/* position of the next byte to take */
	u32 left;		/* payload left of the message being taken */
	u32 left_padding;	/* its padding, to be skipped after it */

	u32 told;		/* tx of which the reader was told, or where it asked to be */
	u32 spin_ns;		/* how long to look for a message before sleeping */
	u64 asleep_since;	/* local_clock(), 0 while awake */
};

int v4v_rx_open(struct v4v_rx *rx, u32 port, u16 partner, u32 size);
/*
 * Registers the memory of a ring once more that the hypervisor has dropped (this
 * is another domain now); what was in it is gone.
 */
int v4v_rx_reopen(struct v4v_rx *rx);
/*
 * The largest ring of at most @size that leaves memory for others: a ring takes
 * no more than a quarter of what is left of the budget of all, and leaves @least
 * to each ring that the hypervisor allows besides, but always takes @least.
 */
u32 v4v_rx_affordable(u32 size, u32 least);
void v4v_rx_unregister(struct v4v_rx *rx);
void v4v_rx_free(struct v4v_rx *rx);

/* Payload bytes that can be taken now. */
u64 v4v_rx_available(struct v4v_rx *rx);

/*
 * Asks for an event with the next bytes; false if some have come meanwhile. For who
 * leaves bytes unread: others hear of these from the event that they came with.
 */
bool v4v_rx_watch(struct v4v_rx *rx);
/* The same for who has found nothing, or was told of all that there is. */
bool v4v_rx_arm(struct v4v_rx *rx);

/*
 * Before sleeping: looks out for a message for as long as that has paid lately,
 * @max_ns at most, and without an event for it. True if one has come.
 */
bool v4v_rx_spin(struct v4v_rx *rx, u32 max_ns);

/* Most that a reader may spin, ns: the module's parameter. */
u32 v4v_spin_max(void);

/* The reader goes to sleep, armed; or it runs again and has something to read. */
void v4v_rx_asleep(struct v4v_rx *rx);
void v4v_rx_awake(struct v4v_rx *rx, u32 max_ns);

/*
 * Takes (or with @peek looks at) up to @len payload bytes as one stream, in a
 * marked ring those before a mark. Returns the number of bytes, 0 if there are
 * none, or -EFAULT.
 */
ssize_t v4v_rx_take(struct v4v_rx *rx, struct iov_iter *to, size_t len, bool peek);

/* Messages that v4v_rx_record() can take now. */
u32 v4v_rx_records(struct v4v_rx *rx);

/*
 * Takes (or with @peek looks at) one message as a record: as much of it as @to
 * has room for, the rest is dropped. Returns its full length and its type,
 * -EAGAIN without one, or -EFAULT, with which the record is gone, too.
 */
ssize_t v4v_rx_record(struct v4v_rx *rx, struct iov_iter *to, bool peek, u32 *type);

/*
 * The next message where it lies, or NULL: its header, and its payload in two
 * pieces (the second has no bytes unless it wraps). v4v_rx_skip() takes it.
 */
const struct v4v_message *v4v_rx_next(struct v4v_rx *rx, struct kvec piece[2]);
void v4v_rx_skip(struct v4v_rx *rx);

/* No further byte fits until some are taken. */
bool v4v_rx_full(const struct v4v_rx *rx);

/*
 * Takes one whole message of at most @size bytes, for rings that carry
 * datagrams. Returns its length, -EAGAIN without one, or -EMSGSIZE for one that
 * was longer (and is gone).
 */
ssize_t v4v_rx_message(struct v4v_rx *rx, struct v4v_message *header, void *buffer, size_t size);

/* Lets the hypervisor reuse what was taken, and tells senders that wait for it. */
void v4v_rx_release(struct v4v_rx *rx);

static inline bool v4v_rx_partner_gone(const struct v4v_rx *rx)
{
	return READ_ONCE(rx->shared->state) & V4V_RING_PARTNER_GONE;
}

/* Whether anything was put in that v4v_rx_available() has not counted; from any context. */
static inline bool v4v_rx_news(const struct v4v_rx *rx)
{
	return READ_ONCE(rx->shared->tx) != READ_ONCE(rx->scanned);
}

/*
 * How far tx may go without anybody hearing of it: a mark brings nothing to read.
 * One that polls edge-triggered would be told of a byte that is not there yet.
 */
static inline u32 v4v_rx_silent(const struct v4v_rx *rx)
{
	return rx->marked ? sizeof(struct v4v_message) : 0;
}

/*
 * For the interrupt: whether something came after what the reader knows or was
 * told of. From now on it was told.
 */
static inline bool v4v_rx_untold(struct v4v_rx *rx)
{
	u32 tx = READ_ONCE(rx->shared->tx);

	if (tx - READ_ONCE(rx->told) <= v4v_rx_silent(rx))
		return false;
	WRITE_ONCE(rx->told, tx);
	return true;
}

#endif
