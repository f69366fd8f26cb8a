#include "hypervisor.h"

#include <asm/xen/hypercall.h>

struct hypervisor hv;

void hv_start(void)
{
	memset(&hv, 0, sizeof(hv));
	hv.room = ~0u;
	hv.own_domain = OWN_DOMAIN;
	hv.put_port = 9;
}

void hv_stop(void)
{
	if (hv.nr_rings)
		violation("%u rings are left registered", hv.nr_rings);
}

struct hv_ring *hv_find(u32 port, u16 partner)
{
	for (unsigned int i = 0; i < hv.nr_rings; i++)
		if (hv.rings[i].id.port == port && hv.rings[i].id.partner == partner)
			return &hv.rings[i];
	return NULL;
}

static u64 ring_bytes(void)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < hv.nr_rings; i++)
		sum += hv.rings[i].size;
	return sum;
}

static long register_ring(const struct v4v_register_ring *args)
{
	const u64 *frames = (const u64 *)(unsigned long)args->frames;
	void (*hook)(struct hv_ring *) = hv.on_register;

	if (hv.register_error)
		return hv.register_error;
	if (args->id.reserved || args->size < V4V_RING_MIN || args->size > V4V_RING_MAX || args->size & (args->size - 1) ||
	    args->nr_frames != 1 + args->size / V4V_FRAME_SIZE) {
		violation("the module registers a ring that is none");
		return -EINVAL;
	}
	if (hv_find(args->id.port, args->id.partner))
		return -EEXIST;
	if (hv.nr_rings == V4V_RINGS_MAX || ring_bytes() > V4V_RING_BYTES_MAX - args->size)
		return -ENOSPC;
	/* Here memory has no holes; each frame must be the one behind the last. */
	for (u32 i = 1; i < args->nr_frames; i++)
		if (frames[i] != frames[0] + i)
			violation("frame %u of a ring is not the one behind the last", i);
	hv.rings[hv.nr_rings] = (struct hv_ring){
		.id = args->id, .size = args->size, .shared = (struct v4v_ring *)(unsigned long)(frames[0] * V4V_FRAME_SIZE)};
	memset(hv.rings[hv.nr_rings++].shared, 0, sizeof(struct v4v_ring));
	if (hook) {
		hv.on_register = NULL;
		hook(&hv.rings[hv.nr_rings - 1]);
	}
	return 0;
}

static long unregister_ring(const struct v4v_ring_id *id)
{
	struct hv_ring *ring = hv_find(id->port, id->partner);

	if (!ring)
		return -ENOENT;
	*ring = hv.rings[--hv.nr_rings];
	return 0;
}

/* The bytes of the pieces; a message of more than fits here is cut, its call is not. */
static long gather(const struct v4v_sendv *args, unsigned char *to, u32 length)
{
	const struct v4v_iov *iov = (const struct v4v_iov *)(args + 1);

	for (u32 i = 0; length && i < args->nr_iov; i++) {
		u32 n = iov[i].length < length ? iov[i].length : length;

		if (iov[i].offset > V4V_FRAME_SIZE || iov[i].length > V4V_FRAME_SIZE - iov[i].offset) {
			violation("a piece is not within its frame");
			return -EINVAL;
		}
		if (iov[i].gfn >= hv.foreign_from && iov[i].gfn < hv.foreign_to)
			return -EFAULT;
		memcpy(to, (const void *)(unsigned long)(iov[i].gfn * V4V_FRAME_SIZE + iov[i].offset), n);
		to += n;
		length -= n;
	}
	if (length)
		violation("the pieces are shorter than the message");
	return length ? -EINVAL : 0;
}

static long sendv(const struct v4v_sendv *args)
{
	static unsigned char payload[V4V_SEND_MAX];
	u32 footprint = HEADER_BYTES + ((args->length + 15) & ~15u), take = args->length;
	long rc;

	hv.sends++;
	hv.last = *args;
	if (args->reserved || args->dst.reserved || args->flags & ~V4V_SEND_PARTIAL || args->nr_iov > V4V_IOV_MAX ||
	    args->length > V4V_SEND_MAX) {
		violation("the module makes a call that is refused for its form");
		return -EINVAL;
	}
	if (hv.ring_size && !(args->flags & V4V_SEND_PARTIAL) && footprint > hv.ring_size)
		return -EMSGSIZE;
	if (hv.room < footprint) {
		if (!(args->flags & V4V_SEND_PARTIAL) || hv.room <= HEADER_BYTES)
			return -EAGAIN;
		take = (hv.room - HEADER_BYTES) & ~15u;
	}
	rc = gather(args, payload, take);
	if (rc)
		return rc;
	if (hv.on_send) {
		rc = hv.on_send(args, payload);
		if (rc != 1)
			return rc;
	}
	if (hv.room != ~0u)
		hv.room -= HEADER_BYTES + ((take + 15) & ~15u);
	if (hv.nr_sent + take <= sizeof(hv.sent)) {
		memcpy(hv.sent + hv.nr_sent, payload, take);
		hv.nr_sent += take;
	}
	return take;
}

void hv_become(u16 domid)
{
	hv.nr_rings = 0;
	hv.own_domain = domid;
}

long hypervisor_call(unsigned int op, void *arg)
{
	if (hv.absent)
		return -ENOSYS;
	switch (op) {
	case V4VOP_register_ring:
		return register_ring(arg);
	case V4VOP_unregister_ring:
		return unregister_ring(arg);
	case V4VOP_sendv:
		return sendv(arg);
	case V4VOP_notify:
		hv.notified++;
		return hv_find(((struct v4v_ring_id *)arg)->port, ((struct v4v_ring_id *)arg)->partner) ? 0 : -ENOENT;
	case V4VOP_info:
		((struct v4v_info *)arg)->domid = hv.own_domain;
		return 0;
	}
	violation("operation %u", op);
	return -ENOSYS;
}

void hv_move(struct hv_ring *ring, u32 position)
{
	ring->tx = ring->shared->tx = ring->shared->rx = position;
}

u32 hv_room(const struct hv_ring *ring)
{
	u32 used = ring->tx - ring->shared->rx;

	if (used > ring->size || used % V4V_MESSAGE_ALIGN) {
		violation("the module's index %u makes no sense behind %u", ring->shared->rx, ring->tx);
		return 0;
	}
	return ring->size - used;
}

static void copy_in(const struct hv_ring *ring, u32 at, const void *from, u32 length)
{
	unsigned char *data = (unsigned char *)ring->shared + V4V_FRAME_SIZE;

	for (u32 i = 0; i < length; i++)
		data[(at + i) % ring->size] = ((const unsigned char *)from)[i];
}

long hv_put(struct hv_ring *ring, u16 from, u32 type, const void *payload, u32 length, bool partial)
{
	u32 room = hv_room(ring), padded = (length + 15) & ~15u;
	struct v4v_message header = {.type = type, .src = {.port = hv.put_port, .domid = from}};

	if (room < HEADER_BYTES + padded) {
		if (!partial || room <= HEADER_BYTES) {
			ring->shared->waiting = 1;
			return -EAGAIN;
		}
		length = padded = room - HEADER_BYTES;
	}
	header.length = length;
	copy_in(ring, ring->tx, &header, sizeof(header));
	copy_in(ring, ring->tx + HEADER_BYTES, payload, length);
	if (ring->shared->event_at - ring->tx < HEADER_BYTES + padded)
		hv.events++;
	ring->tx += HEADER_BYTES + padded;
	ring->shared->tx = ring->tx;
	return length;
}
