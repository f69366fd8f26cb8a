/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: memory of receive rings.
 */
#ifndef V4V_AREA_H
#define V4V_AREA_H

#include <linux/types.h>

/*
 * Whole pages for a ring: the first one, zeroed, and @size bytes of data, which
 * may hold what an earlier ring of this domain left. NULL without memory. May sleep.
 */
void *v4v_area_get(u32 size);
/* Gives them back; NULL is allowed. The hypervisor must not know them any more. */
void v4v_area_put(void *area, u32 size);
/* At the module's end. */
void v4v_area_exit(void);

#endif
