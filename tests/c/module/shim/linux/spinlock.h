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

#define spin_lock(lock) spin_lock_bh(lock)
#define spin_unlock(lock) spin_unlock_bh(lock)

/* While the lock is let go: what others do then. */
extern void (*on_unlocked)(void);

static inline void cond_resched_lock(spinlock_t *lock)
{
	spin_unlock(lock);
	if (on_unlocked)
		on_unlocked();
	spin_lock(lock);
}

#endif
