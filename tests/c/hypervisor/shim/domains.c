/* Domains as Xen keeps them (xen/common/domain.c), as far as V4V takes part in their lives. */
#include <stdio.h>
#include <stdlib.h>

#include <xen/event.h>
#include <xen/hypercall.h>
#include <xen/v4v.h>
#include <public/v4v.h>

struct machine machine;
struct vcpu *current;
rcu_read_lock_t domlist_read_lock;

static struct domain *domain_list;
static unsigned int rcu_depth;
static struct rcu_head *rcu_callbacks;

void machine_start(void)
{
	machine = (struct machine){0};
	current = NULL;
	domlist_read_lock.depth = 0;
	rcu_depth = 0;
	memory_start();
}

void machine_stop(void)
{
	machine.failing_allocation = 0;
	machine.on_guest_read = NULL;
	machine.on_event = NULL;
	machine.on_word_read = NULL;
	machine.on_word_written = NULL;
	machine.on_barrier = NULL;
	machine.on_frame_written = NULL;
	while (domain_list) {
		struct domain *d = domain_list;

		if (d->nr_frames)
			machine_kill_domain(d);
		machine_destroy_domain(d);
	}
	machine_audit();
	machine_forget_rules();
	if (machine.heap_blocks)
		violation("%u blocks of the heap are left", machine.heap_blocks);
	memory_stop();
}

struct domain *machine_create_domain(uint16_t domid)
{
	struct domain *d = calloc(1, sizeof(*d));
	struct domain **end = &domain_list;

	d->domain_id = domid;
	d->is_privileged = !domid;
	if (v4v_init(d)) {
		/* As domain_create() does when a part of it fails. */
		v4v_free(d);
		free(d);
		return NULL;
	}
	memory_assign(d);
	while (*end)
		end = &(*end)->next_in_list;
	*end = d;
	return d;
}

void machine_kill_domain(struct domain *d)
{
	d->is_dying = DOMDYING_dying;
	memory_operation_begins();
	v4v_teardown(d);
	memory_operation_ends();
	memory_take_back(d);
	machine_audit();
}

void machine_destroy_domain(struct domain *d)
{
	struct domain **link = &domain_list;

	while (*link != d)
		link = &(*link)->next_in_list;
	*link = d->next_in_list;
	v4v_free(d);
	if (d->v4v)
		violation("a freed domain still leads to what V4V had of it");
	free(d);
}

void machine_soft_reset(struct domain *d)
{
	memory_operation_begins();
	v4v_soft_reset(d);
	memory_operation_ends();
	machine_audit();
}

void machine_resume(struct domain *d)
{
	d->is_shut_down = false;
	memory_operation_begins();
	v4v_resume(d);
	memory_operation_ends();
	machine_audit();
}

struct domain *machine_find_domain(uint16_t domid)
{
	struct domain *d = domain_list;

	while (d && d->domain_id != domid)
		d = d->next_in_list;
	return d;
}

struct domain *machine_first(void)
{
	return domain_list;
}

struct domain *machine_next(const struct domain *d)
{
	return d->next_in_list;
}

struct domain *machine_first_domain(void)
{
	if (!domlist_read_lock.depth)
		violation("the list of domains is walked without its RCU lock");
	return domain_list;
}

struct domain *rcu_lock_domain_by_id(domid_t id)
{
	struct domain *d = machine_find_domain(id);

	if (d)
		d->rcu_references++;
	return d;
}

struct domain *rcu_lock_domain_by_any_id(domid_t id)
{
	return rcu_lock_domain_by_id(id == DOMID_SELF ? current->domain->domain_id : id);
}

void rcu_unlock_domain(struct domain *d)
{
	if (!d->rcu_references)
		violation("domain %u is released once too often", d->domain_id);
	else
		d->rcu_references--;
}

void rcu_read_lock(rcu_read_lock_t *lock)
{
	lock->depth++;
	rcu_depth++;
}

void rcu_read_unlock(rcu_read_lock_t *lock)
{
	if (!lock->depth) {
		violation("an RCU lock is released that is not held");
		return;
	}
	lock->depth--;
	rcu_depth--;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	for (const struct rcu_head *other = rcu_callbacks; other; other = other->next)
		if (other == head)
			violation("a block is given to RCU twice");
	head->func = func;
	head->next = rcu_callbacks;
	rcu_callbacks = head;
}

void machine_quiesce(void)
{
	if (rcu_depth) {
		violation("an RCU lock is still held when the call is over");
		rcu_depth = 0;
	}
	while (rcu_callbacks) {
		struct rcu_head *head = rcu_callbacks;

		rcu_callbacks = head->next;
		head->func(head);
	}
}

void send_guest_global_virq(struct domain *d, uint32_t virq)
{
	if (virq != VIRQ_V4V)
		violation("virtual interrupt %u is not ours", virq);
	d->events++;
	if (machine.on_event)
		machine.on_event(d);
}

long machine_hypercall(struct domain *d, unsigned int cmd, unsigned long address)
{
	struct vcpu caller = {.domain = d};
	long rc;

	if (current) {
		fprintf(stderr, "a hook plays other processors, and they would wait for locks: no hypercall from there\n");
		abort();
	}
	current = &caller;
	guest_access_begins();
	memory_operation_begins();
	rc = do_v4v_op(cmd, (XEN_GUEST_HANDLE_PARAM(void)){(void *)address});
	memory_operation_ends();
	current = NULL;
	machine_audit();
	return rc;
}

void machine_word_read(const void *address)
{
	if (machine.on_word_read)
		machine.on_word_read(address);
}

void machine_word_written(const void *address)
{
	if (machine.on_word_written)
		machine.on_word_written(address);
}

void machine_barrier(bool full)
{
	if (machine.on_barrier)
		machine.on_barrier(full);
}
