// SPDX-License-Identifier: GPL-2.0-only
#include "arena.h"
#include "frames.h"
#include "hypercall.h"
#include "random.h"

long hostile_call(struct attacker *a, unsigned int op, void *arg)
{
	long rc = v4v_hypercall(op, arg);

	a->calls++;
	a->results[rc >= 0 ? 0 : min_t(unsigned long, -rc, RESULTS - 1)]++;
	return rc;
}

u32 any_port(struct attacker *a)
{
	return once_in(a, 8) ? STORM_PORT + below(a, STORM_PORTS) : below(a, PORTS);
}

u16 any_domid(struct attacker *a)
{
	return once_in(a, 20) ? any(a) : partners[below(a, nr_partners)];
}

void attack_info(struct attacker *a)
{
	struct v4v_info *info = data_page(a);

	info->version = once_in(a, 4) ? any(a) : V4V_ABI_VERSION;
	hostile_call(a, V4VOP_info, once_in(a, 3) ? bad_pointer(a) : info);
}

void describe_ring(struct attacker *a, u32 port, u16 partner, u32 size)
{
	u32 i, nr = 1 + size / V4V_FRAME_SIZE;

	for (i = 0; i < nr; i++)
		a->list[i] = ring_gfn(port, size, i);
	*a->registration = (struct v4v_register_ring){
		.id = { .port = port, .partner = partner },
		.size = size,
		.nr_frames = nr,
		.frames = (unsigned long)a->list,
	};
}

static void spoil(struct attacker *a, u32 size)
{
	struct v4v_register_ring *args = a->registration;
	unsigned int i;

	switch (below(a, 8)) {
	case 0:
		args->size = odd_number(a);
		break;
	case 1:
		args->nr_frames = odd_number(a);
		break;
	case 2: /* in agreement, and too large to be counted in bytes */
		size = once_in(a, 2) ? odd_number(a) : -V4V_FRAME_SIZE;
		args->size = size;
		args->nr_frames = 1 + size / V4V_FRAME_SIZE;
		break;
	case 3:
		args->id.reserved = odd_number(a);
		break;
	case 4:
		args->frames = (unsigned long)bad_pointer(a);
		break;
	default:
		for (i = 0; i < 3; i++)
			a->list[below(a, 1 + min_t(u32, size / V4V_FRAME_SIZE, 64))] = any_frame(a);
	}
}

void attack_register(struct attacker *a)
{
	u32 size = V4V_RING_MIN << (once_in(a, 20) ? below(a, 11) : below(a, 4));

	describe_ring(a, any_port(a), partners[below(a, nr_partners)], size);
	if (once_in(a, 2))
		spoil(a, size);
	hostile_call(a, V4VOP_register_ring, once_in(a, 16) ? bad_pointer(a) : a->registration);
}

static void with_id(struct attacker *a, unsigned int op)
{
	*a->id = (struct v4v_ring_id){
		.port = once_in(a, 10) ? any(a) : any_port(a),
		.partner = any_domid(a),
		.reserved = once_in(a, 20) ? any(a) : 0,
	};
	hostile_call(a, op, once_in(a, 10) ? bad_pointer(a) : a->id);
}

void attack_unregister(struct attacker *a)
{
	with_id(a, V4VOP_unregister_ring);
}

void attack_notify(struct attacker *a)
{
	spoil_words(a, ring_words(any_port(a), V4V_RING_MIN));
	with_id(a, V4VOP_notify);
}

void attack_raw(struct attacker *a)
{
	struct attacker *other = &attackers[below(a, nr_attackers)];
	unsigned int op = once_in(a, 4) ? odd_number(a) : below(a, 32);

	switch (below(a, 4)) {
	case 0:
		hostile_call(a, op, bad_pointer(a));
		break;
	case 1: /* calls that somebody else makes just now */
		hostile_call(a, op, other->registration);
		break;
	case 2:
		hostile_call(a, op, other->message);
		break;
	default:
		hostile_call(a, op, data_page(a) + below(a, PAGE_SIZE));
	}
}
