/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: what each domain has registered, for the console (debug key '4').
 */
#include <xen/init.h>
#include <xen/keyhandler.h>
#include <xen/lib.h>

#include "private.h"

static unsigned int count_waiters(struct v4v_ring_info *ring)
{
    const struct v4v_waiter *waiter;
    unsigned int count = 0;

    spin_lock(&ring->lock);
    list_for_each_entry ( waiter, &ring->waiters, node )
        count++;
    spin_unlock(&ring->lock);

    return count;
}

static void dump_domain(const struct domain *d)
{
    struct v4v_domain *v4v = d->v4v;
    unsigned int i, rings, bytes, waiters = 0;
    struct v4v_ring_info *ring;

    read_lock(&v4v->lock);

    rings = v4v->nr_rings;
    bytes = v4v->ring_bytes;
    for ( i = 0; i < V4V_BUCKETS; i++ )
        list_for_each_entry ( ring, &v4v->buckets[i], node )
            waiters += count_waiters(ring);

    read_unlock(&v4v->lock);

    /* One line a domain: a guest decides how many rings there are. */
    printk("V4V: %pd: %u rings, %u bytes, %u waiters\n",
           d, rings, bytes, waiters);
}

static void cf_check dump_v4v(unsigned char key)
{
    const struct domain *d;

    printk("'%c' pressed -> dumping V4V rings\n", key);

    rcu_read_lock(&domlist_read_lock);

    for_each_domain ( d )
        if ( d->v4v )
            dump_domain(d);

    rcu_read_unlock(&domlist_read_lock);
}

static int __init cf_check v4v_register_key(void)
{
    register_keyhandler('4', dump_v4v, "dump V4V rings", true);

    return 0;
}
__initcall(v4v_register_key);
