#include "collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_TEXT 128
/* More interfaces than this of one domain are nobody's. */
#define VIFS_MAX 64

static bool is_interface_name(const char *text, size_t length)
{
	/* IFNAMSIZ - 1; the name goes to nobody but a comparison. */
	return length && length < 16 && !memchr(text, '/', length) && !memchr(text, '\0', length);
}

static void collect_vif(struct store *store, const char *folder, struct peer *peer, struct addresses *own)
{
	char path[PATH_TEXT + 16];
	size_t length;
	char *text;

	snprintf(path, sizeof(path), "%s/ip", folder);
	text = store_read_own(store, path, &length);
	if (text)
		addresses_add_text(&peer->addresses, text, length);
	free(text);

	snprintf(path, sizeof(path), "%s/bridge", folder);
	text = store_read_own(store, path, &length);
	if (text && is_interface_name(text, length)) {
		char name[16] = "";

		memcpy(name, text, length);
		bridge_addresses(name, own);
	}
	free(text);
}

static void collect_domain(struct store *store, unsigned int domid, struct peers *peers, struct addresses *own)
{
	char folder[PATH_TEXT], vif[PATH_TEXT];
	struct peer *peer = peers_entry(peers, domid);
	unsigned int count, device;
	char **names;

	if (!peer)
		return;
	snprintf(folder, sizeof(folder), VIFS "/%u", domid);
	names = store_list(store, folder, &count);
	for (unsigned int i = 0; i < count; i++) {
		if (!number_parse(names[i], VIFS_MAX, &device))
			continue;
		snprintf(vif, sizeof(vif), VIFS "/%u/%u", domid, device);
		collect_vif(store, vif, peer, own);
	}
	free(names);
}

unsigned int collect(struct store *store, struct peers *peers)
{
	struct addresses own = {0};
	unsigned int count, domid;
	char **names = store_list(store, VIFS, &count);
	struct peer *dom0;

	peers->count = 0;
	dom0 = peers_entry(peers, 0);
	for (unsigned int i = 0; i < count; i++)
		/* What a domain that is gone has left behind is no address of anybody. */
		if (number_parse(names[i], DOMID_END, &domid) && domid && store_domain_exists(store, domid))
			collect_domain(store, domid, peers, &own);
	free(names);
	dom0->addresses = own;
	return peers_settle(peers);
}
