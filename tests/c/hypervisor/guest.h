/*
 * What a guest does with V4V: it lays out structures in its memory, calls, and looks at its rings. Nothing of the
 * hypervisor's own is used here.
 */
#ifndef GUEST_H
#define GUEST_H

/* The ABI header leaves the integer types to whoever includes it. */
#include "machine.h"

#include <v4v.h>

/* A guest's frames: the structure of the call, a list of frames, bytes to send, rings. */
#define CALL_FRAME 0u
#define LIST_FRAME 8u
#define DATA_FRAME 16u
#define DATA_FRAMES 100u
#define RING_FRAME 120u

#define MESSAGE_MAX V4V_SEND_MAX
#define HEADER_BYTES ((uint32_t)sizeof(struct v4v_message))

/* An address in a guest's frame. */
static inline unsigned long address_of(unsigned int frame, unsigned int offset)
{
	return GUEST_BASE + (unsigned long)frame * FRAME_SIZE + offset;
}

static inline uint32_t round_up(uint32_t n)
{
	return (n + V4V_MESSAGE_ALIGN - 1) & ~(V4V_MESSAGE_ALIGN - 1);
}

/* A ring as its owner knows it. */
struct ring {
	struct domain *owner;
	struct v4v_ring_id id;
	uint32_t size;
	unsigned int frame;
	uint32_t rx;
};

/* The structure of a registration that is right, its list of frames written to LIST_FRAME. */
struct v4v_register_ring registration(struct domain *d, uint32_t port, uint16_t partner, uint32_t size,
				      unsigned int first_frame);
long register_with(struct domain *d, const struct v4v_register_ring *args);
/* Registers a ring in the frames from `first_frame` on. */
long ring_open(struct ring *ring, struct domain *d, uint32_t port, uint16_t partner, uint32_t size,
	       unsigned int first_frame);
long ring_close(const struct ring *ring);
long unregister(struct domain *d, uint32_t port, uint16_t partner);

/* Words of the ring's first frame. */
struct v4v_ring ring_words(const struct ring *ring);
void ring_set_rx(struct ring *ring, uint32_t rx);
void ring_event_at(const struct ring *ring, uint32_t position);
void ring_set_waiting(const struct ring *ring, uint32_t value);
long ring_notify(const struct ring *ring);
uint32_t ring_room(const struct ring *ring);
/* Bytes of the ring's data at a free-running position. */
void ring_bytes(const struct ring *ring, uint32_t at, void *to, uint32_t length);
void ring_fill(const struct ring *ring, int byte);

/* Takes one message; false if there is none. Its room is given back. */
bool ring_take(struct ring *ring, struct v4v_message *header, void *payload);

/* Bytes to send, by a generator: `seed` names them. */
void pattern(unsigned char *to, uint32_t length, uint32_t seed);

/* A call with a structure of one's own; `nr` pieces are written behind it. */
long sendv(struct domain *d, const struct v4v_sendv *args, const struct v4v_iov *iov, unsigned int nr);
/* Puts bytes into the data frames and describes them by pieces, one a frame. */
unsigned int lay_out(struct domain *d, const void *bytes, uint32_t length, unsigned int offset, struct v4v_iov *iov);
/* Sends `length` bytes of the pattern `seed` to a ring. */
long send_pattern(struct domain *d, const struct ring *to, uint32_t length, uint32_t seed, uint32_t flags);
/* The structure for a ring. */
struct v4v_sendv addressed(const struct ring *to, uint32_t length, uint32_t flags);

/* Takes one message and compares it with a pattern. */
bool takes_pattern(struct ring *ring, uint16_t from, uint32_t length, uint32_t seed);

/* Events of a domain since it was last asked. */
unsigned int events(struct domain *d);

#endif
