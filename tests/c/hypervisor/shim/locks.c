/*
 * The lock order that kernel/xen/new/xen/common/v4v/private.h promises: a domain's lock, then a ring's; never the
 * locks of two domains at once, and none taken twice. The lock of the rules is taken with none of these.
 */
#include <stdio.h>

#include <xen/rwlock.h>
#include <xen/spinlock.h>

static const rwlock_t *domain_lock;
static const spinlock_t *ring_lock;
static const spinlock_t *global_lock;

void rwlock_init(rwlock_t *lock)
{
	*lock = (rwlock_t){0};
}

static void take_domain_lock(const rwlock_t *lock)
{
	if (domain_lock == lock)
		violation("a domain's lock is taken twice");
	else if (domain_lock)
		violation("the locks of two domains are taken at once");
	if (ring_lock || global_lock)
		violation("a domain's lock is taken inside a ring's or that of the rules");
	domain_lock = lock;
}

void read_lock(rwlock_t *lock)
{
	take_domain_lock(lock);
	lock->readers++;
}

void read_unlock(rwlock_t *lock)
{
	if (!lock->readers || domain_lock != lock || ring_lock)
		violation("a domain's lock is released that was not held for reading, or before its ring's");
	lock->readers--;
	domain_lock = NULL;
}

void write_lock(rwlock_t *lock)
{
	take_domain_lock(lock);
	lock->writer = true;
}

void write_unlock(rwlock_t *lock)
{
	if (!lock->writer || domain_lock != lock || ring_lock)
		violation("a domain's lock is released that was not held for writing, or before its ring's");
	lock->writer = false;
	domain_lock = NULL;
}

bool rw_is_locked(const rwlock_t *lock)
{
	return lock->readers || lock->writer;
}

bool rw_is_write_locked(const rwlock_t *lock)
{
	return lock->writer;
}

void spin_lock_init(spinlock_t *lock)
{
	*lock = (spinlock_t){0};
}

void spin_lock(spinlock_t *lock)
{
	if (lock->global) {
		if (domain_lock || ring_lock || global_lock)
			violation("the lock of the rules is taken inside another");
		global_lock = lock;
		lock->held = true;
		return;
	}
	if (!domain_lock)
		violation("a ring's lock is taken without its domain's: the ring may go away");
	if (ring_lock)
		violation("a ring's lock is taken inside another");
	ring_lock = lock;
	lock->held = true;
}

void spin_unlock(spinlock_t *lock)
{
	if (lock->global) {
		if (!lock->held || global_lock != lock)
			violation("the lock of the rules is released that was not held");
		lock->held = false;
		global_lock = NULL;
		return;
	}
	if (!lock->held || ring_lock != lock)
		violation("a ring's lock is released that was not held");
	lock->held = false;
	ring_lock = NULL;
}

bool spin_is_locked(const spinlock_t *lock)
{
	return lock->held;
}

bool locks_are_free(void)
{
	return !domain_lock && !ring_lock && !global_lock;
}

void locks_expect_free(void)
{
	if (domain_lock || ring_lock || global_lock)
		violation("a lock is still held when the call is over");
	domain_lock = NULL;
	ring_lock = NULL;
	global_lock = NULL;
}
