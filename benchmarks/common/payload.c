#include "payload.h"

#include <endian.h>
#include <string.h>

/* Finaliser of the SplitMix64 generator: the 8 payload bytes at position 8 * index, little-endian. */
static uint64_t payload_word(uint64_t seed, uint64_t index)
{
	uint64_t x = seed + (index + 1) * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* Bytes up to the next word's border, at most `left`. */
static size_t piece(uint64_t position, size_t left)
{
	size_t bytes = 8 - position % 8;

	return bytes < left ? bytes : left;
}

/* The word at a position in memory order; its first position % 8 bytes belong to earlier positions. */
static uint64_t word_in_memory(uint64_t seed, uint64_t position)
{
	return htole64(payload_word(seed, position / 8));
}

void payload_fill(uint8_t *buffer, size_t length, uint64_t seed, uint64_t offset)
{
	for (size_t i = 0; i < length;) {
		uint64_t position = offset + i;
		uint64_t word = word_in_memory(seed, position);
		size_t bytes = piece(position, length - i);

		/* A constant length is one store: large messages are filled at memory speed. */
		if (bytes == sizeof(word))
			memcpy(buffer + i, &word, sizeof(word));
		else
			memcpy(buffer + i, (uint8_t *)&word + position % 8, bytes);
		i += bytes;
	}
}

size_t payload_compare(const uint8_t *buffer, size_t length, uint64_t seed, uint64_t offset)
{
	for (size_t i = 0; i < length;) {
		uint64_t position = offset + i;
		uint64_t word = word_in_memory(seed, position);
		const uint8_t *expected = (uint8_t *)&word + position % 8;
		size_t bytes = piece(position, length - i);

		if (bytes == sizeof(word) ? memcmp(buffer + i, &word, sizeof(word)) : memcmp(buffer + i, expected, bytes)) {
			while (buffer[i] == *expected) {
				i++;
				expected++;
			}
			return i;
		}
		i += bytes;
	}
	return length;
}

uint64_t fnv1a64(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3ull;
	return hash;
}
