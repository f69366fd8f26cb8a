/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that the hypervisor may write into, and what attackers do to it
 * behind each other's back.
 */
#ifndef HOSTILE_ARENA_H
#define HOSTILE_ARENA_H

#include "hostile.h"

int arena_make(void);
void arena_free(void);
/*
 * Instead of arena_free() after an attack: a ring whose number was changed during
 * its registration is known to the hypervisor alone and lies there until the domain
 * ends. As page tables these pages would be refused.
 */
void arena_leave(void);

/* A page of those that are sent from. */
void *data_page(struct attacker *a);
/* Where the ring of a port lies: its first page, and the frames from there on. */
struct v4v_ring *ring_words(u32 port, u32 size);
u64 ring_gfn(u32 port, u32 size, u32 index);
/* A frame of the arena, for rings to lie in and messages to come from. */
u64 arena_gfn(struct attacker *a);

/*
 * An address that the hypervisor has to refuse, or at least to survive. None of
 * them is memory that this kernel minds being written to.
 */
void *bad_pointer(struct attacker *a);

/* Changes the owner's words in a ring. */
void spoil_words(struct attacker *a, struct v4v_ring *ring);
/* Changes anything in the arena, other attackers' calls above all. */
void attack_memory(struct attacker *a);

#endif
