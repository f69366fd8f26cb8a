/* Messages, right ones and others; where the ring is its owner's alone, its bytes are compared with what was sent. */
#include <errno.h>

#include "fuzz.h"

#define MAX_PIECES 80u

static struct v4v_iov iov[MAX_PIECES];
static unsigned char sent[MESSAGE_MAX + FRAME_SIZE], arrived[MESSAGE_MAX];

/* Pieces of the data frames; returns how many bytes they hold. */
static uint32_t choose_pieces(struct domain *d, unsigned int nr)
{
	uint32_t total = 0;

	for (unsigned int i = 0; i < nr; i++) {
		unsigned int frame = DATA_FRAME + below(DATA_FRAMES);
		uint32_t offset = once_in(3) ? 0 : below(FRAME_SIZE + 1), length = below(FRAME_SIZE + 1 - offset);

		if (once_in(3))
			length = FRAME_SIZE - offset;
		else if (once_in(2))
			length %= 100;
		iov[i] = (struct v4v_iov){frame_mfn(d, frame), offset, length};
		guest_read(d, address_of(frame, offset), sent + total, length);
		total += length;
		if (total > MESSAGE_MAX)
			total = MESSAGE_MAX;
	}
	return total;
}

static void spoil_pieces(struct domain *d, struct v4v_sendv *args)
{
	struct v4v_iov *piece = &iov[below(args->nr_iov ? args->nr_iov : 1)];

	switch (below(10)) {
	case 9: /* a sum that comes out small */
		piece->offset = odd_number();
		piece->length = below(FRAME_SIZE + 1) - piece->offset;
		break;
	case 0:
		piece->gfn = once_in(2) ? any() : ((uint64_t)any() << 32) | any();
		break;
	case 1: /* another domain's, or a frame of a ring */
		piece->gfn = FIRST_MFN + below(MAX_DOMAINS * DOMAIN_FRAMES);
		break;
	case 2:
		piece->offset = odd_number();
		break;
	case 3:
		piece->length = odd_number();
		break;
	case 4:
		args->nr_iov = once_in(2) ? odd_number() : V4V_IOV_MAX - below(2);
		break;
	case 5:
		args->length = odd_number();
		break;
	case 6:
		args->flags = odd_number();
		break;
	case 7:
		args->reserved = once_in(2);
		args->dst.reserved = (uint16_t)below(2);
		break;
	default:
		piece->gfn = frame_mfn(d, below(DOMAIN_FRAMES));
	}
}

static bool is_known_error(long rc)
{
	return rc == -EAGAIN || rc == -ECONNREFUSED || rc == -EMSGSIZE || rc == -EINVAL || rc == -EFAULT || rc == -ENOMEM ||
	       rc == -EACCES;
}

/* A message that was judged must have been judged so; whoever it was counts it. */
static void check_verdict(const struct domain *from, const struct domain *owner, const struct v4v_sendv *args,
			  bool sound, long rc)
{
	struct v4v_rule_entry *entry;

	if (!owner || !owner->v4v) {
		if (rc == -EACCES)
			violation("a message to nobody is denied");
		return;
	}
	entry = rules_judge(from->domain_id, args->src_port, owner->domain_id, args->dst.port);
	if (rc == -EACCES) {
		if (entry->rule.target != V4V_DROP)
			violation("a message is denied that the rules accept");
		entry->packets++;
		entry->bytes += args->length < V4V_SEND_MAX ? args->length : V4V_SEND_MAX;
	} else if (entry->rule.target == V4V_DROP && (sound || (rc != -EINVAL && rc != -EFAULT))) {
		violation("a message that the rules drop ends with %ld", rc);
	} else if (rc >= 0) {
		entry->packets++;
		entry->bytes += (unsigned long)rc;
	}
}

static void compare(const struct ring *ring, uint32_t at, const struct domain *from, const struct v4v_sendv *args,
		    uint32_t length)
{
	struct v4v_message header;

	ring_bytes(ring, at, &header, sizeof(header));
	if (header.length != length || header.type != args->type || header.src.port != args->src_port ||
	    header.src.domid != from->domain_id || header.src.reserved)
		violation("a header is not that of its message");
	ring_bytes(ring, at + HEADER_BYTES, arrived, length);
	if (memcmp(arrived, sent, length) != 0)
		violation("%u bytes have not arrived as they were sent", length);
}

void fuzz_send(struct domain *d)
{
	const struct known *target = once_in(6) ? NULL : any_ring();
	unsigned int nr = below(once_in(4) ? MAX_PIECES : 4);
	uint16_t domid = target ? target->ring.owner->domain_id : any_domid();
	struct domain *owner = domid == DOMID_SELF ? d : machine_find_domain(domid);
	struct v4v_sendv args = {
		.dst = {.port = target ? target->ring.id.port : below(PORTS), .domid = domid},
		.src_port = once_in(2) ? below(3) : any(),
		.type = any(),
		.flags = below(2),
		.nr_iov = nr,
	};
	bool as_chosen = !once_in(4), comparable = as_chosen && rings_are_clean(d), had_ring, meddled;
	uint32_t holds = choose_pieces(d, nr), before = 0, after = 0, used = 0;
	struct known *known;
	long rc;

	args.length = holds && once_in(3) ? below(holds) : holds;
	if (!as_chosen)
		spoil_pieces(d, &args);
	known = owner ? ring_for(owner, args.dst.port, d->domain_id) : NULL;
	had_ring = known && machine_ring_tx(owner, args.dst.port, known->ring.id.partner, &before);
	if (had_ring)
		used = before - ring_words(&known->ring).rx;
	meddled = meddle(d);
	rc = sendv(d, &args, iov, nr);
	stop_meddling();

	if (rc < 0 ? !is_known_error(rc) : !had_ring || rc > (long)args.length)
		violation("sendv of %u bytes returns %ld", args.length, rc);
	/* It was before the call, or since the last that was read of the sender's memory. */
	if (rc >= 0 && owner->is_shut_down)
		violation("a domain that is shut down takes a message");
	check_verdict(d, machine_find_domain(args.dst.domid == DOMID_SELF ? d->domain_id : args.dst.domid), &args,
		      as_chosen, rc);
	/* It may have gone with its owner during the call. */
	known = had_ring ? ring_for(owner, args.dst.port, d->domain_id) : NULL;
	if (!known || !machine_ring_tx(owner, args.dst.port, known->ring.id.partner, &after)) {
		if (rc >= 0)
			violation("a message was taken and there is no ring");
		return;
	}
	if (after - before != (rc < 0 ? 0 : HEADER_BYTES + round_up((uint32_t)rc)))
		violation("%ld bytes have moved the ring by %u", rc, after - before);
	if (rc < 0)
		return;
	if (!meddled && known->clean && used + (after - before) > known->ring.size)
		violation("a message overwrites what was not read");
	if (comparable && known->clean)
		compare(&known->ring, before, d, &args, (uint32_t)rc);
}
