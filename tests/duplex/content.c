#include "content.h"

/* The finalizer of SplitMix64: near numbers have nothing in common any more. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

const void *content_at(struct content *content, unsigned int way, uint64_t from, size_t length)
{
	uint64_t first = from / sizeof(uint64_t);
	size_t skip = from % sizeof(uint64_t);

	for (size_t i = 0; i * sizeof(uint64_t) < skip + length; i++)
		content->words[i] = mix((first + i) * 2 + way + 1);
	return (const char *)content->words + skip;
}

size_t record_length(unsigned int way, uint64_t number)
{
	return 1 + mix(~(number * 2 + way)) % MOST_BYTES;
}
