/*
 * memcpy: the client copies a message of `size` bytes from one buffer into another, with the loop and the clock
 * readings of a stream's sender: what no transport that copies at all can beat. Its server has nothing to do.
 */
#ifndef V4V_BENCH_MEMORY_H
#define V4V_BENCH_MEMORY_H

#include "role.h"

/* Both run until their role is done. False with a reason. */
bool memory_client(const struct role *role, struct error *error);
bool memory_server(const struct role *role, struct error *error);

#endif
