/* Bitmaps, as far as the module uses them. */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include <stdbool.h>
#include <string.h>

#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + 63) / 64]

static inline void bitmap_zero(unsigned long *map, unsigned int bits)
{
	memset(map, 0, (bits + 63) / 64 * sizeof(*map));
}

static inline bool test_bit(unsigned int bit, const unsigned long *map)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

static inline void __set_bit(unsigned int bit, unsigned long *map)
{
	map[bit / 64] |= 1UL << (bit % 64);
}

#endif
