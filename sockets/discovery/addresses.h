/* Lists of IPv4 addresses: as the toolstack writes them, and as they are published. */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most addresses of one domain that are published; the module takes no more either (PEER_ADDRESSES there). */
#define ADDRESSES_MAX 8
/* Bytes of the longest published list, with its terminator. */
#define ADDRESSES_TEXT (ADDRESSES_MAX * 16)

struct addresses {
	unsigned int count;
	/* In host order, without repetition. */
	uint32_t address[ADDRESSES_MAX];
};

/* One host's address (no network, loopback, multicast), of `length` characters: false if it is none. */
bool address_parse(const char *text, size_t length, uint32_t *address);

/*
 * Adds the IPv4 addresses of an `ip` node: words between blanks and commas, each with or without a prefix length. Words
 * that are no such address (IPv6, names) are left out; false if the list is full.
 */
bool addresses_add_text(struct addresses *list, const char *text, size_t length);
bool addresses_add(struct addresses *list, uint32_t address);
bool addresses_have(const struct addresses *list, uint32_t address);
void addresses_remove(struct addresses *list, uint32_t address);

/* The list as it is published: sorted, one blank between two. */
void addresses_format(const struct addresses *list, char text[ADDRESSES_TEXT]);

#endif
