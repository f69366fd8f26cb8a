/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: the hypercall, and addresses as the hypervisor takes them.
 */
#ifndef V4V_HYPERCALL_H
#define V4V_HYPERCALL_H

#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <xen/interface/xen.h>
#include <xen/page.h>
#include <asm/xen/hypercall.h>

#include "v4v.h"

/* Returns the operation's result or a negative errno (the same numbers in Xen and Linux). */
static inline long v4v_hypercall(unsigned int op, void *arg)
{
	return _hypercall2(long, v4v_op, op, arg);
}

/* The frame that holds a kernel address, of the direct map or of vmalloc. */
static inline u64 v4v_gfn(const void *address)
{
	struct page *page = is_vmalloc_addr(address) ?
			    vmalloc_to_page(address) : virt_to_page(address);

	return xen_page_to_gfn(page);
}

#endif
