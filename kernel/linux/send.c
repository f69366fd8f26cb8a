// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: sending.
 *
 * The hypervisor copies from the sender's pages into the receiver's ring, so
 * the pages are pinned for the time of the hypercall and nothing is copied here.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/bvec.h>
#include <linux/build_bug.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "hypercall.h"
#include "send.h"

static long submit(struct v4v_tx *tx, u32 type, u32 flags, u32 length, u32 nr_iov)
{
	long sent;

	BUILD_BUG_ON(offsetof(struct v4v_tx, iov) !=
		     offsetof(struct v4v_tx, args) + sizeof(struct v4v_sendv));

	tx->args = (struct v4v_sendv){
		.dst = tx->dst,
		.src_port = tx->src_port,
		.type = type,
		.flags = flags,
		.length = length,
		.nr_iov = nr_iov,
	};
	sent = v4v_hypercall(V4VOP_sendv, &tx->args);
	if (sent >= 0) {
		tx->bytes += sent;
		tx->messages++;
	}
	return sent;
}

static u32 fill_pieces(struct v4v_tx *tx, size_t offset, size_t len)
{
	u32 count = 0;

	while (len) {
		u32 n = min_t(size_t, len, PAGE_SIZE - offset);

		tx->iov[count] = (struct v4v_iov){
			.gfn = xen_page_to_gfn(tx->pages[count]),
			.offset = offset,
			.length = n,
		};
		count++;
		len -= n;
		offset = 0;
	}
	return count;
}

/*
 * Sends @got bytes, which have been taken from @from, as the @pieces named in @tx;
 * gives back to @from what found no room.
 */
static ssize_t submit_stream(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t got,
			     u32 pieces, bool *full)
{
	ssize_t sent = submit(tx, type, V4V_SEND_PARTIAL, got, pieces);

	if (sent == -EAGAIN)
		sent = 0;
	*full = sent >= 0 && sent < got;
	iov_iter_revert(from, got - max_t(ssize_t, sent, 0));
	return sent;
}

/*
 * Pages that belong to another domain (granted or foreign mappings, as dom0
 * has them) are not ours to send from, and memory of a device, of another
 * domain by way of privcmd, or of memfd_secret() has no pages for anybody: what
 * a program can read all the same goes through a page of ours.
 */
static ssize_t stream_bounced(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len,
			      bool *full)
{
	struct page *page = alloc_page(GFP_KERNEL);
	ssize_t sent = -EFAULT;
	size_t n;

	if (!page)
		return -ENOMEM;
	n = copy_from_iter(page_address(page), min_t(size_t, len, PAGE_SIZE), from);
	if (n) {
		tx->pages[0] = page;
		sent = submit_stream(tx, type, from, n, fill_pieces(tx, 0, n), full);
	}
	__free_page(page);
	return sent;
}

/* Names what is in the sender's own memory; that may lie across two pages. */
static u32 fill_short(struct v4v_tx *tx, size_t len)
{
	u32 offset = offset_in_page(tx->data);
	u32 first = min_t(u32, len, PAGE_SIZE - offset);

	tx->iov[0] = (struct v4v_iov){ v4v_gfn(tx->data), offset, first };
	if (len == first)
		return 1;
	tx->iov[1] = (struct v4v_iov){ v4v_gfn(tx->data + first), 0, len - first };
	return 2;
}

static ssize_t stream_short(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len,
			    bool *full)
{
	size_t got = copy_from_iter(tx->data, len, from);

	return got ? submit_stream(tx, type, from, got, fill_short(tx, got), full) : -EFAULT;
}

static ssize_t stream_once(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len,
			   bool *full)
{
	bool pinned = iov_iter_extract_will_pin(from);
	struct page **pages = tx->pages;
	ssize_t got, sent;
	size_t offset;

	got = iov_iter_extract_pages(from, &pages, min_t(size_t, len, V4V_SEND_MAX),
				     V4V_TX_PAGES, 0, &offset);
	if (got <= 0)
		return stream_bounced(tx, type, from, len, full);

	sent = submit_stream(tx, type, from, got, fill_pieces(tx, offset, got), full);
	if (pinned)
		unpin_user_pages(pages, DIV_ROUND_UP(offset + got, PAGE_SIZE));
	if (sent == -EFAULT)
		sent = stream_bounced(tx, type, from, got, full);
	return sent;
}

ssize_t v4v_tx_stream(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len, bool *full)
{
	size_t done = 0;

	*full = false;
	while (done < len && !*full) {
		size_t left = len - done;
		ssize_t sent = left <= V4V_TX_SHORT ? stream_short(tx, type, from, left, full) :
						      stream_once(tx, type, from, left, full);

		if (sent < 0)
			return done ?: sent;
		done += sent;
		/* With a reader that keeps up this goes on for as long as the program's buffer. */
		cond_resched();
	}
	return done;
}

/*
 * Names up to @len bytes of @from by their pages, segment after segment, as long
 * as there is room in @tx. Returns the number of pages; @got is what they hold.
 */
static u32 gather(struct v4v_tx *tx, struct iov_iter *from, size_t len, size_t *got)
{
	u32 count = 0;

	*got = 0;
	while (*got < len && count < V4V_TX_PAGES) {
		struct page **pages = tx->pages + count;
		size_t offset;
		ssize_t n = iov_iter_extract_pages(from, &pages, len - *got,
						   V4V_TX_PAGES - count, 0, &offset);

		if (n <= 0)
			break;
		*got += n;
		while (n > 0) {
			u32 piece = min_t(size_t, n, PAGE_SIZE - offset);

			tx->iov[count] = (struct v4v_iov){
				.gfn = xen_page_to_gfn(tx->pages[count]),
				.offset = offset,
				.length = piece,
			};
			count++;
			n -= piece;
			offset = 0;
		}
	}
	return count;
}

/* A record in too many small segments, in another domain's pages, or in memory without pages: by way of a copy. */
static ssize_t record_bounced(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len)
{
	void *copy = kvmalloc(len, GFP_KERNEL);
	ssize_t sent = -EFAULT;
	u32 count = 0;
	size_t at, n;

	if (!copy)
		return -ENOMEM;
	n = copy_from_iter(copy, len, from);
	if (n == len) {
		for (at = 0; at < len; at += n, count++) {
			n = min_t(size_t, len - at, PAGE_SIZE - offset_in_page(copy + at));
			tx->iov[count] = (struct v4v_iov){
				.gfn = v4v_gfn(copy + at),
				.offset = offset_in_page(copy + at),
				.length = n,
			};
		}
		n = len;
		sent = submit(tx, type, 0, len, count);
	}
	if (sent < 0)
		iov_iter_revert(from, n);
	kvfree(copy);
	return sent;
}

ssize_t v4v_tx_record(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len)
{
	bool pinned = iov_iter_extract_will_pin(from);
	ssize_t sent = -EFAULT;
	size_t got;
	u32 count;

	if (len > V4V_SEND_MAX)
		return -EMSGSIZE;
	count = gather(tx, from, len, &got);
	if (got == len)
		sent = submit(tx, type, 0, len, count);
	if (pinned)
		unpin_user_pages(tx->pages, count);
	if (sent >= 0)
		return sent;

	iov_iter_revert(from, got);
	if (sent == -EFAULT)
		sent = record_bounced(tx, type, from, len);
	return sent;
}

int v4v_tx_message(struct v4v_call *call, struct v4v_addr dst, u32 src_port, u32 type,
		   const void *data, u32 len)
{
	u32 first, offset;
	long sent;

	if (WARN_ON_ONCE(len > sizeof(call->data)))
		return -EMSGSIZE;
	memcpy(call->data, data, len);
	offset = offset_in_page(call->data);
	first = min_t(u32, len, PAGE_SIZE - offset);
	call->iov[0] = (struct v4v_iov){ v4v_gfn(call->data), offset, first };
	call->iov[1] = (struct v4v_iov){ v4v_gfn(call->data + len - 1), 0, len - first };
	call->args = (struct v4v_sendv){
		.dst = dst,
		.src_port = src_port,
		.type = type,
		.length = len,
		.nr_iov = len > first ? 2 : 1,
	};
	sent = v4v_hypercall(V4VOP_sendv, call);
	return sent < 0 ? sent : 0;
}
