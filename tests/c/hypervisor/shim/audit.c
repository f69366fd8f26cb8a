/* What must be true whenever no call is going on, read from the hypervisor's own tables. */
#include <stdio.h>

#include "check.h"
#include "private.h"

#include <xen/xmalloc.h>

_Noreturn void machine_assertion(const char *condition, const char *file, int line)
{
	printf("# %s:%d: the hypervisor asserts %s\n", file, line, condition);
	fflush(stdout);
	abort();
}

static void audit_waiters(const struct v4v_ring_info *ring, unsigned int *blocks)
{
	const struct v4v_waiter *waiter, *other;

	list_for_each_entry(waiter, &ring->waiters, node) {
		const struct domain *d = machine_find_domain(waiter->domid);

		(*blocks)++;
		if (!d || !d->v4v || d->v4v->dead)
			violation("domain %u waits for room but does not live", waiter->domid);
		/* For any room at all, which there is: only until the owner goes on. */
		if (!waiter->needed && !ring->owner->is_shut_down)
			violation("domain %u was not told that the owner of a ring goes on", waiter->domid);
		list_for_each_entry(other, &ring->waiters, node)
			if (other != waiter && other->domid == waiter->domid)
				violation("domain %u waits twice for one ring", waiter->domid);
	}
}

static void audit_ring(const struct v4v_ring_info *ring, unsigned int *blocks)
{
	*blocks += 2;
	if (ring->lock.held)
		violation("ring %u is still locked", ring->id.port);
	if (ring->tx % V4V_MESSAGE_ALIGN || ring->nr_frames != 1 + ring->size / FRAME_SIZE)
		violation("ring %u has lost its shape", ring->id.port);
	for (unsigned int i = 0; i < ring->nr_frames; i++)
		memory_expect(ring->mfns[i].mfn, !i);
	audit_waiters(ring, blocks);
}

static void audit_domain(const struct domain *d, unsigned int *blocks)
{
	const struct v4v_domain *v4v = d->v4v;
	const struct v4v_ring_info *ring, *other;
	unsigned int rings = 0, bytes = 0;

	if (d->rcu_references)
		violation("domain %u is still referenced", d->domain_id);
	if (!v4v)
		return;
	(*blocks)++;
	if (rw_is_locked(&v4v->lock))
		violation("domain %u is still locked", d->domain_id);
	for (unsigned int i = 0; i < V4V_BUCKETS; i++)
		list_for_each_entry(ring, &v4v->buckets[i], node) {
			rings++;
			bytes += ring->size;
			audit_ring(ring, blocks);
			list_for_each_entry(other, &v4v->buckets[i], node)
				if (other != ring && other->id.port == ring->id.port &&
				    other->id.partner == ring->id.partner)
					violation("two rings of domain %u are the same", d->domain_id);
		}
	if (rings != v4v->nr_rings || bytes != v4v->ring_bytes || rings > V4V_RINGS_MAX || bytes > V4V_RING_BYTES_MAX)
		violation("domain %u has %u rings of %u bytes, and %u of %u on its account", d->domain_id, rings, bytes,
			  v4v->nr_rings, v4v->ring_bytes);
	if (v4v->dead && rings)
		violation("domain %u is dead and has rings", d->domain_id);
}

static void audit_rule(const struct v4v_filter *filter, unsigned int *blocks)
{
	const uint16_t domids[] = {filter->rule.src_domid, filter->rule.dst_domid};

	(*blocks)++;
	if (filter->table != v4v_rules)
		violation("a rule in force is of another table");
	for (unsigned int i = 0; i < 2; i++) {
		const struct domain *d = machine_find_domain(domids[i]);

		if (domids[i] != V4V_ANY && (!d || !d->v4v || d->v4v->dead))
			violation("a rule names domain %u, which does not live", domids[i]);
	}
}

static void audit_rules(unsigned int *blocks)
{
	if (!v4v_rules)
		return;
	(*blocks)++;
	if (v4v_rules->nr > V4V_RULES_MAX)
		violation("%u rules are too many", v4v_rules->nr);
	audit_rule(v4v_rules->policy, blocks);
	for (unsigned int i = 0; i < v4v_rules->nr; i++)
		if (v4v_rules->rules[i])
			audit_rule(v4v_rules->rules[i], blocks);
}

void machine_forget_rules(void)
{
	if (!v4v_rules)
		return;
	for (unsigned int i = 0; i < v4v_rules->nr; i++)
		xfree(v4v_rules->rules[i]);
	xfree(v4v_rules->policy);
	XFREE(v4v_rules);
}

void machine_audit(void)
{
	unsigned int blocks = 0;

	locks_expect_free();
	machine_quiesce();
	audit_rules(&blocks);
	memory_expect_none();
	for (struct domain *d = machine_first(); d; d = machine_next(d))
		audit_domain(d, &blocks);
	memory_compare();
	if (machine.heap_blocks != blocks)
		violation("%u blocks are allocated, domains and rings account for %u", machine.heap_blocks, blocks);
}

void machine_move_ring(struct domain *d, uint32_t port, uint16_t partner, uint32_t position)
{
	struct v4v_ring_info *ring;

	read_lock(&d->v4v->lock);
	ring = v4v_find_ring(d, port, partner);
	read_unlock(&d->v4v->lock);
	ring->tx = ring->shared->tx = position;
}

bool machine_ring_tx(struct domain *d, uint32_t port, uint16_t partner, uint32_t *tx)
{
	const struct v4v_ring_info *ring;

	if (!d->v4v)
		return false;
	read_lock(&d->v4v->lock);
	ring = v4v_find_ring(d, port, partner);
	read_unlock(&d->v4v->lock);
	if (ring)
		*tx = ring->tx;
	return ring;
}
