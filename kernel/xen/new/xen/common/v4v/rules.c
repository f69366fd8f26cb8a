/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * V4V: the table of rules, which judges each message before it is sent.
 *
 * Senders read the table under RCU and take no lock. Those who change it (whom
 * XSM lets: dom0; and the death of a domain) hold rules_lock and free what is
 * no longer in force after a grace period.
 */
#include <xen/cpumask.h>
#include <xen/lib.h>
#include <xen/smp.h>
#include <xen/xmalloc.h>

#include "private.h"

DEFINE_RCU_READ_LOCK(v4v_rules_rcu);
struct v4v_rule_table *v4v_rules;

/* For changes; nests with no other lock of V4V. */
static DEFINE_SPINLOCK(rules_lock);
/* Under rules_lock: changes so far. */
static uint32_t generation;

static bool matches(const struct v4v_rule *rule, domid_t src,
                    uint32_t src_port, domid_t dst, uint32_t dst_port)
{
    return (rule->src_domid == V4V_ANY || rule->src_domid == src) &&
           (rule->dst_domid == V4V_ANY || rule->dst_domid == dst) &&
           (!(rule->flags & V4V_RULE_SRC_PORT) || rule->src_port == src_port) &&
           (!(rule->flags & V4V_RULE_DST_PORT) || rule->dst_port == dst_port);
}

struct v4v_filter *v4v_match(domid_t src, uint32_t src_port,
                             domid_t dst, uint32_t dst_port)
{
    const struct v4v_rule_table *table = rcu_dereference(v4v_rules);
    unsigned int i;

    for ( i = 0; i < table->nr; i++ )
    {
        /* Death may empty the place at any time. */
        struct v4v_filter *filter = ACCESS_ONCE(table->rules[i]);

        if ( filter && matches(&filter->rule, src, src_port, dst, dst_port) )
            return filter;
    }

    return table->policy;
}

void v4v_count(struct v4v_filter *filter, unsigned int bytes)
{
    /* Nobody else writes this CPU's, and Xen is not pre-empted. */
    struct v4v_count *count = &filter->counts[smp_processor_id()];

    write_atomic(&count->packets, count->packets + 1);
    write_atomic(&count->bytes, count->bytes + bytes);
}

static void sum_counts(const struct v4v_filter *filter, uint64_t *packets,
                       uint64_t *bytes)
{
    unsigned int cpu;

    *packets = *bytes = 0;
    for ( cpu = 0; cpu < nr_cpu_ids; cpu++ )
    {
        *packets += read_atomic(&filter->counts[cpu].packets);
        *bytes += read_atomic(&filter->counts[cpu].bytes);
    }
}

static struct v4v_filter *make_filter(const struct v4v_rule *rule)
{
    struct v4v_filter *filter =
        xzalloc_flex_struct(struct v4v_filter, counts, nr_cpu_ids);

    if ( filter )
        filter->rule = *rule;

    return filter;
}

static struct v4v_filter *make_policy(uint16_t target)
{
    const struct v4v_rule rule = {
        .src_domid = V4V_ANY,
        .dst_domid = V4V_ANY,
        .target = target,
    };

    return make_filter(&rule);
}

static void free_filter(struct rcu_head *head)
{
    xfree(container_of(head, struct v4v_filter, rcu));
}

static void free_table(struct rcu_head *head)
{
    xfree(container_of(head, struct v4v_rule_table, rcu));
}

/* A table with the filters that are in force now. */
static struct v4v_rule_table *copy_table(void)
{
    struct v4v_rule_table *table = xzalloc(struct v4v_rule_table);
    unsigned int i;

    ASSERT(spin_is_locked(&rules_lock));

    if ( !table )
        return NULL;

    table->policy = v4v_rules->policy;
    for ( i = 0; i < v4v_rules->nr; i++ )
        if ( v4v_rules->rules[i] )
            table->rules[table->nr++] = v4v_rules->rules[i];

    return table;
}

/* Frees a table that was never in force, and the filters made for it. */
static void discard_table(struct v4v_rule_table *table)
{
    unsigned int i;

    for ( i = 0; i < table->nr; i++ )
        if ( table->rules[i] && !table->rules[i]->table )
            xfree(table->rules[i]);
    if ( table->policy && !table->policy->table )
        xfree(table->policy);
    xfree(table);
}

/* Puts a table in force; what of the old one is not in it goes. */
static void install_table(struct v4v_rule_table *table)
{
    struct v4v_rule_table *old = v4v_rules;
    unsigned int i;

    ASSERT(spin_is_locked(&rules_lock));

    table->policy->table = table;
    for ( i = 0; i < table->nr; i++ )
        table->rules[i]->table = table;

    rcu_assign_pointer(v4v_rules, table);
    generation++;

    if ( old->policy->table != table )
        call_rcu(&old->policy->rcu, free_filter);
    for ( i = 0; i < old->nr; i++ )
        if ( old->rules[i] && old->rules[i]->table != table )
            call_rcu(&old->rules[i]->rcu, free_filter);
    call_rcu(&old->rcu, free_table);
}

int v4v_rules_init(void)
{
    struct v4v_rule_table *table;

    /* Domains are created one at a time. */
    if ( v4v_rules )
        return 0;

    table = xzalloc(struct v4v_rule_table);
    if ( !table )
        return -ENOMEM;

    table->policy = make_policy(V4V_ACCEPT);
    if ( !table->policy )
    {
        xfree(table);
        return -ENOMEM;
    }

    table->policy->table = table;
    rcu_assign_pointer(v4v_rules, table);

    return 0;
}

static bool names(const struct v4v_rule *rule, domid_t domid)
{
    return rule->src_domid == domid || rule->dst_domid == domid;
}

void v4v_rules_forget(domid_t domid)
{
    unsigned int i;

    spin_lock(&rules_lock);

    for ( i = 0; i < v4v_rules->nr; i++ )
    {
        struct v4v_filter *filter = v4v_rules->rules[i];

        if ( !filter || !names(&filter->rule, domid) )
            continue;

        ACCESS_ONCE(v4v_rules->rules[i]) = NULL;
        generation++;
        call_rcu(&filter->rcu, free_filter);
    }

    spin_unlock(&rules_lock);
}

static bool is_target(uint32_t target)
{
    return target == V4V_ACCEPT || target == V4V_DROP;
}

static bool is_valid(const struct v4v_rule *rule)
{
    return is_target(rule->target) &&
           !(rule->flags & ~(V4V_RULE_SRC_PORT | V4V_RULE_DST_PORT)) &&
           (!rule->src_port || (rule->flags & V4V_RULE_SRC_PORT)) &&
           (!rule->dst_port || (rule->flags & V4V_RULE_DST_PORT));
}

static bool is_same(const struct v4v_rule *a, const struct v4v_rule *b)
{
    return a->src_port == b->src_port && a->dst_port == b->dst_port &&
           a->src_domid == b->src_domid && a->dst_domid == b->dst_domid &&
           a->flags == b->flags && a->target == b->target;
}

/*
 * Whether the domains that a rule names are there to be named. A domain is
 * marked dead before its rules are looked for (v4v_teardown), and both are
 * done under rules_lock: either it is seen dead here, or the rule there.
 */
static bool domains_live(const struct v4v_rule *rule)
{
    ASSERT(spin_is_locked(&rules_lock));

    return (rule->src_domid == V4V_ANY || v4v_domain_lives(rule->src_domid)) &&
           (rule->dst_domid == V4V_ANY || v4v_domain_lives(rule->dst_domid));
}

static int insert_rule(XEN_GUEST_HANDLE_PARAM(v4v_rule_at_t) arg)
{
    struct v4v_rule_table *table;
    struct v4v_filter *filter;
    struct v4v_rule_at at;
    unsigned int i;
    int rc = -ENOMEM;

    if ( copy_from_guest(&at, arg, 1) )
        return -EFAULT;

    if ( at.reserved || !is_valid(&at.rule) )
        return -EINVAL;

    filter = make_filter(&at.rule);
    if ( !filter )
        return -ENOMEM;

    spin_lock(&rules_lock);

    table = copy_table();
    if ( !table )
        goto fail;

    if ( at.position == V4V_RULE_END )
        at.position = table->nr;

    if ( at.position > table->nr )
        rc = -ENOENT;
    else if ( table->nr == V4V_RULES_MAX )
        rc = -ENOSPC;
    else if ( !domains_live(&at.rule) )
        rc = -ESRCH;
    else
        rc = 0;

    if ( rc )
    {
        xfree(table);
        goto fail;
    }

    for ( i = table->nr++; i > at.position; i-- )
        table->rules[i] = table->rules[i - 1];
    table->rules[at.position] = filter;
    install_table(table);

    spin_unlock(&rules_lock);

    return 0;

 fail:
    spin_unlock(&rules_lock);
    xfree(filter);

    return rc;
}

static int delete_rule(XEN_GUEST_HANDLE_PARAM(v4v_rule_at_t) arg)
{
    struct v4v_rule_table *table;
    struct v4v_rule_at at;
    unsigned int i;
    int rc = 0;

    if ( copy_from_guest(&at, arg, 1) )
        return -EFAULT;

    if ( at.reserved )
        return -EINVAL;

    spin_lock(&rules_lock);

    table = copy_table();
    if ( !table )
    {
        rc = -ENOMEM;
        goto out;
    }

    i = at.position;
    if ( at.position == V4V_RULE_MATCH )
        for ( i = 0; i < table->nr; i++ )
            if ( is_same(&table->rules[i]->rule, &at.rule) )
                break;

    if ( i >= table->nr )
    {
        xfree(table);
        rc = -ENOENT;
        goto out;
    }

    for ( table->nr--; i < table->nr; i++ )
        table->rules[i] = table->rules[i + 1];
    install_table(table);

 out:
    spin_unlock(&rules_lock);

    return rc;
}

static int flush_rules(void)
{
    struct v4v_rule_table *table;

    spin_lock(&rules_lock);

    table = copy_table();
    if ( table )
    {
        table->nr = 0;
        install_table(table);
    }

    spin_unlock(&rules_lock);

    return table ? 0 : -ENOMEM;
}

static int set_policy(XEN_GUEST_HANDLE_PARAM(v4v_policy_t) arg)
{
    struct v4v_rule_table *table;
    struct v4v_policy policy;
    int rc = -ENOMEM;

    if ( copy_from_guest(&policy, arg, 1) )
        return -EFAULT;

    if ( policy.reserved || !is_target(policy.target) )
        return -EINVAL;

    spin_lock(&rules_lock);

    if ( v4v_rules->policy->rule.target == policy.target )
        rc = 0;
    else if ( (table = copy_table()) != NULL )
    {
        table->policy = make_policy(policy.target);
        if ( table->policy )
        {
            install_table(table);
            rc = 0;
        }
        else
            xfree(table);
    }

    spin_unlock(&rules_lock);

    return rc;
}

static int zero_rules(void)
{
    struct v4v_rule_table *table;
    unsigned int i;
    bool failed;

    spin_lock(&rules_lock);

    table = copy_table();
    failed = !table;
    if ( table )
    {
        /* New filters: nobody counts in them yet. */
        table->policy = make_filter(&table->policy->rule);
        failed = !table->policy;
        for ( i = 0; i < table->nr; i++ )
        {
            table->rules[i] = make_filter(&table->rules[i]->rule);
            failed |= !table->rules[i];
        }

        if ( failed )
            discard_table(table);
        else
            install_table(table);
    }

    spin_unlock(&rules_lock);

    return failed ? -ENOMEM : 0;
}

static int list_rules(XEN_GUEST_HANDLE_PARAM(v4v_list_rules_t) arg)
{
    struct v4v_rule_entry *entries = NULL;
    struct v4v_list_rules list;
    unsigned int i, room;
    int rc = 0;

    if ( copy_from_guest(&list, arg, 1) )
        return -EFAULT;

    if ( list.reserved )
        return -EINVAL;

    if ( list.entries != (unsigned long)list.entries )
        return -EFAULT;

    room = min(list.nr, V4V_RULES_MAX);
    if ( room )
    {
        entries = xzalloc_array(struct v4v_rule_entry, room);
        if ( !entries )
            return -ENOMEM;
    }

    /* The guest's memory is written afterwards: not with the lock held. */
    spin_lock(&rules_lock);

    list.nr = list.total = 0;
    for ( i = 0; i < v4v_rules->nr; i++ )
    {
        const struct v4v_filter *filter = v4v_rules->rules[i];

        if ( !filter )
            continue;

        if ( list.total++ >= list.first && list.nr < room )
        {
            struct v4v_rule_entry *entry = &entries[list.nr++];

            entry->rule = filter->rule;
            sum_counts(filter, &entry->packets, &entry->bytes);
        }
    }

    list.max = V4V_RULES_MAX;
    list.generation = generation;
    list.policy = v4v_rules->policy->rule.target;
    sum_counts(v4v_rules->policy, &list.policy_packets, &list.policy_bytes);

    spin_unlock(&rules_lock);

    if ( list.nr &&
         copy_to_guest(guest_handle_from_ptr((unsigned long)list.entries,
                                             v4v_rule_entry_t),
                       entries, list.nr) )
        rc = -EFAULT;
    else if ( copy_to_guest(arg, &list, 1) )
        rc = -EFAULT;

    xfree(entries);

    return rc;
}

/* Reads the rules of a table to come, each once, and judges what was read. */
static int read_rules(struct v4v_rule_table *table, unsigned int nr,
                      uint64_t address)
{
    struct v4v_rule *rules;
    int rc = 0;

    if ( address != (unsigned long)address )
        return -EFAULT;

    if ( !nr )
        return 0;

    rules = xmalloc_array(struct v4v_rule, nr);
    if ( !rules )
        return -ENOMEM;

    if ( copy_from_guest(rules,
                         guest_handle_from_ptr((unsigned long)address,
                                               v4v_rule_t), nr) )
        rc = -EFAULT;

    while ( !rc && table->nr < nr )
    {
        struct v4v_filter *filter;

        if ( !is_valid(&rules[table->nr]) )
            rc = -EINVAL;
        else if ( !(filter = make_filter(&rules[table->nr])) )
            rc = -ENOMEM;
        else
            table->rules[table->nr++] = filter;
    }

    xfree(rules);

    return rc;
}

/* Takes a filter that is in force in place of an equal one that was not yet. */
static struct v4v_filter *keep_filter(struct v4v_filter *fresh,
                                      struct v4v_filter *present,
                                      const struct v4v_rule_table *table)
{
    xfree(fresh);
    /* Once only, should the same rule be there more often. */
    present->table = table;

    return present;
}

/* Filters that are in force, in the places of those that say the same. */
static void keep_filters(struct v4v_rule_table *table)
{
    struct v4v_rule_table *old = v4v_rules;
    unsigned int i, j;

    ASSERT(spin_is_locked(&rules_lock));

    if ( old->policy->rule.target == table->policy->rule.target )
        table->policy = keep_filter(table->policy, old->policy, table);

    for ( i = 0; i < table->nr; i++ )
        for ( j = 0; j < old->nr; j++ )
            if ( old->rules[j] && old->rules[j]->table == old &&
                 is_same(&old->rules[j]->rule, &table->rules[i]->rule) )
            {
                table->rules[i] = keep_filter(table->rules[i], old->rules[j],
                                              table);
                break;
            }
}

static int replace_rules(XEN_GUEST_HANDLE_PARAM(v4v_replace_rules_t) arg)
{
    struct v4v_replace_rules args;
    struct v4v_rule_table *table;
    unsigned int i;
    int rc;

    if ( copy_from_guest(&args, arg, 1) )
        return -EFAULT;

    if ( args.reserved || (args.flags & ~V4V_RULES_ZERO) ||
         !is_target(args.policy) )
        return -EINVAL;

    if ( args.nr > V4V_RULES_MAX )
        return -ENOSPC;

    table = xzalloc(struct v4v_rule_table);
    if ( !table )
        return -ENOMEM;

    rc = -ENOMEM;
    table->policy = make_policy(args.policy);
    if ( table->policy )
        rc = read_rules(table, args.nr, args.rules);

    if ( rc )
    {
        discard_table(table);
        return rc;
    }

    spin_lock(&rules_lock);

    for ( i = 0; i < table->nr && !rc; i++ )
        if ( !domains_live(&table->rules[i]->rule) )
            rc = -ESRCH;

    if ( !rc )
    {
        if ( !(args.flags & V4V_RULES_ZERO) )
            keep_filters(table);
        install_table(table);
    }

    spin_unlock(&rules_lock);

    if ( rc )
        discard_table(table);

    return rc;
}

/* The caller may do this (xsm_v4v_rules). */
int v4v_rules_op(unsigned int cmd, XEN_GUEST_HANDLE_PARAM(void) arg)
{
    switch ( cmd )
    {
    case V4VOP_insert_rule:
        return insert_rule(guest_handle_cast(arg, v4v_rule_at_t));

    case V4VOP_delete_rule:
        return delete_rule(guest_handle_cast(arg, v4v_rule_at_t));

    case V4VOP_flush_rules:
        return flush_rules();

    case V4VOP_set_policy:
        return set_policy(guest_handle_cast(arg, v4v_policy_t));

    case V4VOP_zero_rules:
        return zero_rules();

    case V4VOP_list_rules:
        return list_rules(guest_handle_cast(arg, v4v_list_rules_t));

    case V4VOP_replace_rules:
        return replace_rules(guest_handle_cast(arg, v4v_replace_rules_t));
    }

    return -ENOSYS;
}
