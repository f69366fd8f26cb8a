/* Locks that remember who has them; the order in which they may be taken is checked (locks.c). */
#ifndef SHIM_XEN_SPINLOCK_H
#define SHIM_XEN_SPINLOCK_H

#include <xen/lib.h>

typedef struct {
	bool held;
	/* Of the whole machine, not of a ring. */
	bool global;
} spinlock_t;

#define DEFINE_SPINLOCK(name) spinlock_t name = {.global = true}

void spin_lock_init(spinlock_t *lock);
void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
bool spin_is_locked(const spinlock_t *lock);

#endif
