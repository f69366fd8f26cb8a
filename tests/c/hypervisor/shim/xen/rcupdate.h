/* What readers may still look at is freed when the operation is over and nobody reads (domains.c). */
#ifndef SHIM_XEN_RCUPDATE_H
#define SHIM_XEN_RCUPDATE_H

#include <xen/lib.h>

typedef struct {
	unsigned int depth;
} rcu_read_lock_t;

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

#define DEFINE_RCU_READ_LOCK(name) rcu_read_lock_t name

void rcu_read_lock(rcu_read_lock_t *lock);
void rcu_read_unlock(rcu_read_lock_t *lock);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));

#define rcu_dereference(p) (p)
#define rcu_assign_pointer(p, v) \
	({                       \
		smp_wmb();       \
		(p) = (v);       \
	})

#endif
