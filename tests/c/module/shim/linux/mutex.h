#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

#include <kernel.h>

struct mutex {
	bool held;
};

#define mutex_init(mutex) ((mutex)->held = false)

static inline void mutex_lock(struct mutex *mutex)
{
	if (mutex->held)
		violation("a mutex is taken twice");
	mutex->held = true;
}

static inline void mutex_unlock(struct mutex *mutex)
{
	if (!mutex->held)
		violation("a mutex is released that is not held");
	mutex->held = false;
	if (on_unlock)
		on_unlock();
}

#endif
