/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: what its source files share.
 *
 * Locking. Two kinds of locks, always taken in this order:
 *
 *   v4v_domain.lock   (rwlock)   a domain's table of rings and its quotas:
 *                                written by register, unregister and teardown,
 *                                read by everyone who looks a ring up
 *   v4v_ring.lock     (spinlock) a ring's indices and its waiting senders
 *
 * No path holds the locks of two domains at once: sending holds the
 * receiver's, consuming the owner's, and a dying domain takes those of the
 * others one after the other. The table of rules has a lock of its own for
 * those who change it (rules.c), never taken inside these nor around them;
 * senders read it under RCU. struct v4v_domain lives as long as its struct
 * domain, so that a reference to the domain (RCU or current) is enough to
 * reach the lock; `dead` tells whether the rest still counts.
 */
#ifndef __V4V_PRIVATE_H__
#define __V4V_PRIVATE_H__

#include <xen/cache.h>
#include <xen/domain.h>
#include <xen/guest_access.h>
#include <xen/list.h>
#include <xen/mm.h>
#include <xen/rcupdate.h>
#include <xen/rwlock.h>
#include <xen/sched.h>
#include <xen/spinlock.h>

#include <asm/p2m.h>

#include <xsm/xsm.h>

#include <public/v4v.h>

typedef struct v4v_info v4v_info_t;
typedef struct v4v_ring_id v4v_ring_id_t;
typedef struct v4v_register_ring v4v_register_ring_t;
typedef struct v4v_sendv v4v_sendv_t;
typedef struct v4v_iov v4v_iov_t;
typedef struct v4v_rule v4v_rule_t;
typedef struct v4v_rule_at v4v_rule_at_t;
typedef struct v4v_policy v4v_policy_t;
typedef struct v4v_rule_entry v4v_rule_entry_t;
typedef struct v4v_list_rules v4v_list_rules_t;
typedef struct v4v_replace_rules v4v_replace_rules_t;
DEFINE_XEN_GUEST_HANDLE(v4v_info_t);
DEFINE_XEN_GUEST_HANDLE(v4v_ring_id_t);
DEFINE_XEN_GUEST_HANDLE(v4v_register_ring_t);
DEFINE_XEN_GUEST_HANDLE(v4v_sendv_t);
DEFINE_XEN_GUEST_HANDLE(v4v_iov_t);
DEFINE_XEN_GUEST_HANDLE(v4v_rule_t);
DEFINE_XEN_GUEST_HANDLE(v4v_rule_at_t);
DEFINE_XEN_GUEST_HANDLE(v4v_policy_t);
DEFINE_XEN_GUEST_HANDLE(v4v_rule_entry_t);
DEFINE_XEN_GUEST_HANDLE(v4v_list_rules_t);
DEFINE_XEN_GUEST_HANDLE(v4v_replace_rules_t);

#define V4V_BUCKETS 64

/* A domain that was refused for lack of room and wants to be told. */
struct v4v_waiter {
    struct list_head node;
    domid_t domid;
    /* Free bytes, header included, that are worth waking it for. */
    unsigned int needed;
};

struct v4v_ring_info {
    /* Lives longer: its rings go when it starts to die. */
    struct domain *owner;
    /* In a bucket of the owner's table; under the owner's lock. */
    struct list_head node;
    struct v4v_ring_id id;
    unsigned int size;
    unsigned int nr_frames;
    mfn_t *mfns;
    /* The first frame, mapped for as long as the ring is registered. */
    struct v4v_ring *shared;

    spinlock_t lock;
    /* The true producer index: the one in the ring is a copy for its owner. */
    unsigned int tx;
    bool partner_gone;
    struct list_head waiters;
};

struct v4v_domain {
    rwlock_t lock;
    /* Set once, before the rings go: no new ring, no more messages. */
    bool dead;
    unsigned int nr_rings;
    unsigned int ring_bytes;
    struct list_head buckets[V4V_BUCKETS];
};

/* Of one CPU, so that senders do not take turns at a line of the cache. */
struct v4v_count {
    uint64_t packets;
    uint64_t bytes;
} __cacheline_aligned;

struct v4v_rule_table;

/* A rule in force, or the policy: a rule that everything matches. */
struct v4v_filter {
    struct rcu_head rcu;
    struct v4v_rule rule;
    /* The table that it was last put into; NULL if it was never in force. */
    const struct v4v_rule_table *table;
    struct v4v_count counts[];
};

/*
 * The whole of the rules. A change makes another table, which may hold the
 * same filters (and so their counters), and puts it in place of this one.
 * Only death works on the table that is in force: it must not need memory.
 */
struct v4v_rule_table {
    struct rcu_head rcu;
    struct v4v_filter *policy;
    unsigned int nr;
    /* NULL where a domain died that the rule named. */
    struct v4v_filter *rules[V4V_RULES_MAX];
};

/* Tells a domain to look at its rings and at what it could not send. */
void v4v_signal(struct domain *d);
void v4v_signal_id(domid_t domid);

/* rules.c; what match returns lasts as long as the caller's RCU lock. */
extern rcu_read_lock_t v4v_rules_rcu;
extern struct v4v_rule_table *v4v_rules;
struct v4v_filter *v4v_match(domid_t src, uint32_t src_port,
                             domid_t dst, uint32_t dst_port);
void v4v_count(struct v4v_filter *filter, unsigned int bytes);
int v4v_rules_init(void);
void v4v_rules_forget(domid_t domid);
int v4v_rules_op(unsigned int cmd, XEN_GUEST_HANDLE_PARAM(void) arg);

/* ring.c; callers of find hold d's lock. */
int v4v_get_page(struct domain *d, uint64_t gfn, bool readonly,
                 p2m_type_t *p2mt, struct page_info **page);
bool v4v_domain_lives(domid_t domid);
struct v4v_ring_info *v4v_find_ring(const struct domain *d, uint32_t port,
                                    domid_t partner);
int v4v_register_ring(struct domain *d,
                      XEN_GUEST_HANDLE_PARAM(v4v_register_ring_t) arg);
int v4v_unregister_ring(struct domain *d, const struct v4v_ring_id *id);
void v4v_remove_rings(struct domain *d);
void v4v_partner_died(domid_t partner);
void v4v_wake_all(struct domain *d);

/* send.c; Xen's own writes to a ring's frames are said to log-dirty mode. */
void v4v_mark_dirty(const struct v4v_ring_info *ring, unsigned int frame);
long v4v_sendv(struct domain *d, XEN_GUEST_HANDLE_PARAM(void) arg);
int v4v_notify(struct domain *d, const struct v4v_ring_id *id);
void v4v_wake_waiters(struct v4v_ring_info *ring, unsigned int room);

#endif /* __V4V_PRIVATE_H__ */
