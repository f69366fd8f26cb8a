/*
 * Stream: the client writes messages of `size` bytes one way, then half-closes (a vchan: waits until they are taken, and
 * closes after the window). The server counts the payload bytes
 * that arrive and the time from its first received byte to its last. Afterwards, untimed and over a second
 * connection, the first 64 messages' worth of payload (at most 4 MiB) is sent and checksummed at both ends.
 *
 * On the first connection the server answers one byte after the warm-up messages (if any) and one byte when it has
 * seen the end of the stream; on the second, one byte at the end. Over a vchan the first answer alone is needed.
 */
#ifndef V4V_BENCH_STREAM_H
#define V4V_BENCH_STREAM_H

#include "role.h"

/* Both close the connection; where they fail it may be one that the caller closes. */
bool stream_client(const struct role *role, struct connection *connection, struct error *error);
bool stream_server(const struct role *role, struct listener *listener, struct connection *connection,
		   struct error *error);

#endif
