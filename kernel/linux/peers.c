// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: the table of peers.
 *
 * It is what dom0 says. Nothing that a peer says of itself gets in here, and what
 * is here is a hint: a connection moves only if that very domain knows it, too.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>

#include "connection.h"
#include "peers.h"

static DEFINE_SPINLOCK(table_lock);
/* Sorted by address. */
static struct v4v_peers *table;

/* A number below @end at *@at, which is moved behind it; no sign, no leading zeros. */
static bool take_number(const char **at, const char *stop, u32 end, u32 *value)
{
	const char *from = *at;

	*value = 0;
	while (*at < stop && **at >= '0' && **at <= '9' && *at - from < 5)
		*value = *value * 10 + (*(*at)++ - '0');
	return *at > from && *value < end && (*at == from + 1 || *from != '0');
}

static bool take_address(const char **at, const char *stop, u32 *address)
{
	u32 part, i;

	*address = 0;
	for (i = 0; i < 4; i++) {
		if (i && (*at == stop || *(*at)++ != '.'))
			return false;
		if (!take_number(at, stop, 256, &part))
			return false;
		*address = *address << 8 | part;
	}
	/* Of a host: not this network, loopback or multicast. */
	return *address >> 24 && *address >> 24 != 127 && *address >> 24 < 224;
}

bool v4v_domid_of(const char *name, u16 *domid)
{
	const char *at = name;
	u32 value;

	if (!take_number(&at, name + strlen(name), V4V_ANY, &value) || *at)
		return false;
	*domid = value;
	return true;
}

bool v4v_peers_add(struct v4v_peers *peers, u16 domid, const char *text, size_t len)
{
	const char *at = text, *stop = text + len;
	u32 addresses[V4V_PEER_ADDRESSES];
	u32 n = 0, i;

	for (;;) {
		if (n == V4V_PEER_ADDRESSES || !take_address(&at, stop, &addresses[n++]))
			return false;
		if (at == stop)
			break;
		if (*at++ != ' ')
			return false;
	}
	if (n > V4V_PEERS_MAX - peers->count)
		return false;
	for (i = 0; i < n; i++)
		peers->peer[peers->count++] = (struct v4v_peer){
			.address = addresses[i],
			.domid = domid,
		};
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct v4v_peer *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Entries of one address: the first of them, which find() gives, speaks for all. */
static void merge(struct v4v_peers *peers, u32 i)
{
	u32 first = i - 1;

	while (first && peers->peer[first - 1].address == peers->peer[i].address)
		first--;
	if (peers->peer[first].domid != peers->peer[i].domid)
		peers->peer[first].disputed = true;
	/* Not shown, and never found. */
	peers->peer[i].disputed = true;
}

void v4v_peers_use(struct v4v_peers *peers)
{
	struct v4v_peers *old;
	u32 i;

	if (peers)
		sort(peers->peer, peers->count, sizeof(peers->peer[0]), by_address, NULL);
	for (i = 1; peers && i < peers->count; i++)
		if (peers->peer[i].address == peers->peer[i - 1].address)
			merge(peers, i);

	spin_lock_bh(&table_lock);
	old = table;
	table = peers;
	spin_unlock_bh(&table_lock);
	kvfree(old);
}

/* Under table_lock. */
static const struct v4v_peer *find(u32 address)
{
	u32 low = 0, high = table ? table->count : 0;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (table->peer[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return table && low < table->count && table->peer[low].address == address ?
	       &table->peer[low] : NULL;
}

bool v4v_peer_of(u32 address, u16 *domid)
{
	const struct v4v_peer *peer;
	bool found;

	spin_lock_bh(&table_lock);
	peer = find(address);
	found = peer && !peer->disputed;
	if (found)
		*domid = peer->domid;
	spin_unlock_bh(&table_lock);
	return found;
}

int v4v_peers_show(struct seq_file *seq, void *unused)
{
	u32 i;

	seq_puts(seq, "cid address\n");
	spin_lock_bh(&table_lock);
	for (i = 0; table && i < table->count; i++) {
		const struct v4v_peer *peer = &table->peer[i];

		if (!peer->disputed)
			seq_printf(seq, "%u %u.%u.%u.%u\n", v4v_cid(peer->domid), peer->address >> 24,
				   peer->address >> 16 & 255, peer->address >> 8 & 255,
				   peer->address & 255);
	}
	spin_unlock_bh(&table_lock);
	return 0;
}
