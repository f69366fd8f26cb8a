/*
 * Ping-pong: the client sends `size` bytes and reads `size` bytes back. One sample is one round trip in ns, timed at
 * the client. Every warm-up echo, the last timed one and one more after the timed window are compared byte by byte,
 * all outside of the window.
 */
#ifndef V4V_BENCH_PINGPONG_H
#define V4V_BENCH_PINGPONG_H

#include "role.h"

/* Both run on a connection until their role is done; the server closes it. False with a reason. */
bool pingpong_client(const struct role *role, const struct connection *connection, struct error *error);
bool pingpong_server(const struct role *role, struct connection *connection, struct error *error);

#endif
