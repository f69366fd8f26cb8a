/* What a direction of a connection carries: each byte follows from its position, so that none can take another's place. */
#ifndef CONTENT_H
#define CONTENT_H

#include <stddef.h>
#include <stdint.h>

/* The longest piece. */
#define MOST_BYTES 65536

/* Room for the longest piece, wherever in a word it begins. */
struct content {
	uint64_t words[MOST_BYTES / sizeof(uint64_t) + 2];
};

/* The bytes of direction @way from position @from on; what is returned lies in @content. */
const void *content_at(struct content *content, unsigned int way, uint64_t from, size_t length);

/* Length of the record of this number. */
size_t record_length(unsigned int way, uint64_t number);

#endif
