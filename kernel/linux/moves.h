/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: all TCP connections that may move or have moved.
 */
#ifndef V4V_MOVES_H
#define V4V_MOVES_H

#include <linux/types.h>

struct seq_file;
struct v4v_counters;
struct v4v_move;
struct v4v_tcp_id;

/* Found by what it is; any context but an interrupt of hardware. */
void v4v_moves_add(struct v4v_move *move);
/* Found no more; notes what became of it. */
void v4v_moves_remove(struct v4v_move *move);

/* Found by its ring, and by events. */
void v4v_moves_list(struct v4v_move *move);
/* False if it was not. */
bool v4v_moves_unlist(struct v4v_move *move);

/* With a reference to it and to its socket, or NULL; a connecting end by all but its own initial sequence number. */
struct v4v_move *v4v_moves_find_connecting(const struct v4v_tcp_id *id, u16 peer);
struct v4v_move *v4v_moves_find_ring(u32 port, u16 peer);
/* The next that is to be reset, once each. */
struct v4v_move *v4v_moves_next_broken(void);

/* Calls @fn for all that have a ring; may not sleep; from any context. */
void v4v_moves_each(void (*fn)(struct v4v_move *move, void *data), void *data);

void v4v_moves_counters(const struct v4v_move *move, struct v4v_counters *counters);

/* /proc/v4v/sockets and sockets_ended. */
int v4v_moves_show(struct seq_file *seq, void *unused);
int v4v_moves_show_ended(struct seq_file *seq, void *unused);

#endif
