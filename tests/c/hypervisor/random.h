/* A generator that is told its seed, and numbers that are near some limit more often than chance has it. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdbool.h>
#include <stdint.h>

extern uint64_t random_state;

static inline void random_start(uint64_t seed)
{
	random_state = (seed + 1) * 0x9e3779b97f4a7c15ull;
}

static inline uint32_t any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32);
}

static inline uint32_t below(uint32_t limit)
{
	return any() % limit;
}

/* True once in `n`. */
static inline bool once_in(uint32_t n)
{
	return !below(n);
}

/* Powers of two, their neighbours, and their negatives. */
static inline uint32_t odd_number(void)
{
	uint32_t n = (1u << below(32)) + below(5) - 2;

	switch (below(4)) {
	case 0:
		return any();
	case 1:
		return 0u - n;
	default:
		return n;
	}
}

#endif
