/* The payload: pseudo-random bytes that depend on a seed and the position in the stream, and a checksum over them. */
#ifndef BENCH_COMMON_PAYLOAD_H
#define BENCH_COMMON_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#define FNV1A64_START 0xcbf29ce484222325ull

/*
 * Writes the bytes of stream positions offset .. offset + length - 1. A byte depends on seed and position alone, so
 * a message that is lost, doubled, shifted or swapped with another one does not compare equal.
 */
void payload_fill(uint8_t *buffer, size_t length, uint64_t seed, uint64_t offset);

/* Position of the first byte that differs from payload_fill(), or `length` if none does. */
size_t payload_compare(const uint8_t *buffer, size_t length, uint64_t seed, uint64_t offset);

/* FNV-1a, 64 bits, of more bytes after those that made `hash` (FNV1A64_START before the first). */
uint64_t fnv1a64(uint64_t hash, const void *bytes, size_t length);

#endif
