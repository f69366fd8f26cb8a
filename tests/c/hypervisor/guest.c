#include "guest.h"

#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

static void put(struct domain *d, unsigned long address, const void *from, size_t count)
{
	if (!guest_write(d, address, from, count))
		violation("a test writes out of its domain's memory");
}

struct v4v_register_ring registration(struct domain *d, uint32_t port, uint16_t partner, uint32_t size,
				      unsigned int first_frame)
{
	struct v4v_register_ring args = {
		.id = {.port = port, .partner = partner},
		.size = size,
		.nr_frames = 1 + size / V4V_FRAME_SIZE,
		.frames = address_of(LIST_FRAME, 0),
	};

	for (unsigned int i = 0; i < args.nr_frames && i <= V4V_RING_MAX / V4V_FRAME_SIZE; i++) {
		uint64_t gfn = frame_mfn(d, first_frame + i);

		put(d, address_of(LIST_FRAME, 0) + i * sizeof(gfn), &gfn, sizeof(gfn));
	}
	return args;
}

long register_with(struct domain *d, const struct v4v_register_ring *args)
{
	put(d, address_of(CALL_FRAME, 0), args, sizeof(*args));
	return machine_hypercall(d, V4VOP_register_ring, address_of(CALL_FRAME, 0));
}

long ring_open(struct ring *ring, struct domain *d, uint32_t port, uint16_t partner, uint32_t size,
	       unsigned int first_frame)
{
	struct v4v_register_ring args = registration(d, port, partner, size, first_frame);

	*ring = (struct ring){.owner = d, .id = args.id, .size = size, .frame = first_frame};
	return register_with(d, &args);
}

static long with_id(struct domain *d, unsigned int cmd, const struct v4v_ring_id *id)
{
	put(d, address_of(CALL_FRAME, 0), id, sizeof(*id));
	return machine_hypercall(d, cmd, address_of(CALL_FRAME, 0));
}

long ring_close(const struct ring *ring)
{
	return with_id(ring->owner, V4VOP_unregister_ring, &ring->id);
}

long unregister(struct domain *d, uint32_t port, uint16_t partner)
{
	const struct v4v_ring_id id = {.port = port, .partner = partner};

	return with_id(d, V4VOP_unregister_ring, &id);
}

long ring_notify(const struct ring *ring)
{
	return with_id(ring->owner, V4VOP_notify, &ring->id);
}

struct v4v_ring ring_words(const struct ring *ring)
{
	struct v4v_ring words;

	memset(&words, 0, sizeof(words));
	guest_read(ring->owner, address_of(ring->frame, 0), &words, sizeof(words));
	return words;
}

static void put_word(const struct ring *ring, size_t offset, uint32_t value)
{
	put(ring->owner, address_of(ring->frame, (unsigned int)offset), &value, sizeof(value));
}

void ring_set_rx(struct ring *ring, uint32_t rx)
{
	ring->rx = rx;
	put_word(ring, offsetof(struct v4v_ring, rx), rx);
}

void ring_event_at(const struct ring *ring, uint32_t position)
{
	put_word(ring, offsetof(struct v4v_ring, event_at), position);
}

void ring_set_waiting(const struct ring *ring, uint32_t value)
{
	put_word(ring, offsetof(struct v4v_ring, waiting), value);
}

uint32_t ring_room(const struct ring *ring)
{
	return ring->size - (ring_words(ring).tx - ring->rx);
}

void ring_bytes(const struct ring *ring, uint32_t at, void *to, uint32_t length)
{
	while (length) {
		uint32_t where = at % ring->size;
		uint32_t n = ring->size - where < length ? ring->size - where : length;

		guest_read(ring->owner, address_of(ring->frame + 1, 0) + where, to, n);
		at += n;
		to = (char *)to + n;
		length -= n;
	}
}

void ring_fill(const struct ring *ring, int byte)
{
	guest_fill(ring->owner, address_of(ring->frame + 1, 0), byte, ring->size);
}

bool ring_take(struct ring *ring, struct v4v_message *header, void *payload)
{
	uint32_t used = ring_words(ring).tx - ring->rx;

	if (!used)
		return false;
	ring_bytes(ring, ring->rx, header, sizeof(*header));
	if (header->length > MESSAGE_MAX || HEADER_BYTES + round_up(header->length) > used) {
		violation("a message is longer than what is in the ring");
		return false;
	}
	ring_bytes(ring, ring->rx + HEADER_BYTES, payload, header->length);
	ring_set_rx(ring, ring->rx + HEADER_BYTES + round_up(header->length));
	return true;
}

void pattern(unsigned char *to, uint32_t length, uint32_t seed)
{
	uint32_t state = seed * 2654435761u + 1;

	for (uint32_t i = 0; i < length; i++) {
		state = state * 1664525u + 1013904223u;
		to[i] = (unsigned char)(state >> 24);
	}
}

long sendv(struct domain *d, const struct v4v_sendv *args, const struct v4v_iov *iov, unsigned int nr)
{
	put(d, address_of(CALL_FRAME, 0), args, sizeof(*args));
	if (nr)
		put(d, address_of(CALL_FRAME, sizeof(*args)), iov, nr * sizeof(*iov));
	return machine_hypercall(d, V4VOP_sendv, address_of(CALL_FRAME, 0));
}

unsigned int lay_out(struct domain *d, const void *bytes, uint32_t length, unsigned int offset, struct v4v_iov *iov)
{
	unsigned int nr = 0;

	put(d, address_of(DATA_FRAME, offset), bytes, length);
	while (length) {
		uint32_t n = FRAME_SIZE - offset < length ? FRAME_SIZE - offset : length;

		iov[nr] = (struct v4v_iov){frame_mfn(d, DATA_FRAME + nr), offset, n};
		nr++;
		length -= n;
		offset = 0;
	}
	return nr;
}

struct v4v_sendv addressed(const struct ring *to, uint32_t length, uint32_t flags)
{
	return (struct v4v_sendv){
		.dst = {.port = to->id.port, .domid = to->owner->domain_id},
		.src_port = 77,
		.type = 5,
		.flags = flags,
		.length = length,
	};
}

long send_pattern(struct domain *d, const struct ring *to, uint32_t length, uint32_t seed, uint32_t flags)
{
	static unsigned char bytes[MESSAGE_MAX];
	struct v4v_iov iov[MESSAGE_MAX / FRAME_SIZE + 1];
	struct v4v_sendv args = addressed(to, length, flags);

	pattern(bytes, length, seed);
	args.nr_iov = lay_out(d, bytes, length, (seed * 37) % FRAME_SIZE, iov);
	return sendv(d, &args, iov, args.nr_iov);
}

bool takes_pattern(struct ring *ring, uint16_t from, uint32_t length, uint32_t seed)
{
	static unsigned char got[MESSAGE_MAX], expected[MESSAGE_MAX];
	struct v4v_message header;

	if (!ring_take(ring, &header, got))
		return false;
	pattern(expected, length, seed);
	return header.length == length && header.type == 5 && header.src.domid == from && header.src.port == 77 &&
	       !header.src.reserved && memcmp(got, expected, length) == 0;
}

unsigned int events(struct domain *d)
{
	unsigned int n = d->events;

	d->events = 0;
	return n;
}
