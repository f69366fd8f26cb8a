// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "arena.h"
#include "frames.h"
#include "hypercall.h"
#include "random.h"

/* A registration, and the name of a ring half a page behind it. */
#define ARGS_PAGES 1
/* The longest message: a structure and V4V_IOV_MAX pieces. */
#define MESSAGE_PAGES 5
/* Frames of the largest ring. */
#define LIST_ENTRIES (1 + V4V_RING_MAX / V4V_FRAME_SIZE)
#define LIST_PAGES 3
#define OWN_PAGES (ARGS_PAGES + LIST_PAGES)
#define DATA_PAGES 64
/* The largest ring, and where it may begin. */
#define STARTS 64
#define RING_PAGES (LIST_ENTRIES - 1 + STARTS)
/* Rings up to this size have a place to themselves, unless a larger one lies across it. */
#define SMALL_RING (8 * V4V_RING_MIN)
#define FIRST_MESSAGE (MOST_ATTACKERS * OWN_PAGES)
#define FIRST_DATA (FIRST_MESSAGE + MOST_ATTACKERS * MESSAGE_PAGES)
#define FIRST_RING (FIRST_DATA + DATA_PAGES)
#define ARENA_PAGES (FIRST_RING + RING_PAGES)

/* What lies behind its end is not mapped: vmalloc leaves a guard page. */
static void *arena;
static u64 *gfns;

static void *page_at(unsigned int index)
{
	return arena + index * PAGE_SIZE;
}

int arena_make(void)
{
	unsigned int i;

	arena = vzalloc(ARENA_PAGES * PAGE_SIZE);
	gfns = kvmalloc_array(ARENA_PAGES, sizeof(*gfns), GFP_KERNEL);
	if (!arena || !gfns) {
		arena_free();
		return -ENOMEM;
	}
	for (i = 0; i < ARENA_PAGES; i++)
		gfns[i] = v4v_gfn(page_at(i));
	for (i = 0; i < MOST_ATTACKERS; i++) {
		struct attacker *a = &attackers[i];

		a->registration = page_at(i * OWN_PAGES);
		a->id = (void *)a->registration + PAGE_SIZE / 2;
		a->list = page_at(i * OWN_PAGES + ARGS_PAGES);
		a->message = page_at(FIRST_MESSAGE + i * MESSAGE_PAGES);
	}
	return 0;
}

void arena_free(void)
{
	vfree(arena);
	arena_leave();
}

void arena_leave(void)
{
	kvfree(gfns);
}

void *data_page(struct attacker *a)
{
	return page_at(FIRST_DATA + below(a, DATA_PAGES));
}

static unsigned int first_page(u32 port, u32 size)
{
	u32 starts = size > SMALL_RING ? STARTS : RING_PAGES - SMALL_RING / V4V_FRAME_SIZE;

	return FIRST_RING + (port * 37) % starts;
}

struct v4v_ring *ring_words(u32 port, u32 size)
{
	return page_at(first_page(port, size));
}

u64 ring_gfn(u32 port, u32 size, u32 index)
{
	return gfns[first_page(port, size) + index];
}

/*
 * Not those of registrations and their lists: what the hypervisor is made to
 * write there could be ports that nobody remembers, or frames of others' memory.
 */
u64 arena_gfn(struct attacker *a)
{
	return gfns[FIRST_MESSAGE + below(a, ARENA_PAGES - FIRST_MESSAGE)];
}

void *bad_pointer(struct attacker *a)
{
	unsigned long end = (unsigned long)page_at(ARENA_PAGES);

	switch (below(a, 8)) {
	case 0:
		return (void *)(unsigned long)below(a, PAGE_SIZE);
	case 1: /* across the end of what is mapped */
		return (void *)(end - below(a, 64));
	case 2:
		return (void *)(end + below(a, PAGE_SIZE));
	case 3: /* not canonical, and the last that is */
		return (void *)((1UL << 47) - 64 + below(a, 128));
	case 4:
		return (void *)((any64(a) & ~(1UL << 63)) | 1UL << 62);
	case 5: /* the hypervisor's own (xen/arch/x86/include/asm/config.h) */
		return (void *)(0xffff800000000000UL + (any64(a) & ((1UL << 43) - 1)));
	case 6: /* around the top */
		return (void *)-(unsigned long)(1 + below(a, 64));
	default: /* constants of this module: not writable */
		return (void *)bad_pointer + below(a, 64);
	}
}

void spoil_words(struct attacker *a, struct v4v_ring *ring)
{
	u32 tx = READ_ONCE(ring->tx);

	switch (below(a, 9)) {
	case 0:
		WRITE_ONCE(ring->tx, odd_number(a));
		break;
	case 1:
		WRITE_ONCE(ring->waiting, any(a));
		break;
	case 2:
		WRITE_ONCE(ring->state, any(a));
		break;
	case 3:
		WRITE_ONCE(ring->rx, odd_number(a));
		break;
	case 4: /* what could be true */
		WRITE_ONCE(ring->rx, tx - below(a, 512) * V4V_MESSAGE_ALIGN);
		break;
	case 5:
		WRITE_ONCE(ring->event_at, once_in(a, 2) ? tx : any(a));
		break;
	default:
		WRITE_ONCE(ring->rx, tx);
	}
}

/*
 * A field of a registration that somebody may be making. Ports and partners stay
 * those that are looked for at the end, and lists of frames are lists of frames:
 * anything else there would hand out memory that is not the arena's.
 */
static void spoil_registration(struct attacker *a, struct v4v_register_ring *args)
{
	switch (below(a, 6)) {
	case 0:
		WRITE_ONCE(args->id.port, any_port(a));
		break;
	case 1:
		WRITE_ONCE(args->id.partner, partners[below(a, nr_partners)]);
		break;
	case 2:
		WRITE_ONCE(args->id.reserved, once_in(a, 4) ? any(a) : 0);
		break;
	case 3:
		WRITE_ONCE(args->size, once_in(a, 2) ? V4V_RING_MIN << below(a, 11) : odd_number(a));
		break;
	case 4:
		WRITE_ONCE(args->nr_frames, odd_number(a));
		break;
	default:
		WRITE_ONCE(args->frames, (unsigned long)(once_in(a, 2) ? bad_pointer(a) :
					 attackers[below(a, nr_attackers)].list));
	}
}

/* A field of a message, or of one of its pieces. */
static void spoil_message(struct attacker *a, struct v4v_sendv *args)
{
	struct v4v_iov *piece = (struct v4v_iov *)(args + 1);

	piece += below(a, once_in(a, 4) ? V4V_IOV_MAX : 16);
	switch (below(a, 4)) {
	case 0:
		WRITE_ONCE(((u32 *)args)[below(a, sizeof(*args) / sizeof(u32))], odd_number(a));
		break;
	case 1:
		WRITE_ONCE(piece->offset, odd_number(a));
		break;
	case 2:
		WRITE_ONCE(piece->length, odd_number(a));
		break;
	default:
		WRITE_ONCE(piece->gfn, any_frame(a));
	}
}

void attack_memory(struct attacker *a)
{
	const struct attacker *other = &attackers[below(a, nr_attackers)];
	u32 *words = data_page(a);
	unsigned int i;

	for (i = 0; i < 64; i++) {
		switch (below(a, 5)) {
		case 0:
			spoil_words(a, ring_words(any_port(a), V4V_RING_MIN));
			break;
		case 1:
			WRITE_ONCE(other->list[below(a, LIST_ENTRIES)], any_frame(a));
			break;
		case 2:
			WRITE_ONCE(words[below(a, PAGE_SIZE / sizeof(*words))], any(a));
			break;
		case 3:
			spoil_registration(a, other->registration);
			break;
		default:
			spoil_message(a, other->message);
		}
	}
}
