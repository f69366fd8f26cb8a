/*
 * Which way a TCP connection's bytes went, by the module's own counters: what shows that `v4v-sockets` measures a ring
 * and not the TCP connection that it began as.
 */
#ifndef V4V_BENCH_WAY_H
#define V4V_BENCH_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* Bytes of one connection at this end: by the ring, and by TCP (sent: as far as the other end acknowledged them). */
struct way {
	uint64_t ring_tx, ring_rx, tcp_tx, tcp_rx;
};

/* A row of the module's table of connections. */
struct way_row {
	char state[16];  /* waits, offers, offered, moved, stays */
	char reason[16]; /* why it stays on TCP, "-" without one */
	struct way way;
};

/* Puts a table's columns, as its first line names them, into the order that is asked for. */
#define WAY_COLUMNS 8
struct way_table {
	int at[WAY_COLUMNS];
};

/* Reads the first line of the module's table (it is cut in place). False when a column is missing. */
bool way_head(struct way_table *table, char *line, struct error *error);

/* True if the line (cut in place) is the connection between these ends, `ADDRESS:PORT` each (local NULL: any); fills the row. */
bool way_line(const struct way_table *table, char *line, const char *local, const char *remote, struct way_row *row);

/* True if the socket asks for V4V: that the program runs under v4vrun and the module is there. `what` it is goes into the error. */
bool way_asked(int fd, const char *what, struct error *error);

/*
 * Waits until both rings of the connection are there, for two seconds and not beyond the deadline. False, with the
 * module's reason, when it stays on TCP.
 */
bool way_wait_moved(int fd, uint64_t deadline_ns, struct error *error);

/* The connection's counters so far. */
bool way_read(int fd, struct way *way, struct error *error);

/*
 * The counters so far of a connection whose far end is no peer: none by a ring, and TCP's by the kernel. False if the
 * module knows the connection after all.
 */
bool way_read_plain(int fd, struct way *way, struct error *error);

/*
 * The counters of all connections that this domain made to `remote` (ADDRESS:PORT) and that the module knows, ended ones
 * too (of these it remembers the last 256); waits until none is left that has not ended, at most until the deadline.
 * Zero without the module, and for "".
 */
bool way_total(const char *remote, uint64_t deadline_ns, struct way *way, struct error *error);

/* Bytes of all network interfaces of this domain, the loopback included. */
struct net_bytes {
	uint64_t tx, rx;
};
bool way_net(struct net_bytes *net, struct error *error);

/* What went by between two readings; nothing where the module has forgotten connections of the first one. */
struct way way_between(const struct way *before, const struct way *after);

#endif
