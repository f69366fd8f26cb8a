/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: which domain of this host has which IPv4 address.
 */
#ifndef V4V_PEERS_H
#define V4V_PEERS_H

#include <linux/types.h>

struct seq_file;

/* Most addresses of one domain, and of all; more are not taken and stay on TCP. */
#define V4V_PEER_ADDRESSES	8
#define V4V_PEERS_MAX		1024

struct v4v_peer {
	u32 address;		/* host order */
	u16 domid;
	bool disputed;		/* two domains have it, so nobody does; or said before */
};

/* All that are known at one time. */
struct v4v_peers {
	u32 count;
	struct v4v_peer peer[V4V_PEERS_MAX];
};

/* Adds what v4vd says of a domain: @text is addresses, one blank between two. False if that is no such list. */
bool v4v_peers_add(struct v4v_peers *peers, u16 domid, const char *text, size_t len);
/* From now on these are the peers (none: NULL); they are of kvzalloc() and freed when others take their place. */
void v4v_peers_use(struct v4v_peers *peers);

/* The domain that has an address (host order), in any context but an interrupt of hardware. */
bool v4v_peer_of(u32 address, u16 *domid);

/* A domain id as XenStore has it: decimal, no sign, no leading zeros. */
bool v4v_domid_of(const char *name, u16 *domid);

int v4v_peers_show(struct seq_file *seq, void *unused);

#endif
