/* /v4v/peers: what is there becomes what should be there. */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "peers.h"
#include "store.h"

#define PEERS_FOLDER "/v4v/peers"

/* Writes what differs, removes what is none any more; false if XenStore refused something. */
bool publish(struct store *store, const struct peers *peers);
/* Nobody is a peer: new connections stay on TCP. */
bool publish_nothing(struct store *store);

#endif
