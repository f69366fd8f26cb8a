/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: rings, from registration to removal.
 */
#include <xen/domain_page.h>
#include <xen/lib.h>
#include <xen/xmalloc.h>

#ifdef CONFIG_X86
#include <asm/paging.h>
#endif

#include "private.h"

/* Frame numbers read from the guest at a time. */
#define FRAMES_BATCH 64

static struct list_head *bucket(struct v4v_domain *v4v, uint32_t port)
{
    /* Ports are handed out in sequence by guests: the low bits spread well. */
    return &v4v->buckets[(port ^ (port >> 16)) % V4V_BUCKETS];
}

struct v4v_ring_info *v4v_find_ring(const struct domain *d, uint32_t port,
                                    domid_t partner)
{
    struct v4v_ring_info *ring;

    ASSERT(rw_is_locked(&d->v4v->lock));

    list_for_each_entry ( ring, bucket(d->v4v, port), node )
        if ( ring->id.port == port && ring->id.partner == partner )
            return ring;

    return NULL;
}

/* Read-only memory, and pages that a device model answers for, are no rings. */
static bool is_writable_ram(p2m_type_t p2mt)
{
#ifdef CONFIG_X86
    if ( p2mt == p2m_ram_logdirty )
        return true;
#endif
    return p2mt == p2m_ram_rw;
}

/*
 * Takes a reference to a frame of d's by the number that d gave. Of a PV guest
 * that is the machine's, and get_page() prints a line about one that is not its
 * own: throttled, and seen with the log level of debug builds, but a guest shall
 * not decide about lines at all.
 */
int v4v_get_page(struct domain *d, uint64_t gfn, bool readonly,
                 p2m_type_t *p2mt, struct page_info **page)
{
    if ( gfn != (unsigned long)gfn )
        return -EINVAL;

#ifdef CONFIG_X86
    if ( !paging_mode_translate(d) &&
         (!mfn_valid(_mfn(gfn)) ||
          page_get_owner(mfn_to_page(_mfn(gfn))) != d) )
        return -EINVAL;
#endif

    return check_get_page_from_gfn(d, _gfn(gfn), readonly, p2mt, page);
}

/* The same of get_page_type(): a page table is no memory to write to. */
static bool get_writable(struct page_info *page)
{
#ifdef CONFIG_X86
    unsigned long type = ACCESS_ONCE(page->u.inuse.type_info);

    if ( (type & PGT_count_mask) && (type & PGT_type_mask) != PGT_writable_page )
        return false;
#endif

    return get_page_type(page, PGT_writable_page);
}

/* Takes a reference to one frame of the caller's, as memory that Xen writes. */
static int get_frame(struct domain *d, uint64_t gfn, mfn_t *mfn)
{
    struct page_info *page;
    p2m_type_t p2mt;
    int rc;

    rc = v4v_get_page(d, gfn, false, &p2mt, &page);
    if ( rc )
        return rc == -EAGAIN ? -EBUSY : -EINVAL;

    if ( !is_writable_ram(p2mt) || !get_writable(page) )
    {
        put_page(page);
        return -EINVAL;
    }

    *mfn = page_to_mfn(page);

    return 0;
}

static void put_frames(const struct v4v_ring_info *ring, unsigned int count)
{
    while ( count-- )
        put_page_and_type(mfn_to_page(ring->mfns[count]));
}

static int get_frames(struct domain *d, struct v4v_ring_info *ring,
                      uint64_t address)
{
    uint64_t gfns[FRAMES_BATCH];
    unsigned int done = 0;
    int rc = 0;

    /* The same test as for the structure's own address, which a guest may
     * pass in 32 bits. */
    if ( address != (unsigned long)address )
        return -EFAULT;

    while ( done < ring->nr_frames )
    {
        unsigned int i, n = min_t(unsigned int, FRAMES_BATCH,
                                  ring->nr_frames - done);

        if ( copy_from_guest_offset(gfns,
                                    guest_handle_from_ptr((unsigned long)address,
                                                          uint64_t),
                                    done, n) )
        {
            rc = -EFAULT;
            break;
        }

        for ( i = 0; i < n && !rc; i++ )
        {
            rc = get_frame(d, gfns[i], &ring->mfns[done]);
            if ( !rc )
                done++;
        }

        if ( rc )
            break;
    }

    if ( rc )
        put_frames(ring, done);

    return rc;
}

/* Frees a ring that is in no table; its waiters have been told. */
static void free_ring(struct v4v_ring_info *ring)
{
    ASSERT(list_empty(&ring->waiters));

    if ( ring->shared )
    {
        unmap_domain_page_global(ring->shared);
        put_frames(ring, ring->nr_frames);
    }

    xfree(ring->mfns);
    xfree(ring);
}

static struct v4v_ring_info *make_ring(struct domain *d,
                                       const struct v4v_register_ring *args,
                                       int *rc)
{
    struct v4v_ring_info *ring = xzalloc(struct v4v_ring_info);

    *rc = -ENOMEM;
    if ( !ring )
        return NULL;

    INIT_LIST_HEAD(&ring->waiters);
    spin_lock_init(&ring->lock);
    ring->owner = d;
    ring->id = args->id;
    ring->size = args->size;
    ring->nr_frames = args->nr_frames;
    ring->mfns = xmalloc_array(mfn_t, args->nr_frames);
    if ( !ring->mfns )
        goto fail;

    *rc = get_frames(d, ring, args->frames);
    if ( *rc )
        goto fail;

    ring->shared = map_domain_page_global(ring->mfns[0]);
    if ( !ring->shared )
    {
        put_frames(ring, ring->nr_frames);
        *rc = -ENOMEM;
        goto fail;
    }

    return ring;

 fail:
    free_ring(ring);

    return NULL;
}

bool v4v_domain_lives(domid_t domid)
{
    struct domain *d = rcu_lock_domain_by_id(domid);
    bool lives;

    if ( !d )
        return false;

    lives = d->v4v && !ACCESS_ONCE(d->v4v->dead);
    rcu_unlock_domain(d);

    return lives;
}

/* Whether d may have a ring for this partner, who has to live. */
static int check_partner(const struct domain *d, domid_t partner)
{
    struct domain *t;
    int rc = -ESRCH;

    if ( partner == V4V_ANY )
        return xsm_v4v_register_any(XSM_HOOK, d);

    /* One look for both: the number may be another domain's the next time. */
    t = rcu_lock_domain_by_id(partner);
    if ( !t )
        return -ESRCH;

    if ( t->v4v && !ACCESS_ONCE(t->v4v->dead) )
        rc = xsm_v4v_register_single(XSM_HOOK, d, t);

    rcu_unlock_domain(t);

    return rc;
}

int v4v_register_ring(struct domain *d,
                      XEN_GUEST_HANDLE_PARAM(v4v_register_ring_t) arg)
{
    struct v4v_domain *v4v = d->v4v;
    struct v4v_register_ring args;
    struct v4v_ring_info *ring;
    int rc;

    if ( copy_from_guest(&args, arg, 1) )
        return -EFAULT;

    if ( args.size < V4V_RING_MIN || args.size > V4V_RING_MAX ||
         (args.size & (args.size - 1)) ||
         args.nr_frames != 1 + args.size / V4V_FRAME_SIZE ||
         args.id.reserved )
        return -EINVAL;

    /* The frames are taken before the lock: it takes a while for a big ring. */
    ring = make_ring(d, &args, &rc);
    if ( !ring )
        return rc;

    write_lock(&v4v->lock);

    if ( v4v->dead )
        rc = -ESRCH;
    else if ( v4v_find_ring(d, args.id.port, args.id.partner) )
        rc = -EEXIST;
    else if ( v4v->nr_rings >= V4V_RINGS_MAX ||
              v4v->ring_bytes > V4V_RING_BYTES_MAX - args.size )
        rc = -ENOSPC;
    else
    {
        list_add(&ring->node, bucket(v4v, args.id.port));

        /*
         * A dying partner sets `dead` first and then walks all tables: either
         * it finds this ring there, or we see that it is dead.
         */
        smp_mb();
        rc = check_partner(d, args.id.partner);
        if ( rc )
            list_del(&ring->node);
        else
        {
            memset(ring->shared, 0, sizeof(*ring->shared));
            v4v_mark_dirty(ring, 0);
            v4v->nr_rings++;
            v4v->ring_bytes += args.size;
        }
    }

    write_unlock(&v4v->lock);

    if ( rc )
        free_ring(ring);

    return rc;
}

/* Whoever waits for room tries again. */
static void wake_all(struct v4v_ring_info *ring)
{
    spin_lock(&ring->lock);
    v4v_wake_waiters(ring, UINT_MAX);
    spin_unlock(&ring->lock);
}

/* Takes a ring out of its table, tells who waits for it, and frees it. */
static void remove_ring(struct v4v_domain *v4v, struct v4v_ring_info *ring)
{
    list_del(&ring->node);
    v4v->nr_rings--;
    v4v->ring_bytes -= ring->size;

    /* And is refused. */
    wake_all(ring);

    free_ring(ring);
}

int v4v_unregister_ring(struct domain *d, const struct v4v_ring_id *id)
{
    struct v4v_domain *v4v = d->v4v;
    struct v4v_ring_info *ring;

    write_lock(&v4v->lock);
    ring = v4v_find_ring(d, id->port, id->partner);
    if ( ring )
        remove_ring(v4v, ring);
    write_unlock(&v4v->lock);

    return ring ? 0 : -ENOENT;
}

void v4v_remove_rings(struct domain *d)
{
    struct v4v_domain *v4v = d->v4v;
    unsigned int i;

    ASSERT(rw_is_write_locked(&v4v->lock));

    for ( i = 0; i < V4V_BUCKETS; i++ )
    {
        struct v4v_ring_info *ring, *next;

        list_for_each_entry_safe ( ring, next, &v4v->buckets[i], node )
            remove_ring(v4v, ring);
    }

    ASSERT(!v4v->nr_rings && !v4v->ring_bytes);
}

void v4v_wake_all(struct domain *d)
{
    struct v4v_domain *v4v = d->v4v;
    struct v4v_ring_info *ring;
    unsigned int i;

    read_lock(&v4v->lock);
    for ( i = 0; i < V4V_BUCKETS; i++ )
        list_for_each_entry ( ring, &v4v->buckets[i], node )
            wake_all(ring);
    read_unlock(&v4v->lock);
}

/* What a domain's death means to one ring of another domain. */
static bool ring_partner_died(struct v4v_ring_info *ring, domid_t partner)
{
    struct v4v_waiter *waiter, *next;
    bool tell = false;

    spin_lock(&ring->lock);

    list_for_each_entry_safe ( waiter, next, &ring->waiters, node )
        if ( waiter->domid == partner )
        {
            list_del(&waiter->node);
            xfree(waiter);
        }

    if ( ring->id.partner == partner && !ring->partner_gone )
    {
        ring->partner_gone = true;
        write_atomic(&ring->shared->state, V4V_RING_PARTNER_GONE);
        v4v_mark_dirty(ring, 0);
        tell = true;
    }

    spin_unlock(&ring->lock);

    return tell;
}

void v4v_partner_died(domid_t partner)
{
    struct domain *d;

    rcu_read_lock(&domlist_read_lock);

    for_each_domain ( d )
    {
        struct v4v_domain *v4v = d->v4v;
        struct v4v_ring_info *ring;
        bool tell = false;
        unsigned int i;

        if ( !v4v || d->domain_id == partner )
            continue;

        read_lock(&v4v->lock);
        for ( i = 0; i < V4V_BUCKETS; i++ )
            list_for_each_entry ( ring, &v4v->buckets[i], node )
                tell |= ring_partner_died(ring, partner);
        read_unlock(&v4v->lock);

        if ( tell )
            v4v_signal(d);
    }

    rcu_read_unlock(&domlist_read_lock);
}
