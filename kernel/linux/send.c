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
#include <linux/slab.h>

#include "hypercall.h"
#include "send.h"

static long submit(struct v4v_tx *tx, u32 type, u32 flags, u32 length, u32 nr_iov)
{
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
	return v4v_hypercall(V4VOP_sendv, &tx->args);
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
 * Pages that belong to another domain (granted or foreign mappings, as dom0
 * has them) are not ours to send from: their bytes go through a page of ours.
 */
static ssize_t stream_bounced(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len)
{
	struct page *page = alloc_page(GFP_KERNEL);
	ssize_t sent = -EFAULT;
	size_t n;

	if (!page)
		return -ENOMEM;
	n = copy_from_iter(page_address(page), min_t(size_t, len, PAGE_SIZE), from);
	if (n) {
		tx->pages[0] = page;
		sent = submit(tx, type, V4V_SEND_PARTIAL, n, fill_pieces(tx, 0, n));
		if (sent == -EAGAIN)
			sent = 0;
		iov_iter_revert(from, n - max_t(ssize_t, sent, 0));
	}
	__free_page(page);
	return sent;
}

static ssize_t stream_once(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len)
{
	bool pinned = iov_iter_extract_will_pin(from);
	struct page **pages = tx->pages;
	ssize_t got, sent;
	size_t offset;

	got = iov_iter_extract_pages(from, &pages, min_t(size_t, len, V4V_SEND_MAX),
				     V4V_TX_PAGES, 0, &offset);
	if (got <= 0)
		return got ?: -EFAULT;

	sent = submit(tx, type, V4V_SEND_PARTIAL, got, fill_pieces(tx, offset, got));
	if (pinned)
		unpin_user_pages(pages, DIV_ROUND_UP(offset + got, PAGE_SIZE));
	if (sent == -EAGAIN)
		sent = 0;
	iov_iter_revert(from, got - max_t(ssize_t, sent, 0));
	if (sent == -EFAULT)
		sent = stream_bounced(tx, type, from, got);
	return sent;
}

ssize_t v4v_tx_stream(struct v4v_tx *tx, u32 type, struct iov_iter *from, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t sent = stream_once(tx, type, from, len - done);

		if (sent <= 0)
			return done ?: sent;
		done += sent;
	}
	return done;
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
