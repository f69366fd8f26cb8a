// SPDX-License-Identifier: GPL-2.0-only
#include "arena.h"
#include "frames.h"
#include "hypercall.h"
#include "random.h"

/* Ports of the other domains' modules (kernel/linux/control.h): control, connections, datagrams. */
#define CONTROL_PORT 1
#define FIRST_DATA_PORT 1024
#define DGRAM_PORTS 0x80000000U

static u32 port_of(struct attacker *a, u16 domid)
{
	if (domid == own_domid || domid == DOMID_SELF)
		return any_port(a);
	switch (below(a, 8)) {
	case 0:
		return any(a);
	case 1:
		return FIRST_DATA_PORT + below(a, 64);
	case 2:
		return DGRAM_PORTS + below(a, 2048);
	default:
		return CONTROL_PORT;
	}
}

/*
 * What the modules of two domains say to each other, or nearly: version,
 * operation, kind of socket, ports of sockets and rings.
 */
static void forge_control(struct attacker *a, u32 *words)
{
	unsigned int i;

	words[0] = (once_in(a, 8) ? any(a) & 0xff : 1) | (below(a, 9) << 8) | (below(a, 7) << 16);
	for (i = 1; i < 8; i++) {
		if (once_in(a, 3))
			words[i] = FIRST_DATA_PORT + below(a, 64);
		else
			words[i] = once_in(a, 3) ? odd_number(a) : below(a, 8192);
	}
}

long send_short(struct attacker *a, u16 domid, u32 port, u32 length)
{
	struct v4v_sendv *args = a->message;
	struct v4v_iov *piece = (struct v4v_iov *)(args + 1);
	void *page = data_page(a);

	forge_control(a, page);
	*piece = (struct v4v_iov){ .gfn = v4v_gfn(page), .length = length };
	*args = (struct v4v_sendv){
		.dst = { .port = port, .domid = domid },
		.src_port = CONTROL_PORT,
		.type = 1,
		.length = length,
		.nr_iov = 1,
	};
	return hostile_call(a, V4VOP_sendv, args);
}

/* Fills in pieces that are right; returns the bytes that they hold. */
static u32 choose_pieces(struct attacker *a, struct v4v_iov *pieces, u32 nr)
{
	u32 i, holds = 0;

	for (i = 0; i < nr; i++) {
		u32 offset = once_in(a, 2) ? 0 : below(a, V4V_FRAME_SIZE + 1);
		u32 left = V4V_FRAME_SIZE - offset;
		u32 length = once_in(a, 2) ? left : below(a, left + 1);

		pieces[i] = (struct v4v_iov){ .gfn = arena_gfn(a), .offset = offset, .length = length };
		holds += length;
	}
	return holds;
}

static void spoil(struct attacker *a, struct v4v_sendv *args, struct v4v_iov *piece)
{
	switch (below(a, 10)) {
	case 0:
		piece->gfn = any64(a);
		break;
	case 1: /* together they wrap around to something small */
		piece->offset = -below(a, 64);
		piece->length = 64 + below(a, 64);
		break;
	case 2:
		piece->offset = odd_number(a);
		break;
	case 3:
		piece->length = odd_number(a);
		break;
	case 4:
		args->nr_iov = once_in(a, 2) ? odd_number(a) : V4V_IOV_MAX + below(a, 3) - 1;
		break;
	case 5:
		args->length = odd_number(a);
		break;
	case 6:
		args->flags = odd_number(a);
		break;
	case 7:
		args->reserved = below(a, 2);
		args->dst.reserved = below(a, 2);
		break;
	default:
		piece->gfn = any_frame(a);
	}
}

void attack_send(struct attacker *a)
{
	struct v4v_sendv *args = a->message;
	struct v4v_iov *pieces = (struct v4v_iov *)(args + 1);
	u32 nr = once_in(a, 50) ? V4V_IOV_MAX : below(a, once_in(a, 4) ? 70 : 4);
	u32 holds = choose_pieces(a, pieces, nr);
	u16 domid = once_in(a, 3) ? own_domid : any_domid(a);

	forge_control(a, data_page(a));
	*args = (struct v4v_sendv){
		.dst = { .port = port_of(a, domid), .domid = domid },
		.src_port = once_in(a, 2) ? CONTROL_PORT : any(a),
		.type = once_in(a, 4) ? any(a) : below(a, 6),
		.flags = below(a, 2),
		.length = holds && once_in(a, 3) ? below(a, holds) : holds,
		.nr_iov = nr,
	};
	if (once_in(a, 3))
		spoil(a, args, &pieces[nr ? below(a, nr) : 0]);
	hostile_call(a, V4VOP_sendv, once_in(a, 20) ? bad_pointer(a) : args);
}
