/* What other processors of the machine do while a hypercall goes on. */
#include "fuzz.h"

static struct domain *caller;

void spoil_words(struct ring *ring)
{
	struct v4v_ring words = ring_words(ring);
	uint32_t tx = words.tx;

	switch (below(9)) {
	case 0:
		tx = odd_number();
		guest_write(ring->owner, address_of(ring->frame, 0), &tx, sizeof(tx));
		break;
	case 1:
		ring_set_waiting(ring, any());
		break;
	case 2:
		ring_event_at(ring, once_in(2) ? tx : any());
		break;
	case 3:
		ring_set_rx(ring, odd_number());
		break;
	case 4:
	case 5: /* what could be true */
		ring_set_rx(ring, tx - below(ring->size / V4V_MESSAGE_ALIGN + 2) * V4V_MESSAGE_ALIGN);
		break;
	default:
		ring_set_rx(ring, tx);
	}
}

static void spoil_some(void)
{
	struct known *known = any_ring();

	if (known && once_in(2))
		spoil_words(&known->ring);
}

static void after_guest_read(struct domain *d, unsigned long address, unsigned long count)
{
	unsigned int index = below(NUMBERS);

	/* It has been read: nothing that is written there now may count. */
	if (once_in(2))
		guest_fill(d, address, (int)below(256), count);
	spoil_some();
	/* The caller itself is on a processor: to be shut down or to die, it would have to be paused first. */
	if (guests[index].life != ALIVE || guests[index].d == caller)
		return;
	if (once_in(8))
		guests[index].d->is_shut_down = true;
	if (once_in(8) && locks_are_free()) {
		v4v_teardown(guests[index].d);
		rings_forget_owner(guests[index].d);
		rules_forget_domain(number_of(index));
		guests[index].life = DYING;
	}
}

static void at_word(const void *address)
{
	(void)address;
	spoil_some();
}

static void at_barrier(bool full)
{
	(void)full;
	spoil_some();
}

bool meddle(struct domain *d)
{
	caller = d;
	if (once_in(20))
		machine.failing_allocation = 1 + below(4);
	if (!once_in(3))
		return false;
	machine.on_guest_read = after_guest_read;
	machine.on_word_read = at_word;
	machine.on_word_written = at_word;
	machine.on_barrier = at_barrier;
	return true;
}

void stop_meddling(void)
{
	machine.failing_allocation = 0;
	machine.on_guest_read = NULL;
	machine.on_word_read = NULL;
	machine.on_word_written = NULL;
	machine.on_barrier = NULL;
}
