/* SPDX-License-Identifier: GPL-2.0-only */
/* Frame numbers that a guest may name but must not get. */
#ifndef HOSTILE_FRAMES_H
#define HOSTILE_FRAMES_H

#include "hostile.h"

int frames_make(void);
/* Takes back what was given away; rings must be gone. */
void frames_free(void);

/*
 * The arena's, other domains', devices', page tables, frames that were given
 * back to the hypervisor, and numbers that are none.
 */
u64 any_frame(struct attacker *a);

/* Gives a page back to the hypervisor, in whatever ring it may be, or takes another for it. */
void attack_balloon(struct attacker *a);

#endif
