/* The module's table of peers. */
#ifndef PEERS_FILE_H
#define PEERS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#define PEERS_FILE "/proc/v4v/peers"

/* Whether an address (host order) is that of a domain on this host. */
bool peers_file_has(uint32_t address);

#endif
