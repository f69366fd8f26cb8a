/* Taken once, given back once; nothing else runs. */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

#include <kernel.h>

typedef struct {
	bool held;
} spinlock_t;

#define DEFINE_SPINLOCK(name) spinlock_t name

static inline void spin_lock_bh(spinlock_t *lock)
{
	if (lock->held)
		violation("a spinlock is taken twice");
	lock->held = true;
}

static inline void spin_unlock_bh(spinlock_t *lock)
{
	if (!lock->held)
		violation("a spinlock is released that is not held");
	lock->held = false;
}

#define spin_lock_irqsave(lock, flags) (spin_lock_bh(lock), (flags) = 1)
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), spin_unlock_bh(lock))

#endif
