#include <linux/module.h>
#include <linux/workqueue.h>

#define MOST_WORK 10000u

bool time_stands;

int module_references;

static struct work_struct *first, **end = &first;

bool queue_work(struct workqueue_struct *queue, struct work_struct *work)
{
	(void)queue;
	if (work->queued)
		return false;
	work->queued = true;
	work->next = NULL;
	*end = work;
	end = &work->next;
	return true;
}

bool queue_delayed_work(struct workqueue_struct *queue, struct delayed_work *delayed, unsigned long delay)
{
	if (delayed->timer || delayed->work.queued)
		return false;
	if (!delay || !time_stands)
		return queue_work(queue, &delayed->work);
	delayed->timer = true;
	return true;
}

bool cancel_delayed_work(struct delayed_work *delayed)
{
	struct work_struct **link = &first;
	bool waited = delayed->timer;

	delayed->timer = false;
	if (!delayed->work.queued)
		return waited;
	while (*link != &delayed->work)
		link = &(*link)->next;
	*link = delayed->work.next;
	if (end == &delayed->work.next)
		end = link;
	delayed->work.queued = false;
	return true;
}

void run_work(void)
{
	for (unsigned int i = 0; first; i++) {
		struct work_struct *work = first;

		if (i == MOST_WORK) {
			violation("work never ends");
			return;
		}
		first = work->next;
		if (!first)
			end = &first;
		work->queued = false;
		work->function(work);
	}
}

void destroy_workqueue(struct workqueue_struct *queue)
{
	run_work();
	kernel_free(queue);
}
