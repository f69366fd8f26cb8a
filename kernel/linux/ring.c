// SPDX-License-Identifier: GPL-2.0-only
/*
 * V4V: taking messages out of a receive ring.
 *
 * The hypervisor copied the bytes in; here they are copied once more, straight
 * to where the reader wants them. What lies between rx and tx is not touched
 * by anyone else until v4v_rx_release() moves rx.
 */
#define pr_fmt(fmt) "v4v: " fmt

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "area.h"
#include "control.h"
#include "hypercall.h"
#include "ring.h"

#define HEADER ((u32)sizeof(struct v4v_message))

/* Data bytes of all rings. */
static atomic_long_t ring_bytes;
static atomic_long_t nr_rings;

u32 v4v_rx_affordable(u32 size, u32 least)
{
	long budget = min_t(u64, V4V_RING_BYTES_MAX, (u64)totalram_pages() * PAGE_SIZE / 8);
	long used = atomic_long_read(&ring_bytes);
	long others = (long)V4V_RINGS_MAX - 1 - atomic_long_read(&nr_rings);
	long most = min((budget - used) / 4, (long)V4V_RING_BYTES_MAX - used - others * (long)least);

	while (size > least && (long)size > most)
		size /= 2;
	return size;
}

static int register_ring(struct v4v_rx *rx)
{
	struct v4v_register_ring args = {
		.id = rx->id,
		.size = rx->size,
		.nr_frames = 1 + rx->size / V4V_FRAME_SIZE,
	};
	u64 *frames;
	u32 i;
	int err;

	frames = kvmalloc_array(args.nr_frames, sizeof(*frames), GFP_KERNEL);
	if (!frames)
		return -ENOMEM;
	for (i = 0; i < args.nr_frames; i++)
		frames[i] = v4v_gfn((void *)rx->shared + i * V4V_FRAME_SIZE);
	args.frames = (unsigned long)frames;
	err = v4v_hypercall(V4VOP_register_ring, &args);
	rx->registered = !err;
	kvfree(frames);
	return err;
}

int v4v_rx_open(struct v4v_rx *rx, u32 port, u16 partner, u32 size)
{
	int err;

	memset(rx, 0, sizeof(*rx));
	rx->id = (struct v4v_ring_id){ .port = port, .partner = partner };
	rx->size = size;
	rx->shared = v4v_area_get(size);
	if (!rx->shared)
		return -ENOMEM;
	atomic_long_add(size, &ring_bytes);
	atomic_long_add(1, &nr_rings);
	rx->data = (void *)rx->shared + V4V_FRAME_SIZE;
	err = register_ring(rx);
	if (err)
		v4v_rx_free(rx);
	return err;
}

int v4v_rx_reopen(struct v4v_rx *rx)
{
	rx->registered = false;
	rx->payload = 0;
	rx->records = rx->messages;
	rx->left = 0;
	rx->taken = 0;
	WRITE_ONCE(rx->scanned, 0);
	WRITE_ONCE(rx->told, 0);
	/* The hypervisor clears the positions, but only once it has the ring. */
	memset(rx->shared, 0, sizeof(*rx->shared));
	return register_ring(rx);
}

void v4v_rx_unregister(struct v4v_rx *rx)
{
	if (!rx->registered)
		return;
	/* The only error is that the hypervisor has dropped it already. */
	v4v_hypercall(V4VOP_unregister_ring, &rx->id);
	rx->registered = false;
}

void v4v_rx_free(struct v4v_rx *rx)
{
	v4v_rx_unregister(rx);
	if (rx->shared) {
		atomic_long_sub(rx->size, &ring_bytes);
		atomic_long_sub(1, &nr_rings);
	}
	v4v_area_put(rx->shared, rx->size);
	rx->shared = NULL;
}

static u32 padding(u32 length)
{
	return -length & (V4V_MESSAGE_ALIGN - 1);
}

/* Headers never wrap: they are aligned and so is the ring's size. */
static const struct v4v_message *header_at(const struct v4v_rx *rx, u32 at)
{
	return rx->data + (at & (rx->size - 1));
}

u64 v4v_rx_available(struct v4v_rx *rx)
{
	/* Pairs with the hypervisor's barrier: bytes before index. */
	u32 tx = smp_load_acquire(&rx->shared->tx);

	while (rx->scanned != tx) {
		u32 length = READ_ONCE(header_at(rx, rx->scanned)->length);

		rx->payload += length;
		rx->bytes += length;
		rx->messages += length > 0;
		WRITE_ONCE(rx->scanned, rx->scanned + HEADER + length + padding(length));
	}
	return rx->payload;
}

bool v4v_rx_watch(struct v4v_rx *rx)
{
	WRITE_ONCE(rx->shared->event_at, rx->scanned + v4v_rx_silent(rx));
	/* The hypervisor writes tx, then looks at event_at; we the other way round. */
	mb();
	return READ_ONCE(rx->shared->tx) - rx->scanned <= v4v_rx_silent(rx);
}

bool v4v_rx_arm(struct v4v_rx *rx)
{
	WRITE_ONCE(rx->told, rx->scanned);
	return v4v_rx_watch(rx);
}

/* The least that is tried when spinning seems worth it, ns: about one hypercall. */
#define SPIN_START 10000

bool v4v_rx_spin(struct v4v_rx *rx, u32 max_ns)
{
	u64 start = local_clock();
	u32 limit = min(rx->spin_ns, max_ns);

	if (!limit)
		return false;
	/* A position that tx has passed: whoever sends now need not tell us. */
	WRITE_ONCE(rx->shared->event_at, rx->scanned - 1);
	while (!v4v_rx_news(rx)) {
		if (need_resched() || signal_pending(current) || local_clock() - start > limit)
			return false;
		cpu_relax();
	}
	return true;
}

void v4v_rx_asleep(struct v4v_rx *rx)
{
	rx->asleep_since = local_clock();
}

/*
 * As with halt polling (virt/kvm/kvm_main.c): a sleep that was shorter than
 * @max_ns could have been saved by looking longer, a longer one could not.
 */
void v4v_rx_awake(struct v4v_rx *rx, u32 max_ns)
{
	if (!rx->asleep_since)
		return;
	if (local_clock() - rx->asleep_since > max_ns)
		rx->spin_ns = 0;
	else
		rx->spin_ns = clamp(rx->spin_ns * 2, SPIN_START, max_t(u32, max_ns, SPIN_START));
	rx->asleep_since = 0;
}

/* Moves on to the next message; its header is skipped. */
static void next_message(struct v4v_rx *rx)
{
	u32 length = READ_ONCE(header_at(rx, rx->taken)->length);

	rx->taken += HEADER;
	rx->left = length;
	rx->left_padding = padding(length);
}

/* Copies @len bytes from position @at, around the end of the ring if need be. */
static size_t copy_out(const struct v4v_rx *rx, u32 at, struct iov_iter *to, size_t len)
{
	u32 where = at & (rx->size - 1);
	size_t first = min_t(size_t, len, rx->size - where);
	size_t copied = copy_to_iter(rx->data + where, first, to);

	if (copied == first && len > first)
		copied += copy_to_iter(rx->data, len - first, to);
	return copied;
}

ssize_t v4v_rx_take(struct v4v_rx *rx, struct iov_iter *to, size_t len, bool peek)
{
	struct v4v_rx saved;
	size_t done = 0;
	bool fault = false;

	len = min_t(u64, len, v4v_rx_available(rx));
	saved = *rx;

	while (done < len) {
		size_t n, copied;

		if (!rx->left) {
			if (rx->marked && header_at(rx, rx->taken)->type != V4V_TYPE_STREAM)
				break;
			next_message(rx);
			continue;
		}
		n = min_t(size_t, len - done, rx->left);
		copied = copy_out(rx, rx->taken, to, n);
		rx->taken += copied;
		rx->left -= copied;
		rx->payload -= copied;
		done += copied;
		if (!rx->left)
			rx->taken += rx->left_padding;
		if (copied < n) {
			fault = true;
			break;
		}
	}
	if (peek)
		*rx = saved;
	return done || !fault ? (ssize_t)done : -EFAULT;
}

const struct v4v_message *v4v_rx_next(struct v4v_rx *rx, struct kvec piece[2])
{
	const struct v4v_message *message = header_at(rx, rx->taken);
	u32 where = (rx->taken + HEADER) & (rx->size - 1);

	/* Messages of length zero count too, so availability is not the test here. */
	v4v_rx_available(rx);
	if (rx->taken == rx->scanned)
		return NULL;
	piece[0].iov_base = rx->data + where;
	piece[0].iov_len = min(message->length, rx->size - where);
	piece[1].iov_base = rx->data;
	piece[1].iov_len = message->length - piece[0].iov_len;
	return message;
}

void v4v_rx_skip(struct v4v_rx *rx)
{
	u32 length = header_at(rx, rx->taken)->length;

	rx->taken += HEADER + length + padding(length);
	rx->payload -= length;
}

u32 v4v_rx_records(struct v4v_rx *rx)
{
	v4v_rx_available(rx);
	return min_t(u64, rx->messages - rx->records, U32_MAX);
}

ssize_t v4v_rx_record(struct v4v_rx *rx, struct iov_iter *to, bool peek, u32 *type)
{
	const struct v4v_message *message;
	struct kvec piece[2];
	size_t len, copied;
	u32 length;

	/* An empty record would read as the end of the stream: there are none. */
	while ((message = v4v_rx_next(rx, piece)) && !message->length)
		v4v_rx_skip(rx);
	if (!message)
		return -EAGAIN;

	*type = message->type;
	length = message->length;
	len = min_t(size_t, length, iov_iter_count(to));
	copied = copy_out(rx, rx->taken + HEADER, to, len);
	if (!peek) {
		v4v_rx_skip(rx);
		rx->records++;
	}
	return copied < len ? -EFAULT : (ssize_t)length;
}

bool v4v_rx_full(const struct v4v_rx *rx)
{
	u32 released = rx->shared->rx;

	return rx->size - (smp_load_acquire(&rx->shared->tx) - released) <= HEADER;
}

ssize_t v4v_rx_message(struct v4v_rx *rx, struct v4v_message *header, void *buffer, size_t size)
{
	const struct v4v_message *message;
	struct kvec piece[2];
	ssize_t result;

	message = v4v_rx_next(rx, piece);
	if (!message)
		return -EAGAIN;

	*header = *message;
	if (header->length > size) {
		result = -EMSGSIZE;
	} else {
		memcpy(buffer, piece[0].iov_base, piece[0].iov_len);
		memcpy(buffer + piece[0].iov_len, piece[1].iov_base, piece[1].iov_len);
		result = header->length;
	}
	v4v_rx_skip(rx);
	return result;
}

void v4v_rx_release(struct v4v_rx *rx)
{
	/* The unit in which the hypervisor accounts; the rest follows with the next bytes. */
	u32 position = rx->taken & ~(V4V_MESSAGE_ALIGN - 1);

	if (position == rx->shared->rx)
		return;
	/* What was read must have been read before the hypervisor may overwrite it. */
	smp_store_release(&rx->shared->rx, position);
	/* It sets waiting, then looks at rx again; we the other way round. */
	mb();
	if (READ_ONCE(rx->shared->waiting) &&
	    rx->size - (READ_ONCE(rx->shared->tx) - position) >= rx->size / 4)
		v4v_hypercall(V4VOP_notify, &rx->id);
}
