#include "fuzz.h"

#define MAX_RINGS 256u

static struct known rings[MAX_RINGS];
static unsigned int nr_rings;

void rings_forget_all(void)
{
	nr_rings = 0;
}

void rings_forget_owner(const struct domain *d)
{
	for (unsigned int i = nr_rings; i-- > 0;)
		if (rings[i].ring.owner == d)
			rings[i] = rings[--nr_rings];
}

static unsigned int frames_of(const struct ring *ring)
{
	return 1 + ring->size / FRAME_SIZE;
}

static bool overlap(const struct ring *a, const struct ring *b)
{
	return a->owner == b->owner && a->frame < b->frame + frames_of(b) && b->frame < a->frame + frames_of(a);
}

void rings_add(const struct ring *ring, bool clean)
{
	if (nr_rings == MAX_RINGS)
		return violation("there are more rings than the ports allow");
	for (unsigned int i = 0; i < nr_rings; i++)
		/* A list that was not as it should be may name any frame of the domain. */
		if (rings[i].ring.owner == ring->owner && (!clean || overlap(&rings[i].ring, ring)))
			clean = rings[i].clean = false;
	rings[nr_rings++] = (struct known){*ring, clean};
}

void rings_remove(const struct domain *d, uint32_t port, uint16_t partner)
{
	for (unsigned int i = 0; i < nr_rings; i++) {
		const struct ring *ring = &rings[i].ring;

		if (ring->owner == d && ring->id.port == port && ring->id.partner == partner) {
			rings[i] = rings[--nr_rings];
			return;
		}
	}
	violation("a ring is given back that was never taken");
}

bool rings_are_clean(const struct domain *d)
{
	for (unsigned int i = 0; i < nr_rings; i++)
		if (rings[i].ring.owner == d && !rings[i].clean)
			return false;
	return true;
}

struct known *any_ring(void)
{
	return nr_rings ? &rings[below(nr_rings)] : NULL;
}

static struct known *find(const struct domain *owner, uint32_t port, uint16_t partner)
{
	for (unsigned int i = 0; i < nr_rings; i++) {
		const struct ring *ring = &rings[i].ring;

		if (ring->owner == owner && ring->id.port == port && ring->id.partner == partner)
			return &rings[i];
	}
	return NULL;
}

struct known *ring_for(const struct domain *owner, uint32_t port, uint16_t sender)
{
	struct known *exact = find(owner, port, sender);

	return exact ? exact : find(owner, port, V4V_ANY);
}
