#include "peers.h"

struct peer *peers_entry(struct peers *peers, unsigned int domid)
{
	struct peer *peer = (struct peer *)peers_find(peers, domid);

	if (peer || peers->count == PEERS_MAX)
		return peer;
	peer = &peers->peer[peers->count++];
	*peer = (struct peer){.domid = domid};
	return peer;
}

const struct peer *peers_find(const struct peers *peers, unsigned int domid)
{
	for (unsigned int i = 0; i < peers->count; i++)
		if (peers->peer[i].domid == domid)
			return &peers->peer[i];
	return NULL;
}

/* Whether others after entry `from` have the address, too; it is taken from them. */
static bool take_from_others(struct peers *peers, unsigned int from, uint32_t address)
{
	bool found = false;

	for (unsigned int i = from + 1; i < peers->count; i++)
		if (addresses_have(&peers->peer[i].addresses, address)) {
			addresses_remove(&peers->peer[i].addresses, address);
			found = true;
		}
	return found;
}

unsigned int peers_settle(struct peers *peers)
{
	unsigned int disputed = 0, kept = 0;

	for (unsigned int i = 0; i < peers->count; i++) {
		struct addresses own = peers->peer[i].addresses;

		for (unsigned int j = 0; j < own.count; j++)
			if (take_from_others(peers, i, own.address[j])) {
				addresses_remove(&peers->peer[i].addresses, own.address[j]);
				disputed++;
			}
	}
	for (unsigned int i = 0; i < peers->count; i++)
		if (peers->peer[i].addresses.count)
			peers->peer[kept++] = peers->peer[i];
	peers->count = kept;
	return disputed;
}

bool number_parse(const char *text, unsigned int end, unsigned int *value)
{
	unsigned int n = 0;

	*value = 0;
	while (text[n] >= '0' && text[n] <= '9' && n < 6)
		*value = *value * 10 + (unsigned int)(text[n++] - '0');
	return n && !text[n] && *value < end && (n == 1 || text[0] != '0');
}
