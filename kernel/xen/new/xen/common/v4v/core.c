/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: the hypercall, and what becomes of it when domains come and go.
 */
#include <xen/event.h>
#include <xen/hypercall.h>
#include <xen/init.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/v4v.h>
#include <xen/xmalloc.h>

#include "private.h"

/* v4v=<boolean>: off unless asked for, as with every optional guest interface. */
static bool __ro_after_init opt_v4v;
boolean_param("v4v", opt_v4v);

void v4v_signal(struct domain *d)
{
    send_guest_global_virq(d, VIRQ_V4V);
}

void v4v_signal_id(domid_t domid)
{
    struct domain *d = rcu_lock_domain_by_id(domid);

    if ( !d )
        return;

    v4v_signal(d);
    rcu_unlock_domain(d);
}

static int v4v_get_info(const struct domain *d,
                        XEN_GUEST_HANDLE_PARAM(v4v_info_t) arg)
{
    struct v4v_info info;
    bool served;

    if ( copy_from_guest(&info, arg, 1) )
        return -EFAULT;

    served = (info.version >> 16) == (V4V_ABI_VERSION >> 16);
    info = (struct v4v_info){
        .version = V4V_ABI_VERSION,
        .domid = d->domain_id,
        .ring_max = V4V_RING_MAX,
        .rings_max = V4V_RINGS_MAX,
        .ring_bytes_max = V4V_RING_BYTES_MAX,
        .send_max = V4V_SEND_MAX,
    };

    if ( copy_to_guest(arg, &info, 1) )
        return -EFAULT;

    return served ? 0 : -ENOSYS;
}

static int v4v_read_id(struct v4v_ring_id *id,
                       XEN_GUEST_HANDLE_PARAM(v4v_ring_id_t) arg)
{
    if ( copy_from_guest(id, arg, 1) )
        return -EFAULT;

    return id->reserved ? -EINVAL : 0;
}

long do_v4v_op(unsigned int cmd, XEN_GUEST_HANDLE_PARAM(void) arg)
{
    struct domain *d = current->domain;
    struct v4v_ring_id id;
    long rc;

    if ( !d->v4v )
        return -ENOSYS;

    switch ( cmd )
    {
    case V4VOP_info:
        return v4v_get_info(d, guest_handle_cast(arg, v4v_info_t));

    case V4VOP_register_ring:
        return v4v_register_ring(d,
                                 guest_handle_cast(arg, v4v_register_ring_t));

    case V4VOP_unregister_ring:
        rc = v4v_read_id(&id, guest_handle_cast(arg, v4v_ring_id_t));
        return rc ?: v4v_unregister_ring(d, &id);

    case V4VOP_sendv:
        return v4v_sendv(d, arg);

    case V4VOP_notify:
        rc = v4v_read_id(&id, guest_handle_cast(arg, v4v_ring_id_t));
        return rc ?: v4v_notify(d, &id);

    case V4VOP_insert_rule:
    case V4VOP_delete_rule:
    case V4VOP_flush_rules:
    case V4VOP_set_policy:
    case V4VOP_zero_rules:
    case V4VOP_list_rules:
    case V4VOP_replace_rules:
        rc = xsm_v4v_rules(XSM_PRIV, cmd != V4VOP_list_rules);
        return rc ?: v4v_rules_op(cmd, arg);
    }

    return -ENOSYS;
}

int v4v_init(struct domain *d)
{
    struct v4v_domain *v4v;
    unsigned int i;
    int rc;

    if ( !opt_v4v || is_idle_domain(d) || is_system_domain(d) )
        return 0;

    rc = v4v_rules_init();
    if ( rc )
        return rc;

    v4v = xzalloc(struct v4v_domain);
    if ( !v4v )
        return -ENOMEM;

    rwlock_init(&v4v->lock);
    for ( i = 0; i < V4V_BUCKETS; i++ )
        INIT_LIST_HEAD(&v4v->buckets[i]);

    d->v4v = v4v;

    return 0;
}

static void remove_all_rings(struct domain *d)
{
    write_lock(&d->v4v->lock);
    d->v4v->dead = true;
    v4v_remove_rings(d);
    write_unlock(&d->v4v->lock);

    v4v_partner_died(d->domain_id);
}

void v4v_teardown(struct domain *d)
{
    if ( !d->v4v )
        return;

    remove_all_rings(d);
    v4v_rules_forget(d->domain_id);
}

void v4v_soft_reset(struct domain *d)
{
    struct v4v_domain *v4v = d->v4v;

    if ( !v4v )
        return;

    /* It keeps its number, and with it the rules that name it. */
    remove_all_rings(d);

    /* This may come between two parts of domain_kill(): dead stays dead. */
    write_lock(&v4v->lock);
    v4v->dead = d->is_dying != DOMDYING_alive;
    write_unlock(&v4v->lock);
}

void v4v_resume(struct domain *d)
{
    if ( d->v4v )
        v4v_wake_all(d);
}

void v4v_free(struct domain *d)
{
    /* It was torn down when it died, or it never ran. */
    ASSERT(!d->v4v || !d->v4v->nr_rings);
    XFREE(d->v4v);
}
