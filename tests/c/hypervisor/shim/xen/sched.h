/* Domains, the one that runs, and the references that keep them (domains.c). */
#ifndef SHIM_XEN_SCHED_H
#define SHIM_XEN_SCHED_H

#include <xen/lib.h>
#include <xen/rcupdate.h>

#define DOMID_FIRST_RESERVED 0x7ff0U
#define DOMID_SELF 0x7ff0U

struct v4v_domain;

struct domain {
	domid_t domain_id;
	bool idle, is_privileged, is_shut_down;
	/* HVM or PVH. */
	bool translated;
	enum { DOMDYING_alive, DOMDYING_dying, DOMDYING_dead } is_dying;
	struct v4v_domain *v4v;
	struct domain *next_in_list;

	/* Of the tests: memory, and what the domain has been told. */
	unsigned int first_frame, nr_frames;
	unsigned int events;
	unsigned int rcu_references;
};

struct vcpu {
	struct domain *domain;
};

extern struct vcpu *current;

#define is_idle_domain(d) ((d)->idle)
#define is_control_domain(d) ((d)->is_privileged)
#define is_system_domain(d) ((d)->domain_id >= DOMID_FIRST_RESERVED)

struct domain *rcu_lock_domain_by_id(domid_t id);
struct domain *rcu_lock_domain_by_any_id(domid_t id);
void rcu_unlock_domain(struct domain *d);

extern rcu_read_lock_t domlist_read_lock;

struct domain *machine_first_domain(void);

#define for_each_domain(d) for ((d) = machine_first_domain(); (d); (d) = (d)->next_in_list)

#endif
