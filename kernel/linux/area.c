// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: memory of receive rings.
 *
 * To find, clear and map a mebibyte takes longer than all else at the beginning
 * of a connection, most of all in a PV domain, whose page tables are the
 * hypervisor's. So what one ring gave back is kept for the next, for a second.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "area.h"
#include "v4v.h"

/* Lies in the first page of what is kept. */
struct spare {
	struct list_head list;
	u32 size;
};

static LIST_HEAD(spares);
static size_t spare_bytes;
static DEFINE_SPINLOCK(spares_lock);

/* One of @size, or of any for 0. */
static struct spare *take_spare(u32 size)
{
	struct spare *spare, *found = NULL;

	spin_lock_bh(&spares_lock);
	list_for_each_entry(spare, &spares, list) {
		if (size && spare->size != size)
			continue;
		found = spare;
		list_del(&found->list);
		spare_bytes -= found->size;
		break;
	}
	spin_unlock_bh(&spares_lock);
	return found;
}

static void drop_spares(struct work_struct *unused)
{
	struct spare *spare;

	while ((spare = take_spare(0)))
		vfree(spare);
}

static DECLARE_DELAYED_WORK(drop_work, drop_spares);

void *v4v_area_get(u32 size)
{
	void *area = take_spare(size);

	if (!area)
		return vzalloc(V4V_FRAME_SIZE + size);
	memset(area, 0, V4V_FRAME_SIZE);
	return area;
}

void v4v_area_put(void *area, u32 size)
{
	/* A part of the eighth of memory that rings may have at all. */
	size_t most = (size_t)totalram_pages() * PAGE_SIZE / 64;
	struct spare *spare = area;
	bool kept;

	if (!area)
		return;
	spin_lock_bh(&spares_lock);
	kept = spare_bytes + size <= most;
	if (kept) {
		spare->size = size;
		list_add(&spare->list, &spares);
		spare_bytes += size;
	}
	spin_unlock_bh(&spares_lock);
	if (kept)
		mod_delayed_work(system_wq, &drop_work, HZ);
	else
		vfree(area);
}

void v4v_area_exit(void)
{
	cancel_delayed_work_sync(&drop_work);
	drop_spares(NULL);
}
