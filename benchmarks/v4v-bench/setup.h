/*
 * Connection set-up: one sample is the time of socket() with its options, connect(), a byte each way and close(), in ns,
 * at the client. One connection at a time; the client closes first. A connection of the pair's own, made beforehand,
 * tells the server when it is over.
 */
#ifndef V4V_BENCH_SETUP_H
#define V4V_BENCH_SETUP_H

#include "role.h"

/* `connection` and `fd` are the connection made beforehand. Both run until their role is done. False with a reason. */
bool setup_client(const struct role *role, const struct connection *connection, struct error *error);
bool setup_server(const struct role *role, int listener, int fd, struct error *error);

#endif
