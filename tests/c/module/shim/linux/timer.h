/* Timers go off when a test lets a tick pass. */
#ifndef SHIM_LINUX_TIMER_H
#define SHIM_LINUX_TIMER_H

#include <linux/jiffies.h>

struct timer_list {
	void (*function)(struct timer_list *timer);
	unsigned long expires;
	bool pending;
	struct timer_list *next;
	bool known;
};

#define DEFINE_TIMER(name, f) struct timer_list name = {.function = (f)}
void mod_timer(struct timer_list *timer, unsigned long expires);
#define timer_delete_sync(timer) ((void)((timer)->pending = false))

void tick(void);

#endif
