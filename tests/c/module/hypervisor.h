/*
 * A stand-in for the hypervisor, by the book (kernel/include/v4v.h): it keeps the module's rings, puts messages into
 * them, and takes what the module sends. A call that no module should make is a violation.
 */
#ifndef HYPERVISOR_H
#define HYPERVISOR_H

#include <kernel.h>

#include <v4v.h>

#define OWN_DOMAIN 5u
#define HEADER_BYTES ((u32)sizeof(struct v4v_message))

struct hv_ring {
	struct v4v_ring_id id;
	u32 size, tx;
	struct v4v_ring *shared;
};

struct hypervisor {
	struct hv_ring rings[V4V_RINGS_MAX];
	unsigned int nr_rings;
	unsigned int notified, sends, events;
	/* The next registration's result, if not 0. */
	long register_error;
	/* What goes out of the module: how much more is taken, and what was. */
	u32 room;
	unsigned char sent[1 << 20];
	size_t nr_sent;
	struct v4v_sendv last;
	/* How large the others' rings are, if not 0. */
	u32 ring_size;
	/* Who the module is; and the port that messages put into its rings say they are from. */
	u16 own_domain;
	u32 put_port;
	/* Pages that are another domain's. */
	u64 foreign_from, foreign_to;
	/* There is no V4V (any more): every call is refused. */
	bool absent;
	/* Happens once, when the next ring is registered and its owner does not know it yet. */
	void (*on_register)(struct hv_ring *ring);
	/* Answers a message itself: 1 to go on, otherwise the call's result. */
	long (*on_send)(const struct v4v_sendv *args, const void *payload);
};

extern struct hypervisor hv;

void hv_start(void);
void hv_stop(void);
struct hv_ring *hv_find(u32 port, u16 partner);
/* The module's domain was saved and restored: as another one, with no ring registered. */
void hv_become(u16 domid);
/* Moves an empty ring on to a position; its owner has to follow. */
void hv_move(struct hv_ring *ring, u32 position);
u32 hv_room(const struct hv_ring *ring);
/* A message from a domain, whole or not at all (with `partial` what fits): the bytes taken, or -EAGAIN. */
long hv_put(struct hv_ring *ring, u16 from, u32 type, const void *payload, u32 length, bool partial);

#endif
