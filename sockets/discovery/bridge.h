/* Word of changes of dom0's own addresses. */
#ifndef BRIDGE_H
#define BRIDGE_H

#include <stdbool.h>

/* For poll(): readable when an address or a link has changed; -1 if that cannot be had. */
int bridge_watch(void);
/* Takes all notices; whether there were any. */
bool bridge_drain(int fd);

#endif
