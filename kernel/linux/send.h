/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: messages to rings of other domains.
 */
#ifndef V4V_SEND_H
#define V4V_SEND_H

#include <linux/types.h>
#include <linux/uio.h>

#include "v4v.h"

/* Pages of one hypercall: what it takes at most, plus one for a start in mid-page. */
#define V4V_TX_PAGES (V4V_SEND_MAX / PAGE_SIZE + 1)

/*
 * Up to so many bytes are copied into the sender's own memory first: that is less
 * work than to find and to pin the page where they are.
 */
#define V4V_TX_SHORT 256

/* What one sender needs for its hypercalls, from kzalloc(); whoever sends serialises himself. */
struct v4v_tx {
	struct v4v_addr dst;
	u32 src_port;
	u64 bytes;		/* that rings have taken */
	u64 messages;
	struct page *pages[V4V_TX_PAGES];
	/* The hypercall's structure and its pieces, one behind the other. */
	struct v4v_sendv args;
	struct v4v_iov iov[V4V_TX_PAGES];
	u8 data[V4V_TX_SHORT];
};

/*
 * Sends up to @len bytes of @from, as much as the ring has room for, from the
 * pages where they are (if they are few, by a copy). Returns the bytes sent, or -ECONNREFUSED if there is no
 * such ring, -EACCES if a rule of the hypervisor drops it, -EFAULT. @full: it
 * was the ring that took no more, and VIRQ_V4V follows when it has room; after
 * an error halfway nothing follows.
 */
ssize_t v4v_tx_stream(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len, bool *full);

/*
 * Sends @len bytes of @from (at most V4V_SEND_MAX) as one message, whole or not
 * at all, from the pages where they are if one hypercall can name them. Returns
 * @len, -EAGAIN without room (VIRQ_V4V follows when there is), -EMSGSIZE if there
 * can never be, -ECONNREFUSED, -EACCES, -EFAULT; then nothing is taken from @from.
 */
ssize_t v4v_tx_record(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len);

/*
 * Room for one short message's hypercall, from kzalloc(): neither a stack nor
 * the module's own data need have frames that are known here.
 */
struct v4v_call {
	struct v4v_sendv args;
	struct v4v_iov iov[2];
	u8 data[64];
};

/*
 * Sends one message, whole or not at all (-EAGAIN), without sleeping and without
 * memory of its own; whoever shares @call serialises himself.
 */
int v4v_tx_message(struct v4v_call *call, struct v4v_addr dst, u32 src_port, u32 type,
		   const void *data, u32 len);

#endif
