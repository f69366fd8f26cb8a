#include "publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_TEXT 64

static bool remove_others(struct store *store, const struct peers *peers)
{
	unsigned int count, domid;
	char **names = store_list(store, PEERS_FOLDER, &count);
	bool ok = true;

	for (unsigned int i = 0; i < count; i++) {
		char path[PATH_TEXT + 256];

		if (number_parse(names[i], DOMID_END, &domid) && peers_find(peers, domid))
			continue;
		snprintf(path, sizeof(path), PEERS_FOLDER "/%s", names[i]);
		ok &= store_remove(store, path);
	}
	free(names);
	return ok;
}

static bool publish_peer(struct store *store, const struct peer *peer)
{
	char path[PATH_TEXT], text[ADDRESSES_TEXT];
	bool same;
	size_t length;
	char *old;

	addresses_format(&peer->addresses, text);
	snprintf(path, sizeof(path), PEERS_FOLDER "/%u", peer->domid);
	old = store_read_own(store, path, &length);
	same = old && length == strlen(text) && memcmp(old, text, length) == 0;
	free(old);
	/* Each write wakes every module. */
	return same || store_publish(store, path, text);
}

bool publish(struct store *store, const struct peers *peers)
{
	/* Who is gone goes first: an address that changes hands is nobody's in between, not two domains'. */
	bool ok = remove_others(store, peers);
	size_t length;
	char *there;

	there = store_read_own(store, PEERS_FOLDER, &length);
	if (!there)
		ok &= store_publish(store, "/v4v", "") && store_publish(store, PEERS_FOLDER, "");
	free(there);
	for (unsigned int i = 0; i < peers->count; i++)
		ok &= publish_peer(store, &peers->peer[i]);
	return ok;
}

bool publish_nothing(struct store *store)
{
	static const struct peers nobody;

	return remove_others(store, &nobody);
}
