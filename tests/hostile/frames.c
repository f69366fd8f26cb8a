// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <xen/features.h>
#include <xen/mem-reservation.h>

#include "arena.h"
#include "frames.h"
#include "hypercall.h"
#include "random.h"

/* Pages that come and go; nobody here looks into them. */
#define BALLOONS 8

static struct balloon {
	struct page *page;
	u64 gfn;
	bool given;
} balloons[BALLOONS];
static DEFINE_MUTEX(balloons_lock);

/* The top of this process's page tables, pinned for as long as it waits for us. */
static u64 page_table;

int frames_make(void)
{
	unsigned int i;

	/* A PVH domain's page tables are ordinary memory: it would get what it asks for. */
	page_table = xen_feature(XENFEAT_auto_translated_physmap) ? 0 : v4v_gfn(current->mm->pgd);
	for (i = 0; i < BALLOONS; i++) {
		balloons[i].page = alloc_page(GFP_KERNEL);
		if (!balloons[i].page) {
			frames_free();
			return -ENOMEM;
		}
		balloons[i].gfn = xen_page_to_gfn(balloons[i].page);
	}
	return 0;
}

static bool take(struct balloon *balloon)
{
	xen_pfn_t frame = page_to_xen_pfn(balloon->page);

	/* Not while a ring keeps the old frame on the domain's account. */
	if (xenmem_reservation_increase(1, &frame) != 1)
		return false;
	xenmem_reservation_va_mapping_update(1, &balloon->page, &frame);
	balloon->given = false;
	WRITE_ONCE(balloon->gfn, xen_page_to_gfn(balloon->page));
	return true;
}

static void give(struct balloon *balloon)
{
	/* As the balloon driver does: what some CPU remembers is not the page that comes back. */
	struct mmuext_op flush = { .cmd = MMUEXT_TLB_FLUSH_ALL };
	xen_pfn_t frame = xen_page_to_gfn(balloon->page);

	xenmem_reservation_va_mapping_reset(1, &balloon->page);
	HYPERVISOR_mmuext_op(&flush, 1, NULL, DOMID_SELF);
	balloon->given = xenmem_reservation_decrease(1, &frame) == 1;
	/* What is not mapped any more must not be used again, given or not. */
	if (!balloon->given)
		balloon->page = NULL;
}

void attack_balloon(struct attacker *a)
{
	struct balloon *balloon = &balloons[below(a, BALLOONS)];

	/* Frames of a PVH domain keep their numbers: its rings would have holes, no strangers. */
	if (xen_feature(XENFEAT_auto_translated_physmap) || !mutex_trylock(&balloons_lock))
		return;
	if (balloon->page && balloon->given)
		take(balloon);
	else if (balloon->page)
		give(balloon);
	mutex_unlock(&balloons_lock);
}

void frames_free(void)
{
	unsigned int i;

	for (i = 0; i < BALLOONS; i++) {
		struct balloon *balloon = &balloons[i];

		if (balloon->page && balloon->given && !take(balloon))
			pr_warn("v4v_hostile: a page cannot be had again\n");
		else if (balloon->page)
			__free_page(balloon->page);
		balloon->page = NULL;
	}
}

static bool is_mine(u64 gfn)
{
	return pfn_valid(bfn_to_local_pfn(gfn));
}

/* A frame of somebody else: the hypervisor must not give this domain's other memory away. */
static u64 foreign_frame(struct attacker *a)
{
	u64 frames = xen_feature(XENFEAT_auto_translated_physmap) ? 1UL << 24 : machine_to_phys_nr;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		u64 gfn = below(a, min_t(u64, frames, U32_MAX));

		if (!is_mine(gfn))
			return gfn;
	}
	return ~0ULL;
}

u64 any_frame(struct attacker *a)
{
	/* Video memory, I/O APIC, HPET, local APIC, the reset vector; the first is anybody's. */
	static const u64 devices[] = { 0xa0, 0xb8, 0xfec00, 0xfed00, 0xfee00, 0xfffff };

	switch (below(a, 12)) {
	case 0:
	case 1:
		return foreign_frame(a);
	case 2:
		return devices[below(a, ARRAY_SIZE(devices))];
	case 3: /* huge, and huge ones that could be cut to something */
		return once_in(a, 2) ? any64(a) | 1ULL << 63 : arena_gfn(a) | 1ULL << (32 + below(a, 32));
	case 4:
		return READ_ONCE(balloons[below(a, BALLOONS)].gfn);
	case 5:
		return page_table ? page_table : ~0ULL;
	default:
		return arena_gfn(a);
	}
}
