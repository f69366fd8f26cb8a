/* What the toolstack says about addresses: the network interfaces whose back end is dom0. */
#ifndef COLLECT_H
#define COLLECT_H

#include "peers.h"
#include "store.h"

#define VIFS "/local/domain/0/backend/vif"

/* Dom0's own addresses on a bridge, which XenStore does not know; of the machine (bridge.c), or of a test. */
void bridge_addresses(const char *name, struct addresses *list);

/* All peers as they are now, settled. Returns how many addresses were left out as two domains have them. */
unsigned int collect(struct store *store, struct peers *peers);

#endif
