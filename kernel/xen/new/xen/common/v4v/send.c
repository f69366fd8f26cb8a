/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: messages into rings, and room for those who wait.
 */
#include <xen/domain_page.h>
#include <xen/lib.h>
#include <xen/nospec.h>
#include <xen/xmalloc.h>

#ifdef CONFIG_X86
#include <asm/paging.h>
#endif

#include "private.h"

/* Pieces read from the guest at a time. */
#define IOV_BATCH 16

#define HEADER_SIZE ((unsigned int)sizeof(struct v4v_message))

void v4v_mark_dirty(const struct v4v_ring_info *ring, unsigned int frame)
{
#ifdef CONFIG_X86
    /* Log-dirty mode (migration) does not see writes that Xen makes. */
    paging_mark_dirty(ring->owner, ring->mfns[frame]);
#endif
}

static void set_waiting(struct v4v_ring_info *ring, bool waiting)
{
    write_atomic(&ring->shared->waiting, waiting);
    v4v_mark_dirty(ring, 0);
}

static unsigned int footprint(unsigned int length)
{
    return HEADER_SIZE + ROUNDUP(length, V4V_MESSAGE_ALIGN);
}

/*
 * Free bytes of a ring, or -ECONNREFUSED if its owner's index makes no sense:
 * the owner can only harm itself with it, so it is read once and bounded.
 */
static int ring_room(const struct v4v_ring_info *ring)
{
    unsigned int used = ring->tx - read_atomic(&ring->shared->rx);

    if ( used > ring->size || used % V4V_MESSAGE_ALIGN )
        return -ECONNREFUSED;

    return ring->size - used;
}

/* Copies into a ring's data at a free-running position; wraps as needed. */
static void copy_to_ring(const struct v4v_ring_info *ring, unsigned int at,
                         const void *from, unsigned int length)
{
    while ( length )
    {
        unsigned int where = at & (ring->size - 1);
        unsigned int offset = where % V4V_FRAME_SIZE;
        unsigned int n = min(length, V4V_FRAME_SIZE - offset);
        unsigned int frame = 1 + where / V4V_FRAME_SIZE;
        void *to = map_domain_page(ring->mfns[frame]);

        memcpy(to + offset, from, n);
        unmap_domain_page(to);
        v4v_mark_dirty(ring, frame);

        at += n;
        from += n;
        length -= n;
    }
}

/* Copies one piece of the sender's memory, frame to frame. */
static int copy_piece(struct domain *sender, const struct v4v_iov *iov,
                      const struct v4v_ring_info *ring, unsigned int at,
                      unsigned int length)
{
    struct page_info *page;
    p2m_type_t p2mt;
    void *from;

    if ( v4v_get_page(sender, iov->gfn, true, &p2mt, &page) )
        return -EFAULT;

    if ( !p2m_is_ram(p2mt) )
    {
        put_page(page);
        return -EFAULT;
    }

    from = __map_domain_page(page);
    copy_to_ring(ring, at, from + iov->offset, length);
    unmap_domain_page(from);
    put_page(page);

    return 0;
}

/*
 * Copies `length` bytes of the pieces that follow the hypercall's structure.
 * Each piece is read from the guest once and judged as it was read.
 */
static int copy_pieces(struct domain *sender,
                       XEN_GUEST_HANDLE_PARAM(void) arg,
                       unsigned int nr_iov, const struct v4v_ring_info *ring,
                       unsigned int at, unsigned int length)
{
    XEN_GUEST_HANDLE_PARAM(v4v_iov_t) pieces = guest_handle_cast(arg, v4v_iov_t);
    const unsigned int first = sizeof(struct v4v_sendv) / sizeof(struct v4v_iov);
    struct v4v_iov iov[IOV_BATCH];
    unsigned int done = 0;

    BUILD_BUG_ON(sizeof(struct v4v_sendv) % sizeof(struct v4v_iov));

    while ( length )
    {
        unsigned int i, n = min_t(unsigned int, IOV_BATCH, nr_iov - done);

        if ( !n )
            return -EINVAL;

        if ( copy_from_guest_offset(iov, pieces, first + done, n) )
            return -EFAULT;

        for ( i = 0; i < n && length; i++ )
        {
            unsigned int take = min(iov[i].length, length);
            int rc;

            if ( iov[i].offset > V4V_FRAME_SIZE ||
                 iov[i].length > V4V_FRAME_SIZE - iov[i].offset )
                return -EINVAL;

            /* Both become addresses below: not even in speculation. */
            block_speculation();

            if ( !take )
                continue;

            rc = copy_piece(sender, &iov[i], ring, at, take);
            if ( rc )
                return rc;

            at += take;
            length -= take;
        }

        done += n;
    }

    return 0;
}

/* Notes that a sender is to be told of `needed` free bytes; once a domain. */
static int add_waiter(struct v4v_ring_info *ring, domid_t domid,
                      unsigned int needed)
{
    struct v4v_waiter *waiter;

    ASSERT(spin_is_locked(&ring->lock));

    list_for_each_entry ( waiter, &ring->waiters, node )
        if ( waiter->domid == domid )
        {
            waiter->needed = min(waiter->needed, needed);
            return 0;
        }

    /* At most one a living domain: teardown takes those of a dead one away. */
    waiter = xmalloc(struct v4v_waiter);
    if ( !waiter )
        return -ENOMEM;

    waiter->domid = domid;
    waiter->needed = needed;
    list_add_tail(&waiter->node, &ring->waiters);
    set_waiting(ring, true);

    return 0;
}

void v4v_wake_waiters(struct v4v_ring_info *ring, unsigned int room)
{
    struct v4v_waiter *waiter, *next;

    ASSERT(spin_is_locked(&ring->lock));

    list_for_each_entry_safe ( waiter, next, &ring->waiters, node )
    {
        if ( room < waiter->needed )
            continue;

        list_del(&waiter->node);
        v4v_signal_id(waiter->domid);
        xfree(waiter);
    }

    if ( list_empty(&ring->waiters) )
        set_waiting(ring, false);
}

/*
 * A domain that is shut down may be being saved, page by page: of what came
 * meanwhile a part would be there when it is restored. Its senders wait until
 * it goes on (v4v_resume), or dies. Not under d->shutdown_lock, but under the
 * ring's, which v4v_resume takes once this is false again: it finds who waits.
 */
static int check_runs(struct v4v_ring_info *ring, const struct domain *sender)
{
    if ( !ACCESS_ONCE(ring->owner->is_shut_down) )
        return 0;

    return add_waiter(ring, sender->domain_id, 0) ?: -EAGAIN;
}

/*
 * Decides how much of a message a ring takes now, and whether its sender
 * waits for more. Returns the bytes to copy or an error.
 */
static int admit(struct v4v_ring_info *ring, const struct domain *sender,
                 const struct v4v_sendv *args)
{
    bool partial = args->flags & V4V_SEND_PARTIAL;
    unsigned int length = args->length, take, needed;
    int room, rc;

    if ( ring->partner_gone )
        return -ECONNREFUSED;

    if ( length > V4V_SEND_MAX ||
         (!partial && footprint(length) > ring->size) )
        return -EMSGSIZE;

    rc = check_runs(ring, sender);
    if ( rc )
        return rc;

    room = ring_room(ring);
    if ( room < 0 )
        return room;

    if ( room >= footprint(length) )
        return length;

    take = 0;
    if ( partial && room > HEADER_SIZE )
        take = room - HEADER_SIZE;

    /* A whole message needs its room; of a stream a quarter ring is enough. */
    needed = footprint(length - take);
    if ( partial )
        needed = min(needed, ring->size / 4);

    rc = add_waiter(ring, sender->domain_id, needed);
    if ( rc )
        return rc;

    /*
     * The owner may have made room after we looked and before `waiting` was
     * set, and then says nothing: look again now that it is.
     */
    smp_mb();
    room = ring_room(ring) - (take ? footprint(take) : 0);
    if ( room > 0 )
        v4v_wake_waiters(ring, room);

    return take ?: -EAGAIN;
}

static long send_to_ring(struct domain *sender, struct v4v_ring_info *ring,
                         const struct v4v_sendv *args,
                         XEN_GUEST_HANDLE_PARAM(void) arg, bool *tell)
{
    struct v4v_message message = {
        .type = args->type,
        .src = { .port = args->src_port, .domid = sender->domain_id },
    };
    int take = admit(ring, sender, args);
    unsigned int before;
    int rc;

    if ( take < 0 )
        return take;

    message.length = take;
    rc = copy_pieces(sender, arg, args->nr_iov, ring, ring->tx + HEADER_SIZE,
                     take);
    if ( rc )
        return rc;

    copy_to_ring(ring, ring->tx, &message, HEADER_SIZE);

    /* It may have been shut down during the copy, of which nothing shows yet. */
    rc = check_runs(ring, sender);
    if ( rc )
        return rc;

    /* The owner must not see the index before the bytes. */
    smp_wmb();
    before = ring->tx;
    ring->tx += footprint(take);
    write_atomic(&ring->shared->tx, ring->tx);
    v4v_mark_dirty(ring, 0);

    /* And must not be asleep when it set event_at and saw the old index. */
    smp_mb();
    *tell = read_atomic(&ring->shared->event_at) - before < ring->tx - before;

    return take;
}

long v4v_sendv(struct domain *d, XEN_GUEST_HANDLE_PARAM(void) arg)
{
    struct v4v_sendv args;
    struct v4v_ring_info *ring;
    struct v4v_filter *verdict;
    struct domain *owner;
    bool tell = false;
    long rc;

    if ( copy_from_guest(&args, guest_handle_cast(arg, v4v_sendv_t), 1) )
        return -EFAULT;

    if ( (args.flags & ~V4V_SEND_PARTIAL) || args.reserved ||
         args.dst.reserved || args.nr_iov > V4V_IOV_MAX )
        return -EINVAL;

    owner = rcu_lock_domain_by_any_id(args.dst.domid);
    if ( !owner )
        return -ECONNREFUSED;

    rc = -ECONNREFUSED;
    if ( !owner->v4v )
        goto out;

    /* Who may not send at all is no matter of the rules and their counters. */
    rc = xsm_v4v_send(XSM_HOOK, d, owner);
    if ( rc )
        goto out;

    rcu_read_lock(&v4v_rules_rcu);

    /* Before any ring is looked for: a refusal says nothing about the rings. */
    verdict = v4v_match(d->domain_id, args.src_port, owner->domain_id,
                        args.dst.port);
    if ( verdict->rule.target == V4V_DROP )
    {
        v4v_count(verdict, min(args.length, V4V_SEND_MAX));
        rc = -EACCES;
        goto denied;
    }

    read_lock(&owner->v4v->lock);

    rc = -ECONNREFUSED;
    ring = v4v_find_ring(owner, args.dst.port, d->domain_id) ?:
           v4v_find_ring(owner, args.dst.port, V4V_ANY);
    if ( ring )
    {
        spin_lock(&ring->lock);
        rc = send_to_ring(d, ring, &args, arg, &tell);
        spin_unlock(&ring->lock);
    }

    read_unlock(&owner->v4v->lock);

    if ( tell )
        v4v_signal(owner);

    if ( rc >= 0 )
        v4v_count(verdict, rc);

 denied:
    rcu_read_unlock(&v4v_rules_rcu);
 out:
    rcu_unlock_domain(owner);

    return rc;
}

int v4v_notify(struct domain *d, const struct v4v_ring_id *id)
{
    struct v4v_domain *v4v = d->v4v;
    struct v4v_ring_info *ring;
    int room = -ENOENT;

    read_lock(&v4v->lock);

    ring = v4v_find_ring(d, id->port, id->partner);
    if ( ring )
    {
        spin_lock(&ring->lock);
        room = ring_room(ring);
        if ( room >= 0 )
            v4v_wake_waiters(ring, room);
        spin_unlock(&ring->lock);
    }

    read_unlock(&v4v->lock);

    return room < 0 ? room : 0;
}
