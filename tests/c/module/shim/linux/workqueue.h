/* What is queued runs when the test says so, or when its queue is destroyed. */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

#include <kernel.h>

struct work_struct {
	void (*function)(struct work_struct *work);
	struct work_struct *next;
	bool queued;
};

struct rcu_work {
	struct work_struct work;
};

struct workqueue_struct;

#define WQ_HIGHPRI 0
#define WQ_MEM_RECLAIM 0
#define WQ_UNBOUND 0
#define DECLARE_WORK(name, f) struct work_struct name = {.function = (f)}
#define INIT_WORK(work, f) (*(work) = (struct work_struct){.function = (f)})
#define INIT_RCU_WORK(rcu, f) INIT_WORK(&(rcu)->work, f)
#define to_rcu_work(w) container_of(w, struct rcu_work, work)
#define alloc_ordered_workqueue(name, flags) ((struct workqueue_struct *)kernel_alloc(1, false, true))
#define alloc_workqueue(name, flags, most) alloc_ordered_workqueue(name, flags)

bool queue_work(struct workqueue_struct *queue, struct work_struct *work);
#define flush_workqueue(queue) run_work()
#define queue_rcu_work(queue, rcu) queue_work(queue, &(rcu)->work)
struct delayed_work {
	struct work_struct work;
	bool timer;
};

/* Time passes at once, or while this is set not at all. */
extern bool time_stands;

#define HZ 1
#define system_wq ((struct workqueue_struct *)NULL)
#define DECLARE_DELAYED_WORK(name, f) struct delayed_work name = {.work = {.function = (f)}}
#define mod_delayed_work(queue, delayed, delay) ((void)(time_stands || ((delayed)->work.function(&(delayed)->work), true)))
#define cancel_delayed_work_sync(delayed) ((void)(delayed))
#define INIT_DELAYED_WORK(delayed, f) (*(delayed) = (struct delayed_work){.work = {.function = (f)}})
#define to_delayed_work(w) container_of(w, struct delayed_work, work)
#define msecs_to_jiffies(ms) ((unsigned long)(ms))
bool queue_delayed_work(struct workqueue_struct *queue, struct delayed_work *delayed, unsigned long delay);
#define delayed_work_pending(delayed) ((delayed)->timer || (delayed)->work.queued)
/* Takes it from its timer or from the queue; false if it was in neither. */
bool cancel_delayed_work(struct delayed_work *delayed);

void destroy_workqueue(struct workqueue_struct *queue);

/* Runs what is queued, and what that queues. */
void run_work(void);

#define rcu_read_lock() ((void)0)
#define rcu_read_unlock() ((void)0)
#define rcu_barrier() ((void)0)
#define synchronize_rcu() ((void)0)

#endif
