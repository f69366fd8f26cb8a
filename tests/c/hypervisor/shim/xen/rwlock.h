#ifndef SHIM_XEN_RWLOCK_H
#define SHIM_XEN_RWLOCK_H

#include <xen/lib.h>

typedef struct {
	unsigned int readers;
	bool writer;
} rwlock_t;

void rwlock_init(rwlock_t *lock);
void read_lock(rwlock_t *lock);
void read_unlock(rwlock_t *lock);
void write_lock(rwlock_t *lock);
void write_unlock(rwlock_t *lock);
bool rw_is_locked(const rwlock_t *lock);
bool rw_is_write_locked(const rwlock_t *lock);

#endif
