/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A generator that is told its seed, and numbers that are near some limit more
 * often than chance has it.
 */
#ifndef HOSTILE_RANDOM_H
#define HOSTILE_RANDOM_H

#include "hostile.h"

static inline u32 any(struct attacker *a)
{
	a->random ^= a->random << 13;
	a->random ^= a->random >> 7;
	a->random ^= a->random << 17;
	return a->random >> 32;
}

static inline u64 any64(struct attacker *a)
{
	return (u64)any(a) << 32 | any(a);
}

static inline u32 below(struct attacker *a, u32 limit)
{
	return any(a) % limit;
}

/* True once in @n. */
static inline bool once_in(struct attacker *a, u32 n)
{
	return !below(a, n);
}

/* Powers of two, their neighbours, and their negatives. */
static inline u32 odd_number(struct attacker *a)
{
	u32 n = (1U << below(a, 32)) + below(a, 5) - 2;

	switch (below(a, 4)) {
	case 0:
		return any(a);
	case 1:
		return -n;
	default:
		return n;
	}
}

#endif
