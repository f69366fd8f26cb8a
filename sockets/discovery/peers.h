/* Who has which address: one entry a domain, and no address with two of them. */
#ifndef PEERS_H
#define PEERS_H

#include "addresses.h"

/* Most domains that are published; more have no peers and use TCP. */
#define PEERS_MAX 256
/* Domain ids of real domains are below this (DOMID_FIRST_RESERVED of Xen). */
#define DOMID_END 0x7ff0u

struct peer {
	unsigned int domid;
	struct addresses addresses;
};

struct peers {
	unsigned int count;
	struct peer peer[PEERS_MAX];
};

/* The entry of a domain, made if need be; NULL if there is no place. */
struct peer *peers_entry(struct peers *peers, unsigned int domid);
const struct peer *peers_find(const struct peers *peers, unsigned int domid);

/*
 * Takes away every address that two domains have: nobody can say whose it is, so its connections stay on TCP. Returns
 * how many; domains without an address go.
 */
unsigned int peers_settle(struct peers *peers);

/* A name in XenStore that is a domain id or a device number: decimal, no sign, no leading zeros, below `end`. */
bool number_parse(const char *text, unsigned int end, unsigned int *value);

#endif
