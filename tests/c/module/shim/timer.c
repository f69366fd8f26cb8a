#include <linux/interrupt.h>
#include <linux/timer.h>

unsigned int irq_off;
unsigned long jiffies = 1000;

static struct timer_list *timers;

void mod_timer(struct timer_list *timer, unsigned long expires)
{
	timer->expires = expires;
	timer->pending = true;
	if (timer->known)
		return;
	timer->known = true;
	timer->next = timers;
	timers = timer;
}

void tick(void)
{
	jiffies++;
	for (struct timer_list *timer = timers; timer; timer = timer->next)
		if (timer->pending && (long)(jiffies - timer->expires) >= 0) {
			timer->pending = false;
			timer->function(timer);
		}
}
