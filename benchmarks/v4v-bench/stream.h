/*
 * Stream: the client writes messages of `size` bytes one way, then half-closes. The server counts the payload bytes
 * that arrive and the time from its first received byte to its last. Afterwards, untimed and over a second
 * connection, the first 64 messages' worth of payload (at most 4 MiB) is sent and checksummed at both ends.
 *
 * On the first connection the server answers one byte after the warm-up messages (if any) and one byte when it has
 * seen the end of the stream; on the second, one byte at the end.
 */
#ifndef V4V_BENCH_STREAM_H
#define V4V_BENCH_STREAM_H

#include "role.h"

bool stream_client(const struct role *role, int fd, struct error *error);

/* Takes the listener over: the second connection comes through it. */
bool stream_server(const struct role *role, int listener, int fd, struct error *error);

#endif
